// The commands of `synod-store`: results to standard output, everything else to standard error.
#pragma once

#include "tools/store_options.h"

namespace synod {

// Runs `options.command`; returns the exit code. REQUIRES: what parse_store_options returned, without help and version.
int run_store_command(const StoreOptions& options);

}  // namespace synod
