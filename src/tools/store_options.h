// The command line of `synod-store`. Not thread safe.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace synod {

struct StoreOptions {
  bool help = false;
  bool version = false;
  std::string command;
  std::vector<std::string> arguments;
};

// `arguments` without the program's name. Fails with `invalid_argument`, one sentence; also for a command that writes
// without --accept-risk. After --help and --version nothing else is checked.
Result<StoreOptions> parse_store_options(const std::vector<std::string>& arguments);

std::string store_help_text();

}  // namespace synod
