// What a sync that was broken off has left in a store.
#pragma once

#include <optional>
#include <string>

#include "mon/core/sync/copy_record.h"
#include "store/key_value_db.h"

namespace synod {

// Where the copy stands; nothing if there is none, or none of it was written yet. Fails if that cannot be read.
Result<std::optional<CopyRecord>> read_copy_record(const KeyValueDB& db);

// "DIR holds an unfinished sync at chunk N", and what to do about it.
Status unfinished_sync(const std::string& dir, const CopyRecord& record);

}  // namespace synod
