// Election, Multi-Paxos and leases of one member: a pure state machine. Messages and ticks go in, Effects come out.
//
// Sources: Lamport, "Paxos Made Simple" (phases); Castro and Liskov, and Ongaro's thesis, 9.6 (pre-vote); Gray and
// Cheriton, "Leases". doc/protocol.md has the messages, the states, the invariants (I-n) and what differs from the
// literature.
//
// The member talks to itself as it does to others: its own promise and acceptance are messages that the executor
// delivers when they are durable, so no vote is counted before its fsync.
//
// Owned by the Monitor, which feeds it only while this member id is part of the monmap and not syncing. Not thread
// safe.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/mutant.h"
#include "base/time.h"
#include "mon/core/consensus/accepted_log.h"
#include "mon/core/consensus/effects.h"
#include "mon/core/consensus/lease.h"
#include "mon/core/monmap.h"
#include "mon/core/options.h"

namespace synod {

// By what waits for this member's disk.
enum class DiskState {
  ready,
  busy,  // more than half a piece of a catch-up: the next one is not asked for yet
  hangs  // more than the stated bound, or for longer
};

class Paxos {
 public:
  // `promised` is the highest promise of the identity; the log's acceptances may raise it.
  // Until `quiet_until` it goes on only under that pn: see Grant. REQUIRES: `self` is in the monmap.
  Paxos(const CoreOptions& options, Random& random, MemberId self, Monmap monmap, ProposalNumber promised, LogState log,
        TimePoint now, TimePoint quiet_until);

  // Before anything else of a step: gives up a leadership whose lease has lapsed, so that nothing leaves under it.
  void begin_step(TimePoint now, DiskState disk, Effects& out);
  // Handles the messages of election, Paxos and leases; ignores all others and those of members that are not voters.
  void step(TimePoint now, MemberId from, const Message& message, Effects& out);
  // `may_elect`: a majority is reachable, and nobody is known to be ahead of what can be fetched.
  void tick(TimePoint now, bool may_elect, Effects& out);
  // Everything that was asked for up to now is durable.
  void on_promise_durable() {
    promise_is_durable_ = true;
    grant_waits_ = false;
  }
  void on_peer_connected(TimePoint now, MemberId peer);

  // Leader only -------------------------------------------------------------------------------------------------
  // A value may be computed now: the recovered tail is committed, and the window has room.
  bool can_propose() const;
  // No further value is to be computed, so that the one that it hands over to can become level.
  bool is_draining() const;
  // The version that the next propose() decides, and the tail that must be visible before a request is evaluated.
  Version next_version() const;
  Version serving_from() const;
  // Changes whenever values computed before are void: with each leadership and each new collect.
  uint64_t term() const { return term_; }
  // This object follows on another of the same process, whose last term this was: no term is used twice.
  void continue_terms(uint64_t last) { term_ = last; }
  // REQUIRES: can_propose().
  Position propose(SharedBytes value, Effects& out);
  // A majority has granted this leadership, and a value of its own pn is committed.
  bool has_lease(TimePoint now) const;
  // Begins to hand over to a member, by its name: once it follows, no new value is proposed; when nothing is in flight
  // and it is level, the lease is given up and it is told. After one lease without that, the leader goes on.
  // `invalid_argument`, `refused` (with the reason) or `exhausted` (another hand-over is under way).
  Status hand_over_to(TimePoint now, const std::string& name, Effects& out);
  // As hand_over_to, to the level peer that is furthest. Without one the leader goes on, and may be told again.
  void hand_over_to_best(TimePoint now, Effects& out);
  bool is_handing_over() const;

  // State -------------------------------------------------------------------------------------------------------
  bool is_leader() const;  // elected, and through with phase 1
  bool is_electing() const;
  bool is_peon() const { return std::holds_alternative<Peon>(role_); }
  bool is_in_quorum(TimePoint now) const;
  MemberId leader() const;  // zero: none known
  ProposalNumber leader_pn() const;
  std::set<MemberId> quorum(TimePoint now) const;
  ProposalNumber promised() const { return promised_; }
  const AcceptedLog& log() const { return log_; }
  const Monmap& monmap() const { return monmap_; }
  // A peer told that what this member needs next is trimmed. Cleared by progress.
  bool is_behind_trim() const { return behind_trim_; }

  // Entries that were committed since the last call, in order.
  std::vector<LogEntry> take_chosen();
  void trim_to(Version floor, Effects& out) { log_.trim_to(floor, out.writes); }

  void check_invariants() const;

