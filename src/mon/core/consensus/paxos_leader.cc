// What a leader does: recover, propose, count, and hold its lease.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "mon/core/consensus/paxos.h"

namespace synod {

// ---------------------------------------------------------------------------------------------- phase 1

void Paxos::on_last(TimePoint now, MemberId from, const Last& last, Effects& out) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || !leader->is_collecting || last.pn != leader->pn) return;
  leader->promises[from] = last;
  SYNOD_ASSERT(leader->promises.size() <= monmap_.voter_count(), "I-1: a voter promises once");
  try_to_recover(now, *leader, out);
}

// Not to others before its own promise is durable: see become_collecting().
void Paxos::send_collects(const Leader& leader, Effects& out) {
  const Collect collect{leader.pn, log_.committed(), leader.released};
  for (const Member& member : monmap_.members) {
    if (leader.promises.count(member.id) > 0) continue;
    if (member.id == self_ || SYNOD_MUTANT("pn-reused-after-restart")) {
      out.send(member.id, collect);
    } else {
      out.send_when_durable(member.id, collect);
    }
  }
}

void Paxos::try_to_recover(TimePoint now, Leader& leader, Effects& out) {
  std::set<MemberId> promised_by;
  MemberId ahead;
  Position furthest;
  for (const auto& [member, last] : leader.promises) {
    promised_by.insert(member);
    if (last.committed.version > furthest.version) {
      furthest = last.committed;
      ahead = member;
    }
  }
  const bool is_majority = monmap_.is_majority(promised_by) || SYNOD_MUTANT("recover-from-minority");
  if (promised_by.count(self_) == 0 || !is_majority) return;
  if (furthest.version > log_.committed().version) {
    if (leader.promises[ahead].first > log_.committed().version.next()) {
      behind_trim_ = true;
      become_idle(now, "what it lacks is trimmed", out);
      return;
    }
    note_committed(now, ahead, furthest, out);
    if (log_.committed().version < furthest.version) return;  // until the entries have come
  }
  recover(now, leader, out);
}

// All of a majority's committed entries are known here; above them, any value that may have been chosen is among those
// reported, and by the chain rule it is the one of highest pn among those that chain.
void Paxos::recover(TimePoint now, Leader& leader, Effects& out) {
  SYNOD_ASSERT(promised_ == leader.pn, "I-3: a leader has promised its own pn, and none above it");
  leader.is_collecting = false;
  leader.lease_by = now + options_.lease;
  pending_fetch_.reset();
  leader.last_proposed = log_.committed();
  for (const auto& [member, last] : leader.promises) {
    if (member != self_) leader.peers[member].sent = log_.committed().version;
  }
  size_t recovered = 0;
  while (true) {
    const LogEntry* best = nullptr;
    for (const auto& [member, last] : leader.promises) {
      for (const LogEntry& entry : last.accepted) {
        const bool chains = entry.version == leader.last_proposed.version.next() &&
                            (entry.predecessor == leader.last_proposed.hash || SYNOD_MUTANT("recover-unchained"));
        const bool is_better = best == nullptr || entry.pn > best->pn || SYNOD_MUTANT("recover-any-pn");
        if (chains && is_better) best = &entry;
      }
    }
    if (best == nullptr || (recovered == 1 && SYNOD_MUTANT("recover-first-only"))) break;
    propose_entry(leader, best->value, out);
    ++recovered;
  }
  // A leader answers no read before a value of its own pn is committed; with nothing to recover, an empty one will do.
  if (recovered == 0) propose_entry(leader, SharedBytes(Transaction().encode()), out);
  leader.serving_from = leader.last_proposed.version;
  SYNOD_ASSERT(leader.serving_from > log_.committed().version, "a value of its own pn is to be committed");
  leader.promises.clear();
  out.trace(LogLevel::info, fmt::format("leads under pn {}, recovered {} values above version {}", to_string(leader.pn),
                                        recovered, log_.committed().version.value()));
  send_lease(now, leader, out);
}

void Paxos::on_refuse(TimePoint now, MemberId, const Refuse& refuse, Effects& out) {
  highest_round_seen_ = std::max(highest_round_seen_, refuse.promised.round);
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || refuse.pn != leader->pn || refuse.promised <= leader->pn) return;
  if (leader->is_collecting) {
    become_idle(now, "a higher pn was promised elsewhere", out);
  } else {
    become_collecting(now, next_pn(), {}, out);
  }
}

// ---------------------------------------------------------------------------------------------- phase 2

bool Paxos::can_propose() const {
  const auto* leader = std::get_if<Leader>(&role_);
  return leader != nullptr && !leader->is_collecting && log_.committed().version >= leader->serving_from &&
         leader->in_flight.size() < options_.window;
}

