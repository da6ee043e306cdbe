// sync_order LOG...: judges the logs of all members of a cluster, written with `synod-mon --trace-sync`, one for each.
// Exit 0 if the events of all syncs happened in an order that doc/sync.md permits, 1 if not, 2 if a log cannot be read.
#include <fmt/format.h>

#include <fstream>

#include "test/sim/check/sync/sync_logs.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: sync_order LOG...\n");
    return 2;
  }
  synod::sim::SyncLogs logs;
  for (int i = 1; i < argc; ++i) {
    std::ifstream log(argv[i], std::ios::binary);
    if (!log) {
      fmt::print(stderr, "sync_order: cannot read {}\n", argv[i]);
      return 2;
    }
    logs.read(argv[i], log);
  }
  const std::string violation = logs.check();
  if (!violation.empty()) {
    fmt::print("{}\n", violation);
    return 1;
  }
  fmt::print("{} events in a permitted order\n", logs.events());
  return 0;
}
