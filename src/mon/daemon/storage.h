// The store as the executor sees it: work goes in, completions come back later, on the loop's thread.
// Implementations: StoreThreads, and the simulator's.
#pragma once

#include <functional>
#include <optional>

#include "base/bytes.h"
#include "base/status.h"
#include "mon/core/tasks.h"
#include "store/monitor_store.h"

namespace synod {

struct WriteJob {
  std::optional<Bytes> identity;  // made durable before the writes
  StoreWrites writes;
  Durability durability = Durability::visible;
};

class Storage {
 public:
  virtual ~Storage() = default;
  // Jobs and writer tasks take effect in the order of the calls; completions come in that order. A failure is final.
  virtual void write(WriteJob job, std::function<void(Status)> done) = 0;
  virtual void run(Task task, std::function<void(Result<TaskResult>)> done) = 0;
};

}  // namespace synod