bool Paxos::is_draining() const {
  const auto* leader = std::get_if<Leader>(&role_);
  return leader != nullptr && leader->handing_over && is_following(*leader, leader->handing_over->target);
}

Version Paxos::next_version() const {
  const auto* leader = std::get_if<Leader>(&role_);
  SYNOD_ASSERT(leader != nullptr && !leader->is_collecting, "only a leader has a next version");
  return leader->last_proposed.version.next();
}

Version Paxos::serving_from() const {
  const auto* leader = std::get_if<Leader>(&role_);
  SYNOD_ASSERT(leader != nullptr, "only a leader serves");
  return leader->serving_from;
}

Position Paxos::propose(SharedBytes value, Effects& out) {
  SYNOD_ASSERT(can_propose(), "a value is proposed by a leader with room in its window");
  auto& leader = std::get<Leader>(role_);
  propose_entry(leader, std::move(value), out);
  return leader.last_proposed;
}

void Paxos::propose_entry(Leader& leader, SharedBytes value, Effects& out) {
  SYNOD_ASSERT(promised_ == leader.pn, "I-3: who has promised to another proposes nothing");
  LogEntry entry = make_log_entry(leader.last_proposed, leader.pn, std::move(value));
  leader.last_proposed = entry.position();
  leader.in_flight.push_back({entry, {}});
  if (SYNOD_MUTANT("own-vote-before-durable")) leader.in_flight.back().accepted_by.insert(self_);
  out.send(self_, Begin{entry, log_.committed()});
  for (const Member& member : monmap_.members) {
    if (member.id == self_ || !monmap_.is_voter(member.id)) continue;
    const auto& sent = leader.peers[member.id].sent;
    if (sent && sent->next() == entry.version) send_begin(leader, member.id, entry, out);
  }
}

void Paxos::send_begin(Leader& leader, MemberId to, const LogEntry& entry, Effects& out) {
  SYNOD_ASSERT(!is_lapsed(now_, leader), "I-15: a leader whose lease has lapsed sends no value");
  SYNOD_ASSERT(entry.version <= leader.last_proposed.version, "only what was proposed is sent");
  Progress& progress = leader.peers[to];
  SYNOD_ASSERT(!progress.sent || progress.sent->next() == entry.version, "values go out in order, each once");
  progress.sent = entry.version;
  progress.lease_sequence = leader.lease_sequence;
  LogEntry sent = entry;
  sent.pn = leader.pn;
  out.send(to, Begin{std::move(sent), log_.committed()});
}

// Sends what follows `after`, if it is still at hand; else the peer fetches first and tells its position again.
void Paxos::send_begins(Leader& leader, MemberId to, Version after, Effects& out) {
  Progress& progress = leader.peers[to];
  progress.sent.reset();
  Version oldest = leader.last_proposed.version.next();
  if (!leader.in_flight.empty()) oldest = leader.in_flight.front().entry.version;
  if (!leader.recent.empty()) oldest = leader.recent.front().version;
  if (after.next() < oldest || after > leader.last_proposed.version) return;
  progress.sent = after;
  for (const LogEntry& entry : leader.recent) {
    if (entry.version > after) send_begin(leader, to, entry, out);
  }
  for (const InFlight& value : leader.in_flight) {
    if (value.entry.version > after) send_begin(leader, to, value.entry, out);
  }
  SYNOD_ASSERT(progress.sent == leader.last_proposed.version, "from here on the peer follows");
}

void Paxos::on_accept(TimePoint, MemberId from, const Accept& accept, Effects& out) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || leader->is_collecting || accept.pn != leader->pn) return;
  // I-6: an acceptance counts for its own version, and for the value that it names, alone.
  for (InFlight& value : leader->in_flight) {
    const bool counts = value.entry.position() == accept.position ||
                        (value.entry.version < accept.position.version && SYNOD_MUTANT("older-predecessor-counted"));
    if (counts && !value.accepted_by.insert(from).second && SYNOD_MUTANT("count-vote-twice")) value.is_chosen = true;
  }
  if (Progress& progress = leader->peers[from]; accept.position.version > progress.at.version) {
    progress.at = accept.position;
  }
  commit_in_flight(*leader, out);
}

// A peer that has committed what this leader recovered and proposes again accepts it no more: it has it.
void Paxos::note_chosen(Leader& leader, const Position& committed, Effects& out) {
  const auto known = std::find_if(leader.in_flight.begin(), leader.in_flight.end(),
                                  [&](const InFlight& value) { return value.entry.position() == committed; });
  if (known == leader.in_flight.end()) return;
  for (InFlight& value : leader.in_flight) {
    if (value.entry.version <= committed.version) value.is_chosen = true;
  }
  commit_in_flight(leader, out);
}

