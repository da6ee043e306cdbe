// One monitor: a pure state machine made of formation, consensus, sync and requests. Inputs go in, an Output comes out;
// it reads no clock, and performs nothing. One Monitor is one member of one group; nothing in it is global.
//
//   forming ──► probing ◄──► electing ──► leader
//      │          │  ▲  └──────────────► peon
//      ▼          ▼  │ (store switched)
//   outsider    syncing
//      │             ▲
//      ▼             ▼
//   (a member id without a vote) learner
//
// Owned by an executor, which calls step() from one thread, performs the output, and only then calls step() again.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mon/core/consensus/paxos.h"
#include "mon/core/formation.h"
#include "mon/core/identity.h"
#include "mon/core/learner.h"
#include "mon/core/options.h"
#include "mon/core/output.h"
#include "mon/core/peers.h"
#include "mon/core/requests.h"
#include "mon/core/scrub/scrub.h"
#include "mon/core/sync/logged_holds.h"
#include "mon/core/sync/provider.h"
#include "mon/core/sync/requester.h"

namespace synod {

// What a member starts with, as its directory has it.
struct MonitorStart {
  CoreOptions options;
  Identity identity;  // with this start counted, and durable
  std::string address;
  std::vector<InitialMember> initial_members;
  bool may_form_alone = false;
  // Formed members only.
  std::optional<Monmap> monmap;
  std::optional<LogState> log;
  bool is_marked = false;        // the store bears the synchronizing_key
  std::optional<Repair> repair;  // while marked: of the scrub that found it wrong
  ScrubMemory scrub;
  std::optional<CopyRecord> copy;  // while marked: how far the copy beside the store has come
  std::string copy_given_up;       // or why it is of no use
};

class Monitor {
 public:
  Monitor(MonitorStart start, Random& random, TimePoint now);
  ~Monitor();

  // REQUIRES: `now` was read after what `input` tells had happened, and never goes back.
  Output step(TimePoint now, Input input);

  MemberId id() const { return identity_.id; }
  Source source() const;
  MemberState state() const;
  const std::string& name() const { return identity_.name; }
  Position committed() const { return last_committed_; }
  Version first() const { return last_first_; }
  // It may answer linearizable reads by itself.
  bool has_lease(TimePoint now) const { return paxos_ && paxos_->has_lease(now); }
  std::set<MemberId> quorum(TimePoint now) const { return paxos_ ? paxos_->quorum(now) : std::set<MemberId>{}; }
  // The round of the leader's pn; 0: no leader is known.
  uint64_t epoch() const { return paxos_ ? paxos_->leader_pn().round : 0; }
  bool is_syncing() const { return requester_.has_value(); }
  // Its store is not to be served from, whether a sync runs just now or not.
  bool is_marked() const { return is_marked_; }
  // Addresses of all other members known of.
  std::vector<std::string> addresses() const;
  // "mon.a@peon(e14 c 37..91)", the head of every line of the trace.
  std::string trace_prefix() const;
  void check_invariants() const;

 private:
  // monitor.cc
  void handle(TimePoint now, PeerMessage& input, Output& out);
  void handle(TimePoint now, RequestReceived& input, Output& out);
  void handle(TimePoint now, PeerConnected& input, Output& out);
  void handle(TimePoint now, PeerDisconnected& input, Output& out);
  void handle(TimePoint now, StoreProgress& input, Output& out);
  void handle(TimePoint now, TaskDone& input, Output& out);
  void handle(TimePoint now, Tick& input, Output& out);
  bool is_of_older_start(const Source& source);
  void on_probe(TimePoint now, const Source& source, const Probe& probe, Output& out);
  void on_fetch(MemberId from, const Fetch& fetch, Output& out);
  void on_log_read(uint64_t task, const ReadLogDone& done, Output& out);
  void on_chosen(TimePoint now, Output& out);
  void finish(TimePoint now, Output& out);
  void name_members(Output& out) const;
  void start_log(TimePoint now, LogState log, TimePoint quiet_until);
  std::string name_of(MemberId id) const;
  bool is_member() const { return monmap_ && monmap_->find(identity_.id) != nullptr; }
  bool may_elect(TimePoint now) const;
  DiskState disk(TimePoint now) const;
  bool disk_hangs(TimePoint now) const { return disk(now) == DiskState::hangs; }
  Probe make_probe() const;
  uint64_t run_task(Task task, Output& out);
  Requests::View request_view(TimePoint now);
  void refuse_if_other_cluster(TimePoint now, Output& out);

  // monitor_formation.cc
  void form(Monmap monmap, Output& out);
  void on_formed(TimePoint now, Formed& formed, Output& out);

  // monitor_sync.cc
  bool waits_for_connection(MemberId from, const PeerMessage& input);
  void on_sync_message(TimePoint now, MemberId from, const Message& message, Output& out);
  void start_sync_if_needed(TimePoint now, Output& out);
  void on_marker_durable(TimePoint now, Output& out);
  std::string overtaken() const;
  void tick_sync(TimePoint now, Output& out);
  const Peer* choose_provider(TimePoint now, std::vector<const Peer*> connected, bool is_repair, Output& out);
  void give_up_copy(const std::string& why, Output& out);
  bool is_furthest(TimePoint now) const;
  void unmark(Output& out);
  void on_unmarked(TimePoint now, Output& out);
  void end_sync(TimePoint now, SyncRequester::Outcome outcome, Output& out);
  void on_switched(TimePoint now, Switched& switched, Output& out);
  void run_requester_task(Task task, Output& out);
  void run_provider_task(uint64_t cookie, Task task, Output& out);
  SyncProvider::View provider_view() const;
  std::vector<const Peer*> reachable_voters(TimePoint now) const;

