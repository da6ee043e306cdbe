// The command line of `synod-store`. Not thread safe.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace synod {

struct StoreSyncOptions {
  size_t chunk_bytes = 1 << 20;   // of keys and values
  uint32_t window = 4;            // chunks that are made durable together
  uint64_t stop_after_chunk = 0;  // counted from the beginning of the copy; 0: not
  bool resume = false;
  bool delta = false;
  bool trace = false;
  bool as_json = false;
};

struct StoreOptions {
  bool help = false;
  bool version = false;
  std::string command;
  std::vector<std::string> arguments;
  bool quick = false;     // compare only
  StoreSyncOptions sync;  // sync only
};

// `arguments` without the program's name. Fails with `invalid_argument`, one sentence; also for a command that repairs
// without --accept-risk. After --help and --version nothing else is checked.
Result<StoreOptions> parse_store_options(const std::vector<std::string>& arguments);

std::string store_help_text();

}  // namespace synod
