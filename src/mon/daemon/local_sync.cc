#include "mon/daemon/local_sync.h"

#include <utility>

#include "base/assert.h"

namespace synod {
namespace {

constexpr MemberId provider_id(1);
constexpr MemberId requester_id(2);
constexpr uint64_t cookie = 1;
// Nobody waits for anybody, so no time passes.
constexpr TimePoint now{};

const char* name_of(MemberId id) { return id == provider_id ? "source" : id == requester_id ? "copy" : ""; }

}  // namespace

LocalSync::LocalSync(const CoreOptions& options, const Source& source, Target target, OnSyncEvent on_sync_event)
    : source_(source.store), target_(target.engine), on_sync_event_(std::move(on_sync_event)), provider_(options) {
  if (target.copy) progress_.copy = *target.copy;
  SyncPlan plan;
  plan.cookie = cookie;
  plan.provider = provider_id;
  plan.provider_name = source.name;
  plan.is_delta = target.is_delta;
  plan.copy = std::move(target.copy);
  plan.is_marked = true;  // nobody serves from it
  plan.takes_compressed = false;
  LogState log;
  log.applied = target.current;
  log.first = log.applied.version.next();
  Output out;
  requester_.emplace(options, std::move(plan), AcceptedLog(std::move(log)), now, out);
  requester_->on_marker_durable(now, out, [&](Task task) { writes_.push_back(std::move(task)); });
  collect(requester_id, out);
}

Result<bool> LocalSync::run(uint64_t last_chunk, const Watch& watch) {
  const Result<LogState> log = source_.load_log();
  if (!log) return log.error();
  view_ = {log->first, log->applied.version, MemberId()};
  // Of a copy that has everything nothing is left to stop before.
  if (progress_.copy.cursor.is_complete()) last_chunk = 0;
  if (last_chunk != 0 && progress_.copy.chunks >= last_chunk) return false;
  while (outcome_ == SyncRequester::Outcome::running) {
    const uint64_t chunks = progress_.copy.chunks;
    // Read ahead as far as the window lets, then write that with one sync.
    Result<bool> done = deliver();
    if (done && !*done) done = serve();
    if (done && !*done) done = write(last_chunk);
    if (!done) return done.error();
    SYNOD_ASSERT(*done, "one of both ends has something to do until the sync is over");
    if (progress_.copy.chunks == chunks || outcome_ != SyncRequester::Outcome::running) continue;
    if (!watch(progress_) || progress_.copy.chunks == last_chunk) return false;
  }
  if (outcome_ == SyncRequester::Outcome::switched) return true;
  return Status(requester_->copy() ? Code::unavailable : Code::refused, requester_->failure());
}

Result<bool> LocalSync::deliver() {
  if (sent_.empty()) return false;
  const Sent sent = std::move(sent_.front());
  sent_.pop_front();
  Output out;
  if (sent.to == provider_id) {
    provider_.on_message(now, requester_id, sent.message, view_, out, [&](uint64_t session, Task task) {
      reads_.push_back({session, std::move(task)});
    });
  } else {
    requester_->on_message(now, provider_id, sent.message, out, [&](Task task) { writes_.push_back(std::move(task)); });
    outcome_ = requester_->tick(now, out);
  }
  collect(sent.to, out);
  return true;
}

Result<bool> LocalSync::serve() {
  if (reads_.empty()) return false;
  const ProviderTask due = std::move(reads_.front());
  reads_.pop_front();
  const Result<TaskResult> result = snapshots_.run(source_, due.task);
  if (!result) return result.error();
  if (const auto* chunk = std::get_if<ChunkRead>(&*result); chunk != nullptr && chunk->per_mille != 0) {
    progress_.per_mille = chunk->per_mille;
  }
  Output out;
  provider_.on_result(now, due.session, *result, out, [&](uint64_t session, Task task) {
    reads_.push_back({session, std::move(task)});
  });
  collect(provider_id, out);
  return true;
}

Result<bool> LocalSync::write(uint64_t last_chunk) {
  if (writes_.empty()) return false;
  std::vector<TaskResult> results;
  if (!std::holds_alternative<WriteChunkTask>(writes_.front())) {
    Result<TaskResult> result = target_.run(writes_.front());
    if (!result) return result.error();
    results.push_back(*std::move(result));
  } else {
    const uint64_t wanted = last_chunk == 0 ? UINT64_MAX : last_chunk - progress_.copy.chunks;
    std::vector<const WriteChunkTask*> chunks;
    for (const Task& task : writes_) {
      const auto* chunk = std::get_if<WriteChunkTask>(&task);
      if (chunk == nullptr || chunks.size() == wanted) break;
      chunks.push_back(chunk);
    }
    Result<std::vector<TaskResult>> written = target_.write_chunks(chunks);
    if (!written) return written.error();
    results = *std::move(written);
  }
  writes_.erase(writes_.begin(), writes_.begin() + static_cast<ptrdiff_t>(results.size()));
  for (const TaskResult& result : results) {
    Output out;
    outcome_ = requester_->on_result(now, result, out, [&](Task task) { writes_.push_back(std::move(task)); });
    collect(requester_id, out);
  }
  if (requester_->copy()) progress_.copy = *requester_->copy();
  return true;
}

void LocalSync::collect(MemberId of, Output& out) {
  for (SyncEvent& event : out.sync_events) {
    event.peer = name_of(event.peer_id);
    if (on_sync_event_) on_sync_event_(name_of(of), event);
  }
  for (Envelope& envelope : out.messages) sent_.push_back({envelope.to, std::move(envelope.message)});
}

}  // namespace synod
