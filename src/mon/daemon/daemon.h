// From a command line to a running member: opens the directory, starts store, network and core, and runs until the
// member has to stop.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "mon/core/exit_codes.h"
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
  bool trace_sync = false;
  CoreOptions core;
  MessengerLimits messenger;
  DatabaseOptions database;
};

// Runs until SIGTERM or SIGINT, or until the member has to stop; logs the reason, and returns an exit code of
// exit_codes.h. REQUIRES: called once in a process.
int run_daemon(const DaemonOptions& options);

}  // namespace synod
