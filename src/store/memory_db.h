// A KeyValueDB in memory: for tests, for the simulator and for benchmarks of what stands on a database.
//
// Nothing is durable; commits never fail. An iterator costs a copy of the key map (values are shared) at the first
// commit after it was made, and may outlive the database.
#pragma once

#include <memory>

#include "store/key_value_db.h"

namespace synod {

std::unique_ptr<KeyValueDB> make_memory_db();

}  // namespace synod
