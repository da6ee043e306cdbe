// A database that carries out every operation twice, on the one below and in memory, and compares what both say: for
// tests, and for `synod-mon --mirror-store`. All keys and values are in memory, and what was written is read back.
#pragma once

#include <memory>

#include "store/key_value_db.h"

namespace synod {

// Reads all of `db`. Whatever differs later is `corruption`, which names the operation and the key, and from then on
// every operation fails with it. Fails if `db` cannot be read.
Result<std::unique_ptr<KeyValueDB>> mirror_in_memory(std::unique_ptr<KeyValueDB> db);

}  // namespace synod
