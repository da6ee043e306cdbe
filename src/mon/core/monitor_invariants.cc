// What holds between any two steps. Run after each of them in the simulator and in debug builds.
#include "base/assert.h"
#include "mon/core/monitor.h"

namespace synod {

void Monitor::check_invariants() const {
  formation_.check_invariants(identity_);
  requests_.check_invariants();
  provider_.check_invariants(identity_.id);
  holds_.check_invariants();
  check_role();
  check_steps();
}

// What the member is, and what it may have at the same time.
void Monitor::check_role() const {
  SYNOD_ASSERT(!monmap_ || identity_.formation == FormationState::formed, "a monmap comes with formation");
  SYNOD_ASSERT(!is_forming_store_ || !paxos_, "a member takes part when it has a store");
  SYNOD_ASSERT(!(is_marked_ && paxos_), "I-9: a syncing member takes no part in consensus");
  SYNOD_ASSERT(is_marked_ == marked_log_.has_value(), "I-9: what a marked member had accepted is not forgotten");
  SYNOD_ASSERT(!repair_ || is_marked_, "I-24: who is being repaired does not vote");
  SYNOD_ASSERT(!requester_ || is_marked_, "I-9: whoever copies a store has marked its own");
  SYNOD_ASSERT(!requester_ || requester_->provider() != identity_.id, "[2] no member copies from itself");
  SYNOD_ASSERT(requester_ || requester_tasks_.empty(), "tasks of a sync that is over are not waited for");
  SYNOD_ASSERT(!unmark_step_ || (is_marked_ && !requester_), "I-9: no sync runs while the mark is taken away");
  SYNOD_ASSERT(!is_marked_ || provider_.session_count() == 0, "I-9: a syncing member serves no store");
  if (requester_) requester_->check_invariants();
  SYNOD_ASSERT(!learner_ || (is_learner() && !is_marked_), "I-23: a learner is not listed, and follows or copies");
  if (learner_) {
    learner_->check_invariants();
    SYNOD_ASSERT(learner_->log().committed() == last_committed_ && learner_->log().first() == last_first_,
                 "what is told of the log is what it is");
  }
  if (!paxos_) return;
  SYNOD_ASSERT(is_member(), "I-1: only who is listed takes part");
  SYNOD_ASSERT(paxos_->monmap() == *monmap_, "I-1: votes are counted by the monmap that this member has");
  paxos_->check_invariants();
  scrub_.check_invariants(*monmap_);
  SYNOD_ASSERT(paxos_->promised() >= identity_.promised, "I-3: Paxos never knows less than the record");
  SYNOD_ASSERT(paxos_->log().committed() == last_committed_ && paxos_->log().first() == last_first_,
               "what is told of the log is what it is");
  SYNOD_ASSERT(paxos_->term() == last_term_, "I-21: no term is used by two leaderships");
  SYNOD_ASSERT(trim_requested_.first <= paxos_->term(), "a trim was asked for in this leadership, or before");
}

// Steps, and what of them is visible and durable.
void Monitor::check_steps() const {
  SYNOD_ASSERT(progress_.visible_step <= step_ && progress_.durable_step <= step_,
               "I-10: only what was asked for is done");
  SYNOD_ASSERT(promise_step_ <= step_ && marker_step_ <= step_, "I-10: a write belongs to a step");
  SYNOD_ASSERT(last_first_ <= last_committed_.version.next(), "I-2: the log has no hole below the committed version");
  SYNOD_ASSERT(visible_ <= last_committed_.version, "I-20: nothing is visible that is not committed");
  Version below = visible_;
  uint64_t step = 0;
  for (const auto& [applied_by, version] : applies_) {
    SYNOD_ASSERT(applied_by > step && applied_by <= step_ && version > below, "I-20: values are applied in order");
    step = applied_by;
    below = version;
  }
  SYNOD_ASSERT(below == last_committed_.version, "I-20: what is committed is applied, or on its way");
  uint64_t oldest = 0;
  size_t bytes = 0;
  for (const PendingWrite& write : pending_writes_) {
    SYNOD_ASSERT(write.step > oldest && write.step <= step_, "writes are pending in the order of their steps");
    oldest = write.step;
    bytes += write.bytes;
  }
  SYNOD_ASSERT(bytes == pending_bytes_, "what waits for the disk is counted");
  for (const auto& [task, session] : provider_tasks_) SYNOD_ASSERT(task <= last_task_, "tasks are numbered upwards");
  for (const uint64_t task : requester_tasks_) SYNOD_ASSERT(task <= last_task_, "tasks are numbered upwards");
  for (const auto& [task, who] : log_reads_) {
    SYNOD_ASSERT(task <= last_task_ && who.first != identity_.id, "the log is read for another member");
  }
}

}  // namespace synod
