#include "mon/daemon/store_threads.h"

#include <utility>

namespace synod {

StoreThreads::StoreThreads(StoreEngine& engine, std::function<void(std::function<void()>)> post)
    : engine_(engine), post_(std::move(post)) {
  writer_.thread = std::thread([this] { work(writer_); });
  reader_.thread = std::thread([this] { work(reader_); });
}

StoreThreads::~StoreThreads() {
  close(writer_);
  close(reader_);
}

void StoreThreads::close(Lane& lane) {
  {
    const std::lock_guard lock(lane.mutex);
    lane.is_closed = true;
  }
  lane.wake.notify_one();
  lane.thread.join();
}

void StoreThreads::enqueue(Lane& lane, QueuedWork work) {
  {
    const std::lock_guard lock(lane.mutex);
    lane.queue.push_back(std::move(work));
  }
  lane.wake.notify_one();
}

void StoreThreads::write(WriteJob job, std::function<void(Status)> done) {
  enqueue(writer_, QueuedWrite{std::move(job), std::move(done)});
}

void StoreThreads::run(Task task, std::function<void(Result<TaskResult>)> done) {
  Lane& lane = is_writer_task(task) ? writer_ : reader_;
  enqueue(lane, QueuedTask{std::move(task), std::move(done)});
}

void StoreThreads::work(Lane& lane) {
  while (true) {
    std::deque<QueuedWork> taken;
    {
      std::unique_lock lock(lane.mutex);
      lane.wake.wait(lock, [&] { return lane.is_closed || !lane.queue.empty(); });
      if (lane.queue.empty()) return;
      taken.swap(lane.queue);
    }
    perform_work(engine_, std::move(taken), post_);
  }
}

}  // namespace synod
