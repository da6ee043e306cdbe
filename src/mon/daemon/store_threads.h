// Two threads below a Storage: one writes, and merges what is queued into one batch with one sync; one reads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "mon/daemon/store_work.h"

namespace synod {

class StoreThreads : public Storage {
 public:
  // `post` hands a completion to the loop's thread.
  StoreThreads(StoreEngine& engine, std::function<void(std::function<void()>)> post);
  // Finishes what is queued; its completions are posted, and may never run.
  ~StoreThreads() override;

  void write(WriteJob job, std::function<void(Status)> done) override;
  void run(Task task, std::function<void(Result<TaskResult>)> done) override;

 private:
  // A queue with a thread of its own.
  struct Lane {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<QueuedWork> queue;
    bool is_closed = false;
    std::thread thread;
  };

  void enqueue(Lane& lane, QueuedWork work);
  void work(Lane& lane);
  void close(Lane& lane);

  StoreEngine& engine_;
  std::function<void(std::function<void()>)> post_;
  Lane writer_;
  Lane reader_;
};

}  // namespace synod
