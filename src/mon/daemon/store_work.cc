#include "mon/daemon/store_work.h"

#include <memory>
#include <utility>
#include <vector>

namespace synod {
namespace {

using Post = std::function<void(std::function<void()>)>;

// Writes that wait share one sync, and so one batch in memory: up to so much in values, and one write that is larger.
constexpr size_t batch_bytes_max = 4 << 20;

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

void perform_chunks(StoreEngine& engine, std::vector<QueuedTask> queued, const Post& post) {
  std::vector<const WriteChunkTask*> chunks;
  chunks.reserve(queued.size());
  for (const QueuedTask& each : queued) chunks.push_back(&std::get<WriteChunkTask>(each.task));
  auto results = std::make_shared<Result<std::vector<TaskResult>>>(engine.write_chunks(chunks));
  auto shared = std::make_shared<std::vector<QueuedTask>>(std::move(queued));
  post([shared, results] {
    for (size_t i = 0; i < shared->size(); ++i) {
      (*shared)[i].done(*results ? Result<TaskResult>(std::move((**results)[i])) : results->error());
    }
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
  size_t batch_bytes = 0;
  std::vector<QueuedTask> chunks;
  for (QueuedWork& work : queue) {
    auto* write = std::get_if<QueuedWrite>(&work);
    auto* task = std::get_if<QueuedTask>(&work);
    const bool is_chunk = task != nullptr && std::holds_alternative<WriteChunkTask>(task->task);
    if (!is_chunk && !chunks.empty()) perform_chunks(engine, std::exchange(chunks, {}), post);
    const size_t bytes = write != nullptr ? value_bytes(write->job.writes) : 0;
    // A task, or an identity, begins a new batch.
    const bool joins = write != nullptr && !write->job.identity && batch_bytes + bytes <= batch_bytes_max;
    if (!joins && !batch.empty()) {
      perform_writes(engine, std::exchange(batch, {}), post);
      batch_bytes = 0;
    }
    if (write != nullptr) {
      batch_bytes += bytes;
      batch.push_back(std::move(*write));
    } else if (is_chunk) {
      chunks.push_back(std::move(*task));
    } else {
      perform_run(engine, std::move(*task), post);
    }
  }
  if (!chunks.empty()) perform_chunks(engine, std::move(chunks), post);
  if (!batch.empty()) perform_writes(engine, std::move(batch), post);
}

}  // namespace synod
