// From a data directory to what a member starts with.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mon/core/monitor.h"
#include "mon/daemon/daemon.h"
#include "store/monitor_store.h"
#include "store/store_home.h"

namespace synod {

// Why a directory cannot be used: an exit code of the daemon, and a sentence.
struct Refusal {
  int code;
  std::string why;
};

struct OpenedMember {
  std::unique_ptr<MonitorStore> store;            // null: the member belongs to no cluster yet
  std::optional<StoreHome::NewStore> unfinished;  // a copy that the member goes on with
  MonitorStart start;
};

// Reads identity and store, and counts this start, durably, before the first message (I-4). Blocks on the disk.
std::optional<Refusal> open_member(StoreHome& home, const DaemonOptions& options, Random& random, OpenedMember& opened);

}  // namespace synod
