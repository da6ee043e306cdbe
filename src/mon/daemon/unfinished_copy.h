// What a sync that was broken off has left in a store.
#pragma once

#include <optional>
#include <string>

#include "mon/core/sync/copy_record.h"

namespace synod {

// Of StoreHome::NewStore: where the copy stands; nothing if none of it was written yet. Fails with `corruption`.
Result<std::optional<CopyRecord>> decode_copy_record(const std::optional<Bytes>& stored);

// "DIR holds an unfinished sync at chunk N", and what to do about it.
Status unfinished_sync(const std::string& dir, const CopyRecord& record);

}  // namespace synod
