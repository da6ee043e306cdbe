// The options of `synod-mon`: its command line, and the INI file that --config names. Not thread safe.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "base/status.h"
#include "mon/daemon/daemon.h"

namespace synod {

struct MonitorOptions {
  bool help = false;
  bool version = false;
  LogLevel log_level = LogLevel::info;
  DaemonOptions daemon;
};

// `words` are the command line without the program's name; the command line wins over the file. Fails with
// `invalid_argument`, one sentence. After --help and --version nothing else is checked.
Result<MonitorOptions> parse_monitor_options(const std::vector<std::string>& words);

std::string monitor_help();

}  // namespace synod
