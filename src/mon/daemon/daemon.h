// From a command line to a running member: opens the directory, starts store, network and core, and runs until the
// member has to stop.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "mon/core/monmap.h"
#include "mon/core/options.h"
#include "msg/messenger.h"
#include "store/data_dir.h"

namespace synod {

struct DaemonOptions {
  std::string name;
  std::string data;  // the directory
  std::vector<InitialMember> initial_members;
  bool form = false;  // form a cluster of one, and exit when it exists
  CoreOptions core;
  MessengerLimits messenger;
  DatabaseOptions database;
};

// Exit codes of synod-mon.
inline constexpr int exit_stopped = 0;
inline constexpr int exit_usage = 2;
inline constexpr int exit_directory_refused = 3;
inline constexpr int exit_disk_failure = 4;
inline constexpr int exit_superseded = 5;

// Runs until SIGTERM or SIGINT, or until the member has to stop; logs the reason. REQUIRES: called once in a process.
int run_daemon(const DaemonOptions& options);

}  // namespace synod
