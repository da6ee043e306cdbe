#include "mon/core/requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"

namespace synod {
namespace {

constexpr uint32_t timeout_ms_max = 600'000;

size_t size_of(const ClientRequest& request) {
  size_t bytes = sizeof(ClientRequest);
  if (const auto* write = std::get_if<WriteRequest>(&request.body)) {
    for (const WriteOp& op : write->ops) bytes += op.key.size() + op.value.size() + sizeof(WriteOp);
  }
  return bytes;
}

size_t ops_of(const ClientRequest& request) {
  const auto* write = std::get_if<WriteRequest>(&request.body);
  return write == nullptr ? 1 : write->ops.size();
}

LoggedRequest logged(const ClientRequest& request) {
  if (const auto* write = std::get_if<WriteRequest>(&request.body)) return *write;
  return std::get<OpenSessionRequest>(request.body);
}

Status check_tag(const RequestTag& tag) {
  if (tag.session.client == 0 || tag.session.number == 0) {
    return {Code::invalid_argument, "the request names no session"};
  }
  if (tag.lowest_unanswered == 0 || tag.lowest_unanswered > tag.sequence) {
    return {Code::invalid_argument, fmt::format("request {} of the session tells {} as its lowest unanswered one",
                                                tag.sequence, tag.lowest_unanswered)};
  }
  return Status::ok();
}

}  // namespace

// ---------------------------------------------------------------------------------------------- arrivals

Status Requests::check_write(const WriteRequest& write) const {
  if (write.tag) SYNOD_RETURN_IF_ERROR(check_tag(*write.tag));
  if (write.ops.empty()) return {Code::invalid_argument, "the request has no operation"};
  if (write.ops.size() > write_ops_max) {
    return {Code::invalid_argument,
            fmt::format("the request has {} operations, the limit is {}", write.ops.size(), write_ops_max)};
  }
  size_t bytes = 0;
  for (const WriteOp& op : write.ops) {
    if (op.key.empty()) return {Code::invalid_argument, "the key is empty"};
    if (op.key.size() > options_.key_bytes_max) {
      return {Code::invalid_argument,
              fmt::format("the key has {} bytes, the limit is {}", op.key.size(), options_.key_bytes_max)};
    }
    if (op.value.size() > options_.value_bytes_max) {
      return {Code::invalid_argument,
              fmt::format("the value has {} bytes, the limit is {}", op.value.size(), options_.value_bytes_max)};
    }
    bytes += op.key.size() + op.value.size();
  }
  const size_t limit = std::max(options_.request_bytes_max, options_.value_bytes_max + options_.key_bytes_max);
  if (bytes > limit) {
    return {Code::invalid_argument, fmt::format("the request has {} bytes, the limit is {}", bytes, limit)};
  }
  return Status::ok();
}

Status Requests::check(const ClientRequest& request) const {
  if (std::holds_alternative<StatusRequest>(request.body)) {
    return {Code::invalid_argument, "each monitor answers for itself what its status is"};
  }
  if (const auto* write = std::get_if<WriteRequest>(&request.body)) SYNOD_RETURN_IF_ERROR(check_write(*write));
  if (const auto* open = std::get_if<OpenSessionRequest>(&request.body); open != nullptr && open->client == 0) {
    return {Code::invalid_argument, "a session is opened for a client, which has a number other than zero"};
  }
  if (count_ >= options_.pending_requests_max || bytes_ + size_of(request) > options_.pending_bytes_max) {
    return {Code::unavailable, "too many requests wait here; try again later"};
  }
  return Status::ok();
}

void Requests::on_request(TimePoint now, const Origin& origin, ClientRequest request, Output& out) {
  const Status checked = check(request);
  const size_t bytes = size_of(request);
  // A tenth of the client's patience is left for the answer to arrive.
  const uint32_t timeout_ms = std::min(request.timeout_ms, timeout_ms_max);
  const TimePoint deadline = now + std::chrono::microseconds(timeout_ms * uint64_t{900});
  Pending pending{origin, std::move(request), deadline, now, bytes};
  ++count_;
  bytes_ += pending.bytes;
  if (!checked.is_ok()) {
    fail(pending, checked.code(), checked.message(), out);
  } else {
    queue_of(pending).push_back(std::move(pending));
  }
}

std::deque<Requests::Pending>& Requests::queue_of(const Pending& pending) {
  if (pending.is_read()) return reads_;
  if (pending.is_scrub()) return scrubs_;
  return pending.is_write() ? writes_ : transfers_;
}

void Requests::answer(const Pending& pending, ClientReply reply, Output& out) {
  SYNOD_ASSERT(count_ > 0 && bytes_ >= pending.bytes, "I-18: each request is answered once");
  --count_;
  bytes_ -= pending.bytes;
  reply.id = pending.request.id;
  if (const auto* client = std::get_if<ClientOrigin>(&pending.origin)) {
    out.answers.push_back({client->token, std::move(reply)});
  } else {
    const auto& forward = std::get<ForwardOrigin>(pending.origin);
    out.send(forward.member, ForwardReply{forward.id, std::move(reply)});
  }
}

void Requests::fail(const Pending& pending, Code code, const std::string& why, Output& out) {
  answer(pending, ClientReply{0, Status(code, why), {}}, out);
}

// ---------------------------------------------------------------------------------------------- passing on

void Requests::pass_on(TimePoint now, std::deque<Pending>& queue, const ProposalNumber& leader, Output& out) {
  SYNOD_ASSERT(leader.member, "requests are passed on to somebody");
  std::deque<Pending> kept;
  for (Pending& pending : queue) {
    const bool is_passed_on = std::holds_alternative<ForwardOrigin>(pending.origin);
    if (is_passed_on || now < pending.not_before || now >= pending.deadline) {
      kept.push_back(std::move(pending));
      continue;
    }
    Forward forward{++last_forward_, leader, pending.request};
    forward.request.timeout_ms = static_cast<uint32_t>(to_milliseconds(pending.deadline - now));
    out.send(leader.member, std::move(forward));
    const bool is_new = forwarded_.emplace(last_forward_, Forwarded{leader.member, std::move(pending)}).second;
    SYNOD_ASSERT(is_new, "I-18: what is passed on has a number of its own");
  }
  queue = std::move(kept);
}

// What another member passed on is not passed on again: two members could each take the other for the leader.
void Requests::refuse_passed_on(std::deque<Pending>& queue, Output& out) {
  std::deque<Pending> kept;
  for (Pending& pending : queue) {
    if (std::holds_alternative<ForwardOrigin>(pending.origin)) {
      fail(pending, Code::unavailable, "not the leader", out);
    } else {
      kept.push_back(std::move(pending));
    }
  }
  queue = std::move(kept);
}

// A copy may be the second one of a request that is done, or is being done. So only the first that is seen is taken in,
// and one that asks a leadership of an earlier life of this member, which may have seen it, is not even answered.
void Requests::on_forward(TimePoint now, const Source& source, Forward forward, Output& out) {
  LastForward& last = forwards_seen_[source.member];
  if (source.start_count > last.start_count) last = {source.start_count, 0};
  const bool is_repeated = source.start_count < last.start_count || forward.id <= last.id;
  if ((is_repeated && !SYNOD_MUTANT("forward-taken-again")) || forward.pn <= promised_at_start_) return;
  last.id = forward.id;
  on_request(now, ForwardOrigin{source.member, forward.id}, std::move(forward.request), out);
}

void Requests::on_forward_reply(TimePoint now, MemberId from, ForwardReply reply, Output& out) {
  const auto it = forwarded_.find(reply.id);
  if (it == forwarded_.end() || it->second.leader != from) return;
  Pending pending = std::move(it->second.pending);
  forwarded_.erase(it);
  if (reply.reply.status.code() == Code::unavailable && now < pending.deadline) {
    // Certainly not done, so it can be tried again, where a leader is by then.
    pending.not_before = now + options_.lease / 20;
    queue_of(pending).push_back(std::move(pending));
    return;
  }
  answer(pending, std::move(reply.reply), out);
}

void Requests::on_peer_lost(MemberId member, Output& out) {
  for (auto it = forwarded_.begin(); it != forwarded_.end();) {
    if (it->second.leader != member) {
      ++it;
      continue;
    }
    Pending pending = std::move(it->second.pending);
    it = forwarded_.erase(it);
    const Code code = SYNOD_MUTANT("unknown-told-as-failed") ? Code::unavailable : Code::unknown_outcome;
    fail(pending, code, "the leader was lost while it had the request", out);
  }
}

// ---------------------------------------------------------------------------------------------- moving on

void Requests::pump(TimePoint now, const View& view, Output& out, const RunTask& run) {
  if (view.paxos == nullptr) {
    // Another member may be able to: the client is told at once.
    const std::string why = view.waits_for();
    for (std::deque<Pending>* queue : {&writes_, &reads_, &transfers_, &scrubs_}) {
      give_up(*queue, TimePoint::max(), why, out);
      SYNOD_ASSERT(queue->empty(), "I-18: each that waited was answered");
    }
    index_asks_.clear();
    return;
  }
  pump_reads(now, view, out, run);
  answer_read_indexes(now, *view.paxos, out);
  pump_transfers(now, view, out);
  if (view.paxos->is_leader()) {
    answer_scrubs(view, out);
    start_evaluation(view, run);
    return;
  }
  for (std::deque<Pending>* queue : {&writes_, &transfers_, &scrubs_}) {
    refuse_passed_on(*queue, out);
    if (view.paxos->is_peon() && view.is_leader_connected) pass_on(now, *queue, view.paxos->leader_pn(), out);
  }
}

void Requests::start_evaluation(const View& view, const RunTask& run) {
  Paxos& paxos = *view.paxos;
  // No request is evaluated before the recovered tail can be read.
  if (evaluating_ || !paxos.can_propose() || paxos.is_draining() ||
      (view.visible < paxos.serving_from() && !SYNOD_MUTANT("evaluate-before-tail-applied")))
    return;
  if (writes_.empty() && view.change.is_empty()) return;
  if (view.now < evaluated_ + view.admission_delay) return;
  evaluated_ = view.now;
  EvaluateTask task{paxos.term(), paxos.next_version(), view.visible, {}, view.change};
  Evaluating batch{0, {}};
  size_t bytes = 0;
  size_t ops = 0;
  while (!writes_.empty() && batch.requests.size() < options_.batch_requests) {
    bytes += writes_.front().bytes;
    ops += ops_of(writes_.front().request);
    if ((bytes > options_.batch_bytes || ops > write_ops_max) && !batch.requests.empty()) break;
    batch.requests.push_back(std::move(writes_.front()));
    writes_.pop_front();
    task.requests.push_back(logged(batch.requests.back().request));
  }
  SYNOD_ASSERT(task.version > view.visible, "a value decides what is not applied yet");
  SYNOD_ASSERT(task.version > paxos.log().committed().version, "I-2: a version is decided once");
  SYNOD_ASSERT(!batch.requests.empty() || !task.change.is_empty(), "a value has a reason");
  batch.task = run(std::move(task));
  evaluating_ = std::move(batch);
}

bool Requests::on_task_done(uint64_t task, TaskResult& result, const View& view, Output& out) {
  if (evaluating_ && evaluating_->task == task) {
    auto* evaluated = std::get_if<Evaluated>(&result);
    SYNOD_ASSERT(evaluated != nullptr, "an evaluation does not fail");
    on_evaluated(*evaluated, view, out);
    return true;
  }
  const auto it = running_reads_.find(task);
  if (it == running_reads_.end()) return false;
  auto* done = std::get_if<RangeDone>(&result);
  SYNOD_ASSERT(done != nullptr, "a range read does not fail");
  answer(it->second, ClientReply{0, Status::ok(), std::move(done->reply)}, out);
  running_reads_.erase(it);
  return true;
}

void Requests::on_evaluated(Evaluated& evaluated, const View& view, Output& out) {
  Evaluating batch = std::move(*evaluating_);
  evaluating_.reset();
  Paxos* paxos = view.paxos;
  const bool is_current = paxos != nullptr && paxos->can_propose() && paxos->term() == evaluated.term &&
                          paxos->next_version() == evaluated.version;
  if (!is_current) {
    SYNOD_ASSERT(paxos == nullptr || !paxos->is_leader() || paxos->term() != evaluated.term,
                 "within a term every value that was computed is proposed: the next one is computed on it");
    // Computed on values that may not be chosen: as if it had not been computed.
    for (auto it = batch.requests.rbegin(); it != batch.requests.rend(); ++it) writes_.push_front(std::move(*it));
    return;
  }
  SYNOD_ASSERT(evaluated.replies.size() == batch.requests.size(), "one reply for each request");
  const Position position = paxos->propose(std::move(evaluated.value), out);
  SYNOD_ASSERT(position.version == evaluated.version, "a value decides the version that it was computed for");
  if (SYNOD_MUTANT("answer-before-chosen")) {
    for (size_t i = 0; i < batch.requests.size(); ++i) answer(batch.requests[i], std::move(evaluated.replies[i]), out);
    batch.requests.clear();
    evaluated.replies.clear();
  }
  in_flight_.push_back({position, view.now, std::move(batch.requests), std::move(evaluated.replies)});
}

Duration Requests::take_commit_time() {
  const Duration total = std::exchange(commit_time_, Duration());
  const int64_t commits = std::exchange(commits_, 0);
  return commits == 0 ? Duration() : total / commits;
}

void Requests::on_chosen(TimePoint now, const std::vector<LogEntry>& chosen, Output& out) {
  for (const LogEntry& entry : chosen) {
    // All of them are looked at: what an earlier leadership left behind may be of a higher version than what this one
    // proposed since.
    for (auto it = in_flight_.begin(); it != in_flight_.end();) {
      if (it->position.version > entry.version) {
        ++it;
        continue;
      }
      InFlight value = std::move(*it);
      it = in_flight_.erase(it);
      commit_time_ += now - value.proposed;
      ++commits_;
      for (size_t i = 0; i < value.requests.size(); ++i) {
        if (value.position == entry.position() || SYNOD_MUTANT("answer-whatever-is-chosen")) {
          answer(value.requests[i], std::move(value.replies[i]), out);
        } else if (value.position.version == entry.version) {
          // Another value was chosen in its place, so it is certainly not done, and may be tried again.
          writes_.push_back(std::move(value.requests[i]));
        } else {
          // A sync went past it: what was chosen at its version is not known here any more.
          fail(value.requests[i], Code::unknown_outcome, "leadership changed while the request was in flight", out);
        }
      }
    }
  }
}

// ---------------------------------------------------------------------------------------------- time

void Requests::give_up(std::deque<Pending>& queue, TimePoint now, const std::string& why, Output& out) {
  std::deque<Pending> kept;
  for (Pending& pending : queue) {
    if (now >= pending.deadline) {
      fail(pending, Code::unavailable, why, out);
    } else {
      kept.push_back(std::move(pending));
    }
  }
  queue = std::move(kept);
}

void Requests::expire(TimePoint now, const View& view, Output& out) {
  auto is_late = [&](const Pending& pending) { return now >= pending.deadline; };
  for (std::deque<Pending>* queue : {&writes_, &reads_, &transfers_, &scrubs_}) {
    if (std::none_of(queue->begin(), queue->end(), is_late)) continue;
    std::string why = view.waits_for();
    if (why.empty()) why = "no leader with a majority in time";
    give_up(*queue, now, why, out);
  }
  if (handing_over_ && is_late(handing_over_->pending)) {
    fail(handing_over_->pending, Code::unknown_outcome, "the leader gave way, and no other is known yet", out);
    handing_over_.reset();
  }
  for (auto it = forwarded_.begin(); it != forwarded_.end();) {
    Pending& pending = it->second.pending;
    if (now < pending.deadline) {
      ++it;
      continue;
    }
    fail(pending, Code::unknown_outcome, "the leader did not answer in time", out);
    it = forwarded_.erase(it);
  }
  for (InFlight& value : in_flight_) {
    for (size_t i = value.requests.size(); i-- > 0;) {
      if (now < value.requests[i].deadline) continue;
      fail(value.requests[i], Code::unknown_outcome, "no majority accepted it in time, but one may yet", out);
      value.requests.erase(value.requests.begin() + static_cast<std::ptrdiff_t>(i));
      value.replies.erase(value.replies.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

}  // namespace synod