 private:
  struct Idle {
    TimePoint elect_at;
  };
  struct Candidate {
    ProposalNumber pn;
    std::set<MemberId> votes;
    TimePoint deadline;
  };
  struct Peon {
    ProposalNumber pn;
    std::set<MemberId> quorum;
    TimePoint last_heard;
  };
  // How far a peer was served. Unknown until it tells its position.
  struct Progress {
    std::optional<Version> sent;  // begins up to here were sent
    uint64_t lease_sequence = 0;  // of the last lease before the last begin
    Position at;                  // that it told last
  };
  struct HandingOver {
    MemberId target;
    TimePoint deadline;
  };
  struct InFlight {
    LogEntry entry;
    std::set<MemberId> accepted_by;
    bool is_chosen = false;  // a peer knows it to be committed
  };
  struct Leader {
    ProposalNumber pn;
    ProposalNumber released;  // the leadership that was handed over to this one, or zero
    bool is_collecting = true;
    std::map<MemberId, Last> promises;
    TimePoint deadline;  // of phase 1
    TimePoint repeat_at;
    Position last_proposed;
    Version serving_from;
    std::deque<InFlight> in_flight;
    std::deque<LogEntry> recent;  // committed ones that a peer may still need to be sent
    std::map<MemberId, Progress> peers;
    LeaderLease lease;
    uint64_t lease_sequence = 0;
    std::set<MemberId> told_quorum;  // with the last lease
    TimePoint renew_at;
    TimePoint lease_by;      // the first lease has to hold by then
    bool had_lease = false;  // once it was granted, it must not lapse
    std::optional<HandingOver> handing_over;
    TimePoint hand_over_again_at;  // on the leader's own account
  };
  struct PendingFetch {
    MemberId from;
    Version to;
    std::optional<TimePoint> deadline;  // nothing: not asked for yet
    Version asked_to;                   // more was heard of since
  };

  // paxos.cc: roles, elections
  void become_idle(TimePoint now, const std::string& why, Effects& out);
  void become_candidate(TimePoint now, Effects& out);
  void become_collecting(TimePoint now, const ProposalNumber& pn, const ProposalNumber& released, Effects& out);
  void on_propose(TimePoint now, MemberId from, const Propose& propose, Effects& out);
  void on_propose_reply(TimePoint now, MemberId from, const ProposeReply& reply, Effects& out);
  ProposalNumber next_pn() const;

  // paxos_acceptor.cc: what every member does
  void on_collect(TimePoint now, MemberId from, const Collect& collect, Effects& out);
  void on_begin(TimePoint now, MemberId from, const Begin& begin, Effects& out);
  void on_commit(TimePoint now, MemberId from, const Commit& commit, Effects& out);
  void on_lease(TimePoint now, MemberId from, const Lease& lease, Effects& out);
  void on_entries(TimePoint now, MemberId from, const Entries& entries, Effects& out);
  void follow(TimePoint now, const ProposalNumber& pn, Effects& out);
  void promise(const ProposalNumber& pn, Effects& out);
  void note_committed(TimePoint now, MemberId from, const Position& committed, Effects& out);
  void fetch(TimePoint now, MemberId from, Version to, Effects& out);
  void ask_for_piece(TimePoint now, Effects& out);

  // paxos_leader.cc: what a leader does
  void on_last(TimePoint now, MemberId from, const Last& last, Effects& out);
  void on_refuse(TimePoint now, MemberId from, const Refuse& refuse, Effects& out);
  void on_accept(TimePoint now, MemberId from, const Accept& accept, Effects& out);
  void on_gap(TimePoint now, MemberId from, const Gap& gap, Effects& out);
  void on_lease_ack(TimePoint now, MemberId from, const LeaseAck& ack, Effects& out);
  void tick_leader(TimePoint now, Leader& leader, Effects& out);
  bool is_lapsed(TimePoint now, const Leader& leader) const;
  void send_collects(const Leader& leader, Effects& out);
  void try_to_recover(TimePoint now, Leader& leader, Effects& out);
  void recover(TimePoint now, Leader& leader, Effects& out);
  void propose_entry(Leader& leader, SharedBytes value, Effects& out);
  void send_begins(Leader& leader, MemberId to, Version after, Effects& out);
  void send_begin(Leader& leader, MemberId to, const LogEntry& entry, Effects& out);
  void send_lease(TimePoint now, Leader& leader, Effects& out);
  void note_chosen(Leader& leader, const Position& committed, Effects& out);
  void commit_in_flight(Leader& leader, Effects& out);

  // paxos_invariants.cc
  void check_peon(const Peon& peon) const;
  void check_candidate(const Candidate& candidate) const;
  void check_leader(const Leader& leader) const;
  void check_in_flight(const Leader& leader) const;

  // paxos_hand_over.cc
  void on_hand_over(TimePoint now, MemberId from, const HandOver& hand_over, Effects& out);
  void begin_hand_over(TimePoint now, Leader& leader, MemberId target, Effects& out);
  void proceed_with_hand_over(TimePoint now, Effects& out);
  bool is_following(const Leader& leader, MemberId peer) const;

  Duration lease_at_leader() const {
    if (SYNOD_MUTANT("lease-longer")) return 2 * options_.lease;
    return options_.lease - (SYNOD_MUTANT("no-drift-margin") ? Duration(0) : options_.lease / options_.drift_divisor);
  }

  bool disk_hangs() const { return disk_ == DiskState::hangs; }
  Duration random_delay(Duration below);

  CoreOptions options_;
  Random& random_;
  MemberId self_;
  Monmap monmap_;
  ProposalNumber promised_;
  bool promise_is_durable_ = true;
  bool grant_waits_ = false;     // the answer to a lease, for that
  ProposalNumber relinquished_;  // I-13: under this pn, and below it, this member leads no more
  DiskState disk_ = DiskState::ready;
  TimePoint now_;  // of the present step
  uint64_t highest_round_seen_ = 0;
  AcceptedLog log_;
  Grant grant_;
  std::variant<Idle, Candidate, Peon, Leader> role_;
  std::optional<PendingFetch> pending_fetch_;
  bool behind_trim_ = false;
  std::optional<Position> last_gap_;  // told to the leader already
  uint64_t term_ = 0;
  std::vector<LogEntry> chosen_;
};

}  // namespace synod
