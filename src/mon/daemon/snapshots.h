// The snapshots of the sync sessions that a store serves, by cookie. Used by one thread; blocks on the disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "mon/core/tasks.h"
#include "mon/daemon/snapshot_reader.h"

namespace synod {

class Snapshots {
 public:
  // Opens, reads or closes one; `store` outlives what is open. What is wrong with the session results in a Status; a
  // failure is the disk's. REQUIRES: the task is about a snapshot.
  Result<TaskResult> run(const MonitorStore& store, const Task& task);
  void clear() { readers_.clear(); }

 private:
  std::map<uint64_t, std::unique_ptr<SnapshotReader>> readers_;
};

}  // namespace synod
