// The commands of `synod`: results to standard output, everything else to standard error.
#pragma once

#include "tools/options.h"

namespace synod {

// Runs `options.command`; returns the exit code. REQUIRES: what parse_options returned, without help and version.
int run_command(const Options& options);

}  // namespace synod
