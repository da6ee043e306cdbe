// A process's store under virtual time: the real StoreEngine, whose work takes a while and is completed later, in order
// on each of two lanes, and grouped as StoreThreads groups it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "mon/daemon/store_work.h"
#include "test/sim/process_clock.h"

namespace synod::sim {

struct DiskLatency {
  Duration sync_min = std::chrono::milliseconds(1);
  Duration sync_mean = std::chrono::milliseconds(1);  // exponential, on top
  Duration read_mean = std::chrono::microseconds(50);
};

class SimStorage : public Storage {
 public:
  // Told of each write and task when it is about to be completed, with its outcome.
  using OnWritten = std::function<void(const WriteJob& job, const Status& status)>;
  using OnRan = std::function<void(const Task& task, const Result<TaskResult>& result)>;

  SimStorage(Scheduler& scheduler, ProcessGate& gate, StoreEngine& engine, uint64_t seed);
  ~SimStorage() override;

  void write(WriteJob job, std::function<void(Status)> done) override;
  void run(Task task, std::function<void(Result<TaskResult>)> done) override;

  void set_observers(OnWritten on_written, OnRan on_ran) {
    on_written_ = std::move(on_written);
    on_ran_ = std::move(on_ran);
  }
  void set_latency(DiskLatency latency) { latency_ = latency; }
  void set_sync_delay(Duration delay) { latency_ = {delay / 2, delay / 2, latency_.read_mean}; }
  // While it hangs no write returns, and none reaches the disk.
  void set_hung(bool is_hung);

 private:
  struct Lane {
    bool is_writer = false;
    bool is_busy = false;
    std::deque<QueuedWork> queue;
    std::function<void()> stalled;  // what is under way while the disk hangs
  };

  void enqueue(Lane& lane, QueuedWork work);
  void start(Lane& lane);
  void go_on(Lane& lane, std::function<void()> work);
  void finish(Lane& lane, const std::deque<QueuedWork>& work, Duration rest);
  void complete(Lane& lane, const std::vector<std::function<void()>>& completions);
  Duration duration_of(const Lane& lane);

  Scheduler& scheduler_;
  ProcessGate& gate_;
  StoreEngine& engine_;
  SeededRandom random_;
  DiskLatency latency_;
  OnWritten on_written_;
  OnRan on_ran_;
  bool is_hung_ = false;
  Lane writer_{true, false, {}, {}};
  Lane reader_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace synod::sim
