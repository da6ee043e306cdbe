#include "mon/core/consensus/paxos.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace synod {

Paxos::Paxos(const CoreOptions& options, Random& random, MemberId self, Monmap monmap, ProposalNumber promised,
             LogState log, TimePoint now, TimePoint quiet_until)
    : options_(options),
      random_(random),
      self_(self),
      monmap_(std::move(monmap)),
      promised_(promised),
      log_(std::move(log)),
      grant_(std::max(promised, log_.highest_pn()), quiet_until) {
  SYNOD_ASSERT(monmap_.find(self_) != nullptr, "I-1: only a member of the monmap takes part");
  SYNOD_ASSERT(monmap_.voter_count() > 0, "a cluster has a voter");
  SYNOD_ASSERT(lease_at_leader() > Duration::zero() && lease_at_leader() < options_.lease,
               "I-14: a grant ends at the leader before it ends at its giver");
  std::set<MemberId> ids;
  for (const Member& member : monmap_.members) {
    SYNOD_ASSERT(member.id && ids.insert(member.id).second, "I-1: a member id is listed once, so it is counted once");
  }
  promised_ = std::max(promised_, log_.highest_pn());
  now_ = now;
  role_ = Idle{now + options_.lease / 20 + random_delay(options_.lease / 4)};
  check_invariants();
}

Duration Paxos::random_delay(Duration below) {
  return Duration(static_cast<int64_t>(random_.next() % static_cast<uint64_t>(std::max<int64_t>(below.count(), 1))));
}

void Paxos::begin_step(TimePoint now, DiskState disk, Effects& out) {
  SYNOD_ASSERT(now >= now_, "time does not go back");
  now_ = now;
  disk_ = disk;
  const auto* leader = std::get_if<Leader>(&role_);
  if (leader != nullptr && is_lapsed(now, *leader)) become_idle(now, "no majority grants its lease", out);
}

void Paxos::step(TimePoint now, MemberId from, const Message& message, Effects& out) {
  SYNOD_ASSERT(now == now_, "I-15: begin_step() comes first");
  // I-1: what a member id that is not a voter says never counts, whatever name it bears.
  if (!monmap_.is_voter(from)) return;
  if (const auto* m = std::get_if<Propose>(&message)) on_propose(now, from, *m, out);
  if (const auto* m = std::get_if<ProposeReply>(&message)) on_propose_reply(now, from, *m, out);
  if (const auto* m = std::get_if<Collect>(&message)) on_collect(now, from, *m, out);
  if (const auto* m = std::get_if<Last>(&message)) on_last(now, from, *m, out);
  if (const auto* m = std::get_if<Refuse>(&message)) on_refuse(now, from, *m, out);
  if (const auto* m = std::get_if<Begin>(&message)) on_begin(now, from, *m, out);
  if (const auto* m = std::get_if<Accept>(&message)) on_accept(now, from, *m, out);
  if (const auto* m = std::get_if<Gap>(&message)) on_gap(now, from, *m, out);
  if (const auto* m = std::get_if<Commit>(&message)) on_commit(now, from, *m, out);
  if (const auto* m = std::get_if<Lease>(&message)) on_lease(now, from, *m, out);
  if (const auto* m = std::get_if<LeaseAck>(&message)) on_lease_ack(now, from, *m, out);
  if (const auto* m = std::get_if<Entries>(&message)) on_entries(now, from, *m, out);
  if (const auto* m = std::get_if<HandOver>(&message)) on_hand_over(now, from, *m, out);
  if (const auto* m = std::get_if<ReadIndexReply>(&message)) note_committed(now, from, m->committed, out);
  proceed_with_hand_over(now, out);
}

void Paxos::tick(TimePoint now, bool may_elect, Effects& out) {
  SYNOD_ASSERT(now == now_, "I-15: begin_step() comes first");
  if (pending_fetch_ && pending_fetch_->deadline && now >= *pending_fetch_->deadline) pending_fetch_.reset();
  if (pending_fetch_ && !pending_fetch_->deadline && disk_ == DiskState::ready) ask_for_piece(now, out);
  if (auto* leader = std::get_if<Leader>(&role_)) {
    tick_leader(now, *leader, out);
  } else if (const auto* peon = std::get_if<Peon>(&role_)) {
    if (now >= peon->last_heard + options_.lease) {
      become_idle(now, fmt::format("no lease from the leader of pn {}", to_string(peon->pn)), out);
    }
  } else if (const auto* candidate = std::get_if<Candidate>(&role_)) {
    if (now >= candidate->deadline) become_idle(now, "no majority for the candidate", out);
  } else if (may_elect && !disk_hangs() && now >= std::get<Idle>(role_).elect_at && !grant_.forbids(next_pn(), now)) {
    become_candidate(now, out);
  }
  proceed_with_hand_over(now, out);
}

void Paxos::on_peer_connected(TimePoint now, MemberId peer) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || leader->is_collecting || !monmap_.is_voter(peer)) return;
  // What was sent on the old connection may be lost; the peer's answer to the lease tells where to go on.
  leader->peers[peer] = Progress{};
  leader->renew_at = now;
}

// ---------------------------------------------------------------------------------------------- roles

