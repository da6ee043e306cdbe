// `synod-store sync`: copies a stopped member's store, by the protocol that members sync with.
#pragma once

#include "tools/store_options.h"

namespace synod {

// Returns the exit code.
int sync_stores(const StoreOptions& options);

}  // namespace synod
