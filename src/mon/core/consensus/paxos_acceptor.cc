// What every member does, the leader too: promise, accept, learn, and grant leases.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "mon/core/consensus/paxos.h"

namespace synod {

void Paxos::promise(const ProposalNumber& pn, Effects& out) {
  SYNOD_ASSERT(pn >= promised_, "I-3: a promise never goes down");
  if (pn == promised_) return;
  SYNOD_ASSERT(!grant_.forbids(pn, now_), "I-14: no promise breaks a grant");
  SYNOD_ASSERT(monmap_.is_voter(pn.member), "I-1: only a voter is promised to");
  promised_ = pn;
  promise_is_durable_ = false;
  grant_waits_ = false;
  out.promise = pn;
}

// `pn` leads, and this member follows it.
void Paxos::follow(TimePoint now, const ProposalNumber& pn, Effects& out) {
  if (pn.member == self_) return;
  SYNOD_ASSERT(pn >= promised_, "I-3: no leader is followed under a pn below one that was promised");
  if (auto* peon = std::get_if<Peon>(&role_); peon != nullptr && peon->pn == pn) {
    peon->last_heard = now;
    return;
  }
  pending_fetch_.reset();
  last_gap_.reset();
  role_ = Peon{pn, {}, now};
  out.trace(LogLevel::info, fmt::format("follows the leader of pn {}", to_string(pn)));
}

void Paxos::on_collect(TimePoint now, MemberId from, const Collect& collect, Effects& out) {
  if (collect.pn.member != from) return;
  if (collect.released) grant_.release(collect.released);
  if (collect.pn < promised_ || grant_.forbids(collect.pn, now)) {
    out.send(from, Refuse{collect.pn, promised_});
    return;
  }
  const bool is_new = collect.pn > promised_;
  promise(collect.pn, out);
  if (from != self_) {
    const auto* peon = std::get_if<Peon>(&role_);
    if (peon == nullptr && !std::holds_alternative<Idle>(role_)) become_idle(now, "promised a higher pn", out);
    if (peon != nullptr && peon->pn.member != from) become_idle(now, "promised a higher pn", out);
    // The collector gets the time to recover, once.
    if (auto* idle = std::get_if<Idle>(&role_); idle != nullptr && is_new) idle->elect_at += options_.lease / 2;
  }
  SYNOD_ASSERT(log_.highest_pn() <= collect.pn, "I-3: nothing is reported that was accepted above the pn promised");
  Last last{collect.pn, log_.first(), log_.committed(), {}};
  for (const LogEntry& entry : log_.accepted()) {
    if (entry.version > collect.committed.version) last.accepted.push_back(entry);
    if (SYNOD_MUTANT("report-new-pn-for-old-value") && !last.accepted.empty()) last.accepted.back().pn = collect.pn;
  }
  out.send_when_durable(from, std::move(last));
}

void Paxos::on_begin(TimePoint now, MemberId from, const Begin& begin, Effects& out) {
  const ProposalNumber pn = begin.entry.pn;
  if (pn.member != from) return;
  if (pn < promised_ && !SYNOD_MUTANT("accept-below-promise")) {
    out.send(from, Refuse{pn, promised_});
    return;
  }
  if (grant_.forbids(pn, now)) return;
  follow(now, pn, out);
  // What cannot be written would only fill the memory. The leader hears of it with the answer to its lease.
  if (disk_hangs() && from != self_) return;
  note_committed(now, from, begin.committed, out);
  const AcceptedLog::Outcome outcome = log_.accept(begin.entry, out.writes);
  if (outcome == AcceptedLog::Outcome::gap) {
    const Position position = log_.position_under(pn);
    // Once for each position: all begins behind a lost one arrive here.
    if (from != self_ && last_gap_ != position) out.send(from, Gap{pn, position});
    last_gap_ = position;
    return;
  }
  if (outcome == AcceptedLog::Outcome::accepted) {
    out.is_durable = true;
    behind_trim_ = false;
  }
  // Not only by the entry: a lease under this pn must not outlive the memory of the promise. And also by an entry that
  // is committed here already.
  promise(pn, out);
  last_gap_.reset();
  SYNOD_ASSERT(promised_ == pn, "I-3: what is accepted was promised, and nothing above it");
  SYNOD_ASSERT(log_.position_under(pn).version >= begin.entry.version,
               "I-17: an acceptance stands on what is committed, or accepted under its own pn");
  out.send_when_durable(from, Accept{pn, begin.entry.position()});
}

void Paxos::on_commit(TimePoint now, MemberId from, const Commit& commit, Effects& out) {
  if (commit.pn.member == from && from != self_) note_committed(now, from, commit.committed, out);
}

void Paxos::on_lease(TimePoint now, MemberId from, const Lease& lease, Effects& out) {
  if (lease.pn.member != from || from == self_) return;
  if (lease.pn < promised_) {
    out.send(from, Refuse{lease.pn, promised_});
    return;
  }
  if (grant_.forbids(lease.pn, now)) return;
  promise(lease.pn, out);
  follow(now, lease.pn, out);
  SYNOD_ASSERT(promised_ == lease.pn, "I-14: a grant goes to the pn promised last");
  grant_.give(lease.pn, now + options_.lease);
  std::get<Peon>(role_).quorum = {lease.quorum.begin(), lease.quorum.end()};
  note_committed(now, from, lease.committed, out);
  if (lease.first > log_.committed().version.next()) behind_trim_ = true;
  LeaseAck ack{lease.pn, lease.sequence, log_.position_under(lease.pn), log_.committed(), disk_hangs()};
  // A grant must not be counted before the promise that it stands on can be forgotten no more.
  if (promise_is_durable_ || SYNOD_MUTANT("grant-before-durable")) {
    out.send(from, ack);
  } else if (!disk_hangs() || !grant_waits_) {
    out.send_when_durable(from, ack);
    grant_waits_ = true;
  }
  // What waits for a disk that hangs must not become more with each lease.
  if (disk_hangs()) return;
  // An acceptance may have been lost with a connection. To say it again costs less than to send the value again.
  for (const LogEntry& entry : log_.accepted()) {
    if (entry.pn != lease.pn) break;
    out.send_when_durable(from, Accept{lease.pn, entry.position()});
  }
}

void Paxos::note_committed(TimePoint now, MemberId from, const Position& committed, Effects& out) {
  if (committed.version <= log_.committed().version || (disk_hangs() && from != self_)) return;
  if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr && !leader->is_collecting) {
    // News of an earlier leader, of what this one has recovered.
    note_chosen(*leader, committed, out);
    return;
  }
  if (!log_.commit_to(committed, out.writes, chosen_)) fetch(now, from, committed.version, out);
}