void Paxos::become_idle(TimePoint now, const std::string& why, Effects& out) {
  out.trace(LogLevel::info, fmt::format("looks for a leader: {}", why));
  pending_fetch_.reset();
  last_gap_.reset();
  role_ = Idle{now + options_.lease / 50 + random_delay(options_.election_delay_max())};
}

ProposalNumber Paxos::next_pn() const { return {std::max(promised_.round, highest_round_seen_) + 1, self_}; }

void Paxos::become_candidate(TimePoint now, Effects& out) {
  Candidate candidate{next_pn(), {self_}, now + options_.lease / 4 + random_delay(options_.lease / 4)};
  const ProposalNumber pn = candidate.pn;
  SYNOD_ASSERT(std::holds_alternative<Idle>(role_), "only who has no leader stands for election");
  SYNOD_ASSERT(!disk_hangs() && !grant_.forbids(pn, now), "I-14: who cannot promise to itself stands for nothing");
  out.trace(LogLevel::info, fmt::format("asks to be elected under pn {}", to_string(pn)));
  for (const Member& member : monmap_.members) {
    if (member.id != self_) out.send(member.id, Propose{pn, log_.committed().version});
  }
  role_ = std::move(candidate);
  if (monmap_.is_majority({self_})) become_collecting(now, pn, {}, out);
}

void Paxos::become_collecting(TimePoint now, const ProposalNumber& pn, const ProposalNumber& released, Effects& out) {
  SYNOD_ASSERT(pn.member == self_ && pn > promised_, "I-5: each leadership has a pn of its own, above all it promised");
  SYNOD_ASSERT(pn > relinquished_, "I-13: what was given up is not taken again");
  SYNOD_ASSERT(!grant_.forbids(pn, now), "I-14: who has granted a lease to another does not stand against it");
  SYNOD_ASSERT(!std::holds_alternative<Idle>(role_), "asked for by a majority, by the leader, or by itself as leader");
  Leader next;
  if (auto* before = std::get_if<Leader>(&role_)) {
    // Not an election: the grants of the peons name this member, and last until they end.
    next.lease = std::move(before->lease);
    next.lease_sequence = before->lease_sequence;
  }
  next.pn = pn;
  next.released = released;
  next.deadline = now + 2 * options_.lease;
  next.repeat_at = now + options_.lease / 5;
  role_ = std::move(next);
  ++term_;
  out.trace(LogLevel::info, fmt::format("collects under pn {}", to_string(pn)));
  // Durable before another member hears of it: no later life of this member can use the pn again.
  promise(pn, out);
  send_collects(std::get<Leader>(role_), out);
}

// ---------------------------------------------------------------------------------------------- pre-vote

void Paxos::on_propose(TimePoint now, MemberId from, const Propose& propose, Effects& out) {
  if (propose.pn.member != from) return;
  // Stickiness: a live leader's grant forbids it. Whoever is behind lets those lead who are not. And a promise that
  // does not reach the disk is of no use to the candidate.
  const bool granted = !grant_.forbids(propose.pn, now) && propose.pn > promised_ && !disk_hangs() &&
                       propose.committed >= log_.committed().version;
  out.send(from, ProposeReply{propose.pn, granted, promised_});
}

void Paxos::on_propose_reply(TimePoint now, MemberId from, const ProposeReply& reply, Effects& out) {
  highest_round_seen_ = std::max(highest_round_seen_, reply.promised.round);
  auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate == nullptr || reply.pn != candidate->pn || !reply.granted) return;
  candidate->votes.insert(from);
  const ProposalNumber pn = candidate->pn;
  if (monmap_.is_majority(candidate->votes)) become_collecting(now, pn, {}, out);
}

// ---------------------------------------------------------------------------------------------- state

bool Paxos::is_leader() const {
  const auto* leader = std::get_if<Leader>(&role_);
  return leader != nullptr && !leader->is_collecting;
}

bool Paxos::is_electing() const {
  const auto* leader = std::get_if<Leader>(&role_);
  return std::holds_alternative<Candidate>(role_) || (leader != nullptr && leader->is_collecting);
}

MemberId Paxos::leader() const { return leader_pn().member; }

ProposalNumber Paxos::leader_pn() const {
  if (const auto* peon = std::get_if<Peon>(&role_)) return peon->pn;
  if (is_leader()) return std::get<Leader>(role_).pn;
  return {};
}

std::set<MemberId> Paxos::quorum(TimePoint now) const {
  if (const auto* peon = std::get_if<Peon>(&role_)) return peon->quorum;
  const auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || !leader->lease.is_valid(now, monmap_)) return {};
  std::set<MemberId> members;
  for (MemberId member : leader->lease.granted(now)) {
    const auto progress = leader->peers.find(member);
    const bool is_level = member == self_ || (progress != leader->peers.end() && progress->second.sent.has_value());
    if (is_level && monmap_.is_voter(member)) members.insert(member);
  }
  return monmap_.is_majority(members) ? members : std::set<MemberId>{};
}

bool Paxos::is_in_quorum(TimePoint now) const { return quorum(now).count(self_) > 0; }

std::vector<LogEntry> Paxos::take_chosen() {
  SYNOD_ASSERT(chosen_.empty() || chosen_.back().position() == log_.committed(),
               "I-2: what was chosen last is the committed position");
  return std::exchange(chosen_, {});
}

}  // namespace synod
