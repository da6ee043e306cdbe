#include "mon/daemon/store_work.h"

#include <memory>
#include <utility>
#include <vector>

namespace synod {
namespace {

using Post = std::function<void(std::function<void()>)>;

void perform_writes(StoreEngine& engine, std::vector<QueuedWrite> writes, const Post& post) {
  std::vector<WriteJob> jobs;
  std::vector<std::function<void(Status)>> done;
  for (QueuedWrite& write : writes) {
    jobs.push_back(std::move(write.job));
    done.push_back(std::move(write.done));
  }
  const Status status = engine.write(jobs);
  post([done = std::move(done), status] {
    for (const auto& callback : done) callback(status);
  });
}

void perform_run(StoreEngine& engine, QueuedTask run, const Post& post) {
  // std::function wants to copy what it holds.
  auto result = std::make_shared<Result<TaskResult>>(engine.run(run.task));
  post([done = std::move(run.done), result] { done(std::move(*result)); });
}

}  // namespace

void perform_work(StoreEngine& engine, std::deque<QueuedWork> queue, const Post& post) {
  std::vector<QueuedWrite> batch;
  for (QueuedWork& work : queue) {
    auto* write = std::get_if<QueuedWrite>(&work);
    // A task, or an identity, begins a new batch.
    const bool joins = write != nullptr && !write->job.identity;
    if (!joins && !batch.empty()) perform_writes(engine, std::exchange(batch, {}), post);
    if (write != nullptr) {
      batch.push_back(std::move(*write));
    } else {
      perform_run(engine, std::move(std::get<QueuedTask>(work)), post);
    }
  }
  if (!batch.empty()) perform_writes(engine, std::move(batch), post);
}

}  // namespace synod