  // monitor_scrub.cc
  void on_cluster_commits(Duration mean);
  Scrub::View scrub_view(TimePoint now) const;
  Scrub::RunTask scrub_tasks(Output& out);
  void tick_scrub(TimePoint now, Output& out);
  bool can_be_spared(TimePoint now) const;
  void begin_repair();
  bool is_needed_for_a_quorum(TimePoint now) const;
  void leave_out_those_who_differ(const std::optional<Repair>& repair, std::vector<const Peer*>& candidates) const;
  Version committed_to_beat(bool is_repair) const;
  std::set<MemberId> voting(TimePoint now) const;

  // monitor_learner.cc
  bool is_learner() const;
  void tick_learner(TimePoint now, Output& out);
  void on_message_for_learner(TimePoint now, MemberId from, const Message& message, Output& out);
  void on_message_of_learner(TimePoint now, MemberId from, const Message& message, Output& out);
  std::vector<const Peer*> learners(TimePoint now) const;
  bool is_learner_level(const Peer& learner) const;
  bool is_level_with_all(TimePoint now) const;
  void check_sent(const Output& out) const;

  // monitor_trim.cc
  LogChange change_due(TimePoint now) const;
  void on_change_proposed(uint64_t term, const LogChange& change);
  Version trim_floor() const;
  // More than is kept anyway, by enough to be trimmed.
  bool is_log_long(Version floor, Version committed) const;
  Version trim_due() const;
  std::vector<HoldStatus> hold_statuses(TimePoint now) const;
  void on_hold_trim(TimePoint now, const HoldTrim& hold, Output& out);
  void emit_holds(Version at, const LogChange& change, const std::vector<TrimHold>& changed, Output& out);
  void on_holds_changed(const std::vector<TrimHold>& holds, Output& out);
  void begin_leadership(TimePoint now);
  void tick_holds(TimePoint now, Output& out);
  Duration admission_delay(TimePoint now) const;

  // monitor_invariants.cc
  void check_role() const;
  void check_steps() const;

  // monitor_status.cc
  StatusReply status(TimePoint now) const;
  std::string waits_for(TimePoint now) const;
  std::string waits_for_copy() const;

  CoreOptions options_;
  Random& random_;
  Identity identity_;
  std::string address_;
  std::vector<InitialMember> initial_members_;
  std::optional<Monmap> monmap_;
  TimePoint started_;
  TimePoint probe_at_;

  PeerTable peers_;
  Formation formation_;
  bool is_forming_store_ = false;
  std::optional<Paxos> paxos_;      // while this member takes part: formed, listed, not syncing
  std::optional<Learner> learner_;  // while it follows the log: formed, not listed, not syncing
  Requests requests_;

  std::optional<SyncRequester> requester_;
  uint64_t marker_step_ = 0;
  std::optional<uint64_t> unmark_step_;  // the marker is being taken away
  bool is_marked_ = false;
  std::optional<AcceptedLog> marked_log_;  // while marked: what this member had accepted, to be carried over
  std::optional<CopyRecord> copy_;         // that no sync is working on: the next one goes on with it
  TimePoint copy_wait_until_;              // for somebody who can go on with it
  std::string copy_given_up_;              // why the last sync began from the start again; empty: it did not
  bool is_delta_refuted_ = false;          // what differs from the own store was no way to a right copy
  MemberId last_failed_provider_;
  TimePoint sync_again_at_;
  std::optional<Repair> repair_;             // while marked for one
  std::optional<uint64_t> switched_cookie_;  // of a sync that is over when this member is in quorum
  uint64_t copies_made_ = 0;                 // since it was in quorum last
  SyncProvider provider_;
  LoggedHolds holds_;
  Scrub scrub_;
  uint64_t led_term_ = 0;                        // of the leadership that decides holds, and when to scrub
  TimePoint repair_hand_over_again_;             // before it is repaired, a leader hands over
  std::map<uint64_t, uint64_t> provider_tasks_;  // task -> number of the session
  std::set<uint64_t> requester_tasks_;
  std::map<uint64_t, std::pair<MemberId, Version>> log_reads_;  // task -> who asked, from which version

  uint64_t step_ = 0;
  uint64_t promise_step_ = 0;
  uint64_t last_task_ = 0;
  uint64_t form_task_ = 0;
  StoreProgress progress_;
  struct PendingWrite {
    uint64_t step;
    TimePoint since;
    bool is_durable;
    size_t bytes;
  };
  std::deque<PendingWrite> pending_writes_;  // oldest first
  size_t pending_bytes_ = 0;                 // of all of them
  std::map<uint64_t, Version> applies_;      // step -> version applied by it, until visible
  Version visible_;
  Position last_committed_;  // while there is no Paxos
  Version last_first_;
  uint64_t last_term_ = 0;                       // of all leaderships of this process
  Version trim_floor_;                           // the highest that was chosen, as far as this member knows
  std::pair<uint64_t, Version> trim_requested_;  // term, floor
  std::set<MemberId> connected_;
  std::map<MemberId, PeerMessage> asked_unconnected_;  // SyncStart of those to whom there is no connection yet
  std::map<MemberId, uint64_t> start_counts_;          // the highest heard of
  uint64_t provider_start_ = 0;                        // of the provider that is asked, when it was
  bool was_in_quorum_ = false;
  MemberState last_state_ = MemberState::forming;
  Duration commit_time_{};  // what a leader's values took to be chosen, lately
};

}  // namespace synod