void Paxos::fetch(TimePoint now, MemberId from, Version to, Effects& out) {
  if (pending_fetch_ && pending_fetch_->from == from) {
    pending_fetch_->to = std::max(pending_fetch_->to, to);
    return;
  }
  SYNOD_ASSERT(from != self_ && to > log_.committed().version, "only what is lacking is fetched, from another");
  SYNOD_ASSERT(!is_leader(), "I-6: a leader that is through with phase 1 lacks nothing");
  pending_fetch_ = PendingFetch{from, to, std::nullopt, Version()};
  ask_for_piece(now, out);
}

void Paxos::ask_for_piece(TimePoint now, Effects& out) {
  // Meanwhile it may have come in another way.
  if (pending_fetch_->to <= log_.committed().version) return pending_fetch_.reset();
  pending_fetch_->deadline = now + options_.lease;
  pending_fetch_->asked_to = pending_fetch_->to;
  out.send(pending_fetch_->from, Fetch{log_.committed().version.next(), pending_fetch_->to});
}

void Paxos::on_entries(TimePoint now, MemberId from, const Entries& entries, Effects& out) {
  if (!pending_fetch_ || pending_fetch_->from != from || !pending_fetch_->deadline) return;
  const auto [to, asked_to] = std::pair(pending_fetch_->to, pending_fetch_->asked_to);
  pending_fetch_.reset();
  if (entries.entries.empty()) {
    if (entries.first > log_.committed().version.next()) {
      behind_trim_ = true;
      if (is_electing()) become_idle(now, "what it lacks is trimmed everywhere", out);
    }
    return;
  }
  const Version before = log_.committed().version;
  for (const LogEntry& entry : entries.entries) {
    if (entry.version <= log_.committed().version) continue;
    if (!log_.learn(entry, out.writes, chosen_)) break;
  }
  if (log_.committed().version == before) return;
  behind_trim_ = false;
  if (log_.committed().version < to) {
    // The next piece of many when this one is written, and at a tick: a member that catches up fills neither its memory
    // nor all of its source's time. But for one that collects the others wait.
    pending_fetch_ = PendingFetch{from, to, std::nullopt, Version()};
    const bool is_last_piece = log_.committed().version >= asked_to;
    if (is_last_piece || std::holds_alternative<Leader>(role_)) ask_for_piece(now, out);
  } else if (const auto* peon = std::get_if<Peon>(&role_); peon != nullptr && peon->pn.member == from) {
    last_gap_ = log_.position_under(peon->pn);
    out.send(from, Gap{peon->pn, *last_gap_});
  } else if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr && leader->is_collecting) {
    try_to_recover(now, *leader, out);
  }
}

}  // namespace synod
