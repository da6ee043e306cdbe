// Readers of the replicated space, each on its own iterator.
#pragma once

#include <memory>

#include "store/monitor_store.h"

namespace synod {

// REQUIRES of both: an iterator over the replicated space only.
std::unique_ptr<ReplicatedReader> make_reader(std::unique_ptr<DbIterator> iterator);
Result<std::unique_ptr<StoreWalker>> make_walker(std::unique_ptr<DbIterator> iterator, ByteView after);

}  // namespace synod
