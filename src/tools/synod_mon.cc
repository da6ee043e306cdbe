// The daemon: one member of a cluster.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "base/log.h"
#include "mon/daemon/daemon.h"
#include "tools/monitor_options.h"
#include "tools/version.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const synod::Result<synod::MonitorOptions> options = synod::parse_monitor_options({argv + 1, argv + argc});
  if (!options) {
    fmt::print(stderr, "synod-mon: {}\n", options.error().message());
    return synod::exit_usage;
  }
  if (options->help) {
    fmt::print("{}", synod::monitor_help());
    return 0;
  }
  if (options->version) {
    fmt::print("synod-mon {}\n", synod::commit);
    return 0;
  }
  synod::set_log_level(options->log_level);
  return synod::run_daemon(options->daemon);
}
