// What holds between any two steps. Run after each of them in the simulator and in debug builds.
#include <algorithm>

#include "base/assert.h"
#include "mon/core/consensus/paxos.h"

namespace synod {

void Paxos::check_invariants() const {
  log_.check_invariants();
  SYNOD_ASSERT(promised_ >= log_.highest_pn(), "I-3: an acceptance is also a promise");
  SYNOD_ASSERT(promised_ >= relinquished_, "I-13: only what was promised can be given up");
  SYNOD_ASSERT(bool(promised_) == bool(promised_.member), "I-5: a promise is to a member");
  SYNOD_ASSERT(promised_ >= grant_.pn(), "I-14: a grant is given only to a pn that was promised");
  SYNOD_ASSERT(!pending_fetch_ || pending_fetch_->from != self_, "what is lacking is fetched from another");
  if (const auto* peon = std::get_if<Peon>(&role_)) check_peon(*peon);
  if (const auto* candidate = std::get_if<Candidate>(&role_)) check_candidate(*candidate);
  if (const auto* leader = std::get_if<Leader>(&role_)) check_leader(*leader);
}

void Paxos::check_peon(const Peon& peon) const {
  SYNOD_ASSERT(peon.pn.member != self_ && monmap_.is_voter(peon.pn.member), "I-1: another voter is followed");
  SYNOD_ASSERT(promised_ <= peon.pn || promised_.member == peon.pn.member,
               "I-3: who has promised to another follows no longer");
  SYNOD_ASSERT(peon.last_heard <= now_, "a leader was heard in the past");
}

void Paxos::check_candidate(const Candidate& candidate) const {
  SYNOD_ASSERT(candidate.pn.member == self_ && candidate.pn > promised_,
               "I-5: a candidate asks for a new pn of its own");
  SYNOD_ASSERT(candidate.votes.count(self_) == 1, "a candidate is for itself");
  for (const MemberId voter : candidate.votes) SYNOD_ASSERT(monmap_.is_voter(voter), "I-1: only voters vote");
  SYNOD_ASSERT(!monmap_.is_majority(candidate.votes), "with a majority it collects");
}

void Paxos::check_leader(const Leader& leader) const {
  SYNOD_ASSERT(leader.pn.member == self_, "I-5: a pn belongs to the member that it names");
  SYNOD_ASSERT(leader.pn == promised_, "I-3: a leader has promised its own pn, and none above it");
  SYNOD_ASSERT(leader.pn > relinquished_, "I-13: what was given up is not taken again");
  SYNOD_ASSERT(leader.released < leader.pn, "I-13: a leadership follows on the one that was handed over to it");
  SYNOD_ASSERT(term_ > 0, "each leadership has a term");
  leader.lease.check_invariants(now_, lease_at_leader());
  if (leader.is_collecting) {
    SYNOD_ASSERT(leader.in_flight.empty() && !leader.handing_over, "nothing is proposed before phase 1 is through");
    for (const auto& [member, last] : leader.promises) {
      SYNOD_ASSERT(monmap_.is_voter(member) && last.pn == leader.pn, "I-1: promises are those of voters, to this pn");
    }
    return;
  }
  SYNOD_ASSERT(leader.promises.empty(), "promises count for phase 1 alone");
  SYNOD_ASSERT(leader.serving_from <= leader.last_proposed.version, "the recovered tail was proposed");
  SYNOD_ASSERT(!is_lapsed(now_, leader), "I-15: a leader whose lease has lapsed is none");
  check_in_flight(leader);
  for (const auto& [member, progress] : leader.peers) {
    SYNOD_ASSERT(!progress.sent || *progress.sent <= leader.last_proposed.version, "only what was proposed was sent");
    SYNOD_ASSERT(progress.lease_sequence <= leader.lease_sequence, "leases are numbered upwards");
  }
  for (const MemberId member : leader.told_quorum) SYNOD_ASSERT(monmap_.is_voter(member), "I-1: a quorum of voters");
  if (leader.handing_over) {
    SYNOD_ASSERT(monmap_.is_voter(leader.handing_over->target), "I-1: leadership is handed to a voter");
  }
}

void Paxos::check_in_flight(const Leader& leader) const {
  Position below = log_.committed();
  for (const InFlight& value : leader.in_flight) {
    SYNOD_ASSERT(value.entry.predecessor == below.hash && value.entry.version == below.version.next(),
                 "I-6: values in flight chain on the committed position");
    SYNOD_ASSERT(value.entry.pn == leader.pn, "I-6: what a leader proposes bears its pn");
    for (const MemberId member : value.accepted_by) SYNOD_ASSERT(monmap_.is_voter(member), "I-1: only voters accept");
    below = value.entry.position();
  }
  SYNOD_ASSERT(leader.last_proposed == below, "I-6: the last proposal is the last in flight, or committed");
  const bool is_front_chosen = !leader.in_flight.empty() && (leader.in_flight.front().is_chosen ||
                                                             monmap_.is_majority(leader.in_flight.front().accepted_by));
  SYNOD_ASSERT(!is_front_chosen, "I-6: what a majority has accepted is committed in the same step");
  SYNOD_ASSERT(leader.recent.size() <= 2 * options_.window, "the memory of committed values is bounded");
  for (size_t i = 1; i < leader.recent.size(); ++i) {
    SYNOD_ASSERT(leader.recent[i].predecessor == leader.recent[i - 1].hash, "I-6: committed values chain");
  }
  SYNOD_ASSERT(leader.recent.empty() || leader.recent.back().position() == log_.committed(),
               "I-6: the latest committed value is kept");
}

}  // namespace synod
