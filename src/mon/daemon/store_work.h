// The work that waits in front of a StoreEngine, and how it is grouped: writes that were queued behind one another
// share one batch and one sync. StoreThreads and the simulator perform it alike.
#pragma once

#include <deque>
#include <functional>
#include <variant>

#include "mon/daemon/storage.h"
#include "mon/daemon/store_engine.h"

namespace synod {

struct QueuedWrite {
  WriteJob job;
  std::function<void(Status)> done;
};
struct QueuedTask {
  Task task;
  std::function<void(Result<TaskResult>)> done;
};
using QueuedWork = std::variant<QueuedWrite, QueuedTask>;

// In order. Hands each completion to `post` when what it completes is done. May block on the disk.
void perform_work(StoreEngine& engine, std::deque<QueuedWork> queue,
                  const std::function<void(std::function<void()>)>& post);

}  // namespace synod
