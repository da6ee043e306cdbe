#include "test/sim/storage.h"

#include <algorithm>
#include <utility>

namespace synod::sim {

SimStorage::SimStorage(Scheduler& scheduler, ProcessGate& gate, StoreEngine& engine, uint64_t seed)
    : scheduler_(scheduler), gate_(gate), engine_(engine), random_(seed, "disk latency") {}

SimStorage::~SimStorage() { *alive_ = false; }

void SimStorage::write(WriteJob job, std::function<void(Status)> done) {
  auto kept = std::make_shared<WriteJob>(job);
  enqueue(writer_, QueuedWrite{std::move(job), [this, kept, done = std::move(done)](const Status& status) {
                                 if (on_written_) on_written_(*kept, status);
                                 done(status);
                               }});
}

void SimStorage::run(Task task, std::function<void(Result<TaskResult>)> done) {
  Lane& lane = is_writer_task(task) ? writer_ : reader_;
  enqueue(lane, QueuedTask{task, [this, task, done = std::move(done)](Result<TaskResult> result) {
                             if (on_ran_) on_ran_(task, result);
                             done(std::move(result));
                           }});
}

void SimStorage::enqueue(Lane& lane, QueuedWork work) {
  lane.queue.push_back(std::move(work));
  if (!lane.is_busy) start(lane);
}

Duration SimStorage::duration_of(const Lane& lane) {
  bool is_synced = false;
  for (const QueuedWork& work : lane.queue) {
    const auto* write = std::get_if<QueuedWrite>(&work);
    is_synced = is_synced || write == nullptr || write->job.identity || write->job.durability == Durability::durable;
  }
  if (!lane.is_writer) return random_.exponential(latency_.read_mean);
  return is_synced ? latency_.sync_min + random_.exponential(latency_.sync_mean) : std::chrono::microseconds(10);
}

// Takes all that waits. It happens at some moment of the time that it takes: a crash before leaves nothing of it, one
// after all of it, though nobody was told; what lies between, the disk decides.
void SimStorage::start(Lane& lane) {
  lane.is_busy = true;
  const Duration total = duration_of(lane);
  const Duration before = random_.between(Duration(0), total);
  // One core's worth of copies is saved by moving the queue into a shared place: std::function wants to copy.
  auto work = std::make_shared<std::deque<QueuedWork>>(std::exchange(lane.queue, {}));
  scheduler_.call_after(before, [this, alive = alive_, &lane, work, rest = total - before] {
    if (*alive) go_on(lane, [this, &lane, work, rest] { finish(lane, *work, rest); });
  });
}

// Now, or when the disk hangs no more.
void SimStorage::go_on(Lane& lane, std::function<void()> work) {
  if (lane.is_writer && is_hung_) {
    lane.stalled = std::move(work);
  } else {
    work();
  }
}

void SimStorage::set_hung(bool is_hung) {
  is_hung_ = is_hung;
  if (is_hung || !writer_.stalled) return;
  scheduler_.call_after(Duration(0), [alive = alive_, work = std::exchange(writer_.stalled, nullptr)] {
    if (*alive) work();
  });
}

void SimStorage::finish(Lane& lane, const std::deque<QueuedWork>& work, Duration rest) {
  auto completions = std::make_shared<std::vector<std::function<void()>>>();
  perform_work(engine_, work, [&](std::function<void()> completion) { completions->push_back(std::move(completion)); });
  scheduler_.call_after(rest, [this, alive = alive_, &lane, completions] {
    if (*alive) go_on(lane, [this, &lane, completions] { complete(lane, *completions); });
  });
}

void SimStorage::complete(Lane& lane, const std::vector<std::function<void()>>& completions) {
  lane.is_busy = false;
  if (!lane.queue.empty()) start(lane);
  for (const auto& completion : completions) {
    gate_.enter([alive = alive_, completion] {
      if (*alive) completion();
    });
  }
}

}  // namespace synod::sim
