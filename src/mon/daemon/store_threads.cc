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

void StoreThreads::enqueue(Lane& lane, Work work) {
  {
    const std::lock_guard lock(lane.mutex);
    lane.queue.push_back(std::move(work));
  }
  lane.wake.notify_one();
}

void StoreThreads::write(WriteJob job, std::function<void(Status)> done) {
  enqueue(writer_, Write{std::move(job), std::move(done)});
}

void StoreThreads::run(Task task, std::function<void(Result<TaskResult>)> done) {
  Lane& lane = is_writer_task(task) ? writer_ : reader_;
  enqueue(lane, Run{std::move(task), std::move(done)});
}

void StoreThreads::work(Lane& lane) {
  while (true) {
    std::deque<Work> taken;
    {
      std::unique_lock lock(lane.mutex);
      lane.wake.wait(lock, [&] { return lane.is_closed || !lane.queue.empty(); });
      if (lane.queue.empty()) return;
      taken.swap(lane.queue);
    }
    perform(std::move(taken));
  }
}

// Writes that were queued behind one another share one sync; a task, or an identity, begins a new batch.
void StoreThreads::perform(std::deque<Work> queue) {
  std::vector<Write> batch;
  for (Work& work : queue) {
    auto* write = std::get_if<Write>(&work);
    const bool joins = write != nullptr && !write->job.identity;
    if (!joins && !batch.empty()) perform_writes(std::exchange(batch, {}));
    if (write != nullptr) {
      batch.push_back(std::move(*write));
    } else {
      perform_run(std::move(std::get<Run>(work)));
    }
  }
  if (!batch.empty()) perform_writes(std::move(batch));
}

void StoreThreads::perform_writes(std::vector<Write> writes) {
  std::vector<WriteJob> jobs;
  std::vector<std::function<void(Status)>> done;
  for (Write& write : writes) {
    jobs.push_back(std::move(write.job));
    done.push_back(std::move(write.done));
  }
  const Status status = engine_.write(jobs);
  post_([done = std::move(done), status] {
    for (const auto& callback : done) callback(status);
  });
}

void StoreThreads::perform_run(Run run) {
  // std::function wants to copy what it holds.
  auto result = std::make_shared<Result<TaskResult>>(engine_.run(run.task));
  post_([done = std::move(run.done), result] { done(std::move(*result)); });
}

}  // namespace synod
