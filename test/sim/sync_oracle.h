// The oracle of a syncing member: it sends no vote, nothing is begun before its store is durably marked, the mark stays
// until the copy is the current store, and what it has acknowledged of a copy is on its disk. The order of the events
// of syncs is judged apart, by SyncOrder.
#pragma once

#include <map>
#include <string>

#include "mon/core/monitor.h"
#include "mon/core/sync/sync_event.h"
#include "mon/daemon/storage.h"
#include "msg/messages.h"
#include "test/sim/findings.h"
#include "test/sim/scrub_oracle.h"

namespace synod::sim {

class SyncOracle {
 public:
  // `scrubs` knows whether bytes change on their disks.
  SyncOracle(Findings& findings, const ScrubOracle& scrubs) : findings_(findings), scrubs_(scrubs) {}

  void on_start(const std::string& member, const MonitorStart& start);
  // Writes to the member's store are visible; a write is durable.
  void on_written(const std::string& member, const StoreWrites& writes);
  void on_durable(const std::string& member, const StoreWrite& write);
  void on_ran(const std::string& member, const Task& task, const TaskResult& result);
  void on_sync_event(const std::string& member, const SyncEvent& event);
  // A message enters the network.
  void on_sent(const std::string& from, const Message& message);
  void forget(const std::string& member) { members_.erase(member); }

 private:
  // Of a store, in chunks.
  struct Copy {
    uint64_t written = 0;  // durably
    uint64_t acknowledged = 0;
    uint64_t begun = 0;  // when the session began
    bool is_verified = false;
  };
  struct Held {
    bool is_marked = false;  // durably: it syncs
    Copy copy;
  };

  void on_chunk_written(const std::string& member, const WriteChunkTask& task);

  Findings& findings_;
  const ScrubOracle& scrubs_;
  std::map<std::string, Held> members_;
};

}  // namespace synod::sim