void Paxos::commit_in_flight(Leader& leader, Effects& out) {
  const Version before = log_.committed().version;
  while (!leader.in_flight.empty()) {
    const InFlight& front = leader.in_flight.front();
    const bool is_majority = monmap_.is_majority(front.accepted_by) || SYNOD_MUTANT("commit-below-majority");
    if (!front.is_chosen && !is_majority) break;
    SYNOD_ASSERT(front.entry.predecessor == log_.committed().hash, "I-6: values are committed in the order of the log");
    LogEntry entry = std::move(leader.in_flight.front().entry);
    leader.in_flight.pop_front();
    const bool held = log_.commit_to(entry.position(), out.writes, chosen_);
    SYNOD_ASSERT(held, "I-6: a leader holds what it proposed");
    leader.recent.push_back(std::move(entry));
    if (leader.recent.size() > 2 * options_.window) leader.recent.pop_front();
  }
  SYNOD_ASSERT(leader.in_flight.empty() || leader.in_flight.front().entry.version == log_.committed().version.next(),
               "I-6: values in flight begin above the committed ones");
  if (log_.committed().version == before) return;
  for (const Member& member : monmap_.members) {
    if (member.id != self_ && leader.peers[member.id].sent) out.send(member.id, Commit{leader.pn, log_.committed()});
  }
}

void Paxos::on_gap(TimePoint, MemberId from, const Gap& gap, Effects& out) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || leader->is_collecting || gap.pn != leader->pn) return;
  send_begins(*leader, from, gap.position.version, out);
}

// ---------------------------------------------------------------------------------------------- leases

void Paxos::send_lease(TimePoint now, Leader& leader, Effects& out) {
  leader.lease_sequence = leader.lease.ask(now);
  leader.renew_at = now + 3 * options_.lease / 10;
  SYNOD_ASSERT(!is_lapsed(now, leader), "I-15: a leader whose lease has lapsed asks for no grant");
  grant_.give(leader.pn, now + options_.lease);
  leader.lease.on_granted(self_, leader.lease_sequence, lease_at_leader());
  const std::set<MemberId> in_quorum = quorum(now);
  leader.told_quorum = in_quorum;
  const Lease lease{
      leader.pn, leader.lease_sequence, log_.committed(), log_.first(), {in_quorum.begin(), in_quorum.end()}};
  for (const Member& member : monmap_.members) {
    if (member.id != self_) out.send(member.id, lease);
  }
}

void Paxos::on_lease_ack(TimePoint now, MemberId from, const LeaseAck& ack, Effects& out) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || leader->is_collecting || ack.pn != leader->pn) return;
  const uint64_t sequence = SYNOD_MUTANT("lease-from-answer") ? leader->lease.ask(now) : ack.sequence;
  leader->lease.on_granted(from, sequence, lease_at_leader());
  if (leader->lease.is_valid(now, monmap_)) leader->had_lease = true;
  note_chosen(*leader, ack.committed, out);
  Progress& progress = leader->peers[from];
  progress.at = ack.position;
  if (ack.disk_hangs) {
    progress.sent.reset();
    return;
  }
  const Version after = ack.position.version;
  // The lease left after the last begin and was answered, so the begins before it have arrived or are lost.
  const bool is_lost = progress.sent && ack.sequence > progress.lease_sequence && after < *progress.sent;
  if (!progress.sent || is_lost) send_begins(*leader, from, after, out);
  // The peons hear of it at once: they too are asked who is in quorum.
  if (quorum(now) != leader->told_quorum) leader->renew_at = now;
}

bool Paxos::has_lease(TimePoint now) const {
  const auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || leader->is_collecting) return false;
  if (log_.committed().version < leader->serving_from && !SYNOD_MUTANT("read-before-own-value")) return false;
  if (!leader->lease.is_valid(now, monmap_)) return false;
  SYNOD_ASSERT(leader->pn > relinquished_, "I-13: no lease under a pn that was given up");
  SYNOD_ASSERT(leader->pn == promised_, "I-3: no lease of a member that has promised to another");
  return true;
}

bool Paxos::is_lapsed(TimePoint now, const Leader& leader) const {
  return !leader.is_collecting && (leader.had_lease || now >= leader.lease_by) && !leader.lease.is_valid(now, monmap_);
}

void Paxos::tick_leader(TimePoint now, Leader& leader, Effects& out) {
  if (leader.is_collecting) {
    if (now >= leader.deadline) {
      become_idle(now, "no majority promised", out);
    } else if (now >= leader.repeat_at) {
      leader.repeat_at = now + options_.lease / 5;
      if (promise_is_durable_) send_collects(leader, out);
      try_to_recover(now, leader, out);  // a fetch may have been lost
    }
    return;
  }
  if (now >= leader.renew_at) send_lease(now, leader, out);
}

}  // namespace synod
