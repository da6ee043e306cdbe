// Reads. The leader answers a linearizable read under its lease; another member asks it how far the log is committed,
// waits until it can see that far, and reads for itself.
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "mon/core/requests.h"

namespace synod {
namespace {
constexpr size_t running_reads_max = 64;
}

void Requests::pump_reads(TimePoint now, const View& view, Output& out, const RunTask& run) {
  const Paxos& paxos = *view.paxos;
  // The answer may be lost, and whoever leads now owes none.
  if (asked_ && (now >= asked_->again_at || paxos.leader() != asked_->leader)) asked_.reset();
  if (reads_.empty()) return;
  std::deque<Pending> kept;
  const bool has_lease = paxos.has_lease(now) || (paxos.is_leader() && SYNOD_MUTANT("read-without-lease"));
  SYNOD_ASSERT(!has_lease || paxos.log().committed().version >= paxos.serving_from(),
               "I-16: no read under a lease before a value of the leader's own pn is committed");
  bool lacks_index = false;
  for (Pending& pending : reads_) {
    const bool is_serializable = pending.is_serializable() || SYNOD_MUTANT("read-where-asked");
    // Under the lease nobody else commits, so this is all that was ever acknowledged before now. It stays true.
    if (has_lease && pending.required == Version()) pending.required = paxos.log().committed().version;
    const bool is_index_known = pending.required != Version();
    const bool is_visible = view.visible >= pending.required || SYNOD_MUTANT("read-before-visible");
    const bool may_run = is_serializable ? view.has_data : is_index_known && is_visible;
    if (may_run && running_reads_.size() < running_reads_max) {
      const uint64_t task = run(RangeTask{std::get<RangeRequest>(pending.request.body)});
      running_reads_.emplace(task, std::move(pending));
    } else {
      lacks_index |= !is_serializable && !is_index_known;
      kept.push_back(std::move(pending));
    }
  }
  reads_ = std::move(kept);
  if (lacks_index && !asked_ && paxos.is_peon() && view.is_leader_connected) ask_read_index(now, paxos.leader(), out);
}

// One question for all reads that wait. Those that arrive after it left wait for the next: what was acknowledged
// before they arrived may be above the answer.
void Requests::ask_read_index(TimePoint now, MemberId leader, Output& out) {
  asked_ = IndexAsked{++last_index_, leader, now + options_.lease / 2};
  for (Pending& pending : reads_) {
    if (pending.required == Version()) pending.index = last_index_;
  }
  out.send(leader, ReadIndex{last_index_});
}

void Requests::on_read_index_reply(MemberId from, const ReadIndexReply& reply) {
  if (!asked_ || asked_->id != reply.id || asked_->leader != from) return;
  asked_.reset();
  for (Pending& pending : reads_) {
    SYNOD_ASSERT(pending.index <= reply.id, "I-16: no read waits for an index that was not asked for yet");
    const bool was_here = pending.index == reply.id || SYNOD_MUTANT("read-index-reused");
    if (was_here && pending.required == Version()) pending.required = reply.committed.version;
  }
}

void Requests::answer_read_indexes(TimePoint now, const Paxos& paxos, Output& out) {
  if (!paxos.is_leader()) index_asks_.clear();
  const bool has_lease = paxos.has_lease(now) || SYNOD_MUTANT("read-index-without-lease");
  if (index_asks_.empty() || !has_lease) return;
  for (const auto& [member, id] : index_asks_) out.send(member, ReadIndexReply{id, paxos.log().committed()});
  index_asks_.clear();
}

}  // namespace synod
