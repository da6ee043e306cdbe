#include "mon/core/monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "mon/core/exit_codes.h"

namespace synod {

Monitor::Monitor(MonitorStart start, Random& random, TimePoint now)
    : options_(start.options),
      random_(random),
      identity_(std::move(start.identity)),
      address_(std::move(start.address)),
      initial_members_(std::move(start.initial_members)),
      monmap_(std::move(start.monmap)),
      started_(now),
      probe_at_(now),
      peers_(3 * start.options.lease),
      formation_(start.options, random, initial_members_, start.may_form_alone, now),
      requests_(start.options, identity_.promised, identity_.start_count),
      is_marked_(start.is_marked),
      repair_(std::move(start.repair)),
      provider_(start.options),
      holds_(start.options),
      scrub_(start.options, std::move(start.scrub), now) {
  SYNOD_ASSERT(!start.log || monmap_, "a log belongs to a cluster");
  SYNOD_ASSERT(identity_.id && identity_.start_count > 0, "I-4: a start is counted before the first message");
  SYNOD_ASSERT(!is_marked_ || start.log, "I-9: only a store can be marked");
  if (start.log) {
    visible_ = start.log->applied.version;
    last_committed_ = start.log->applied;
    last_first_ = start.log->first;
    trim_floor_ = start.log->trim_floor;
    holds_.load(start.log->holds);
    if (is_marked_) {
      marked_log_.emplace(*std::move(start.log));
      copy_ = std::move(start.copy);
      copy_wait_until_ = now + options_.copy_wait();
      copy_given_up_ = std::move(start.copy_given_up);
    } else {
      // What it granted before it was stopped is not known any more.
      start_log(now, *std::move(start.log), SYNOD_MUTANT("no-quiet-period") ? now : now + options_.lease);
    }
  }
}

Monitor::~Monitor() = default;

void Monitor::start_log(TimePoint now, LogState log, TimePoint quiet_until) {
  if (is_learner()) learner_.emplace(options_, std::move(log));
  if (!is_member()) return;
  paxos_.emplace(options_, random_, identity_.id, *monmap_, identity_.promised, std::move(log), now, quiet_until);
  // Whoever evaluates remembers values in flight by their term.
  paxos_->continue_terms(last_term_);
}

std::string Monitor::name_of(MemberId id) const {
  if (const Member* member = monmap_ ? monmap_->find(id) : nullptr) return member->name;
  if (id == identity_.id) return identity_.name;
  const Peer* peer = peers_.find(id);
  return peer != nullptr ? peer->probe.name : to_string(id);
}

Source Monitor::source() const { return {monmap_ ? monmap_->fsid : Fsid{}, identity_.id, identity_.start_count}; }

std::vector<std::string> Monitor::addresses() const {
  std::set<std::string> found;
  for (const InitialMember& member : initial_members_) found.insert(member.address);
  if (monmap_) {
    for (const Member& member : monmap_->members) found.insert(member.address);
  }
  found.erase(address_);
  return {found.begin(), found.end()};
}

// ---------------------------------------------------------------------------------------------- steps

Output Monitor::step(TimePoint now, Input input) {
  Output out;
  out.step = ++step_;
  if (step_ == 1) {
    out.emit({.kind = SyncEventKind::started,
              .start = identity_.start_count,
              .is_marked = is_marked_,
              .chunks = copy_ ? copy_->chunks : 0,
              .reason = copy_given_up_});
  }
  if (paxos_) paxos_->begin_step(now, disk(now), out);
  std::visit([&](auto& what) { handle(now, what, out); }, input);
  finish(now, out);
  name_members(out);
  return out;
}

// The parts know ids; a trace is read by people, and across members. A learner has its id for a name: the other one is
// that of a member.
void Monitor::name_members(Output& out) const {
  const auto listed_name_of = [&](MemberId id) {
    const Member* member = monmap_ ? monmap_->find(id) : nullptr;
    return member != nullptr ? member->name : id ? to_string(id) : std::string();
  };
  for (SyncEvent& event : out.sync_events) {
    event.peer = listed_name_of(event.peer_id);
    event.leader = listed_name_of(event.leader_id);
  }
}

// What follows from every step, whatever it was.
void Monitor::finish(TimePoint now, Output& out) {
  on_chosen(now, out);
  if (paxos_ && paxos_->is_leader()) begin_leadership(now);
  if (requests_.is_waiting() || !change_due(now).is_empty()) {
    requests_.pump(now, request_view(now), out, [&](Task task) {
      if (const auto* evaluate = std::get_if<EvaluateTask>(&task)) on_change_proposed(evaluate->term, evaluate->change);
      return run_task(std::move(task), out);
    });
  }
  on_chosen(now, out);
  if (out.promise) {
    SYNOD_ASSERT(*out.promise >= identity_.promised, "I-3: a promise never goes down, nor does its record");
    identity_.promised = *out.promise;
    out.identity = identity_.encode();
    promise_step_ = out.step;
  }
  if (out.identity || !out.writes.empty()) {
    const size_t bytes = CoreOptions::unwritten_step_bytes + value_bytes(out.writes);
    pending_writes_.push_back({out.step, now, out.identity.has_value() || out.is_durable, bytes});
    pending_bytes_ += bytes;
  }
  for (const StoreWrite& write : out.writes) {
    const auto* apply = std::get_if<ApplyEntry>(&write);
    if (apply == nullptr) continue;
    SYNOD_ASSERT(apply->position.version > visible_, "I-20: a value is applied once");
    applies_[out.step] = apply->position.version;
  }
  if (paxos_) {
    last_committed_ = paxos_->log().committed();
    last_first_ = paxos_->log().first();
    last_term_ = paxos_->term();
  } else if (learner_) {
    last_committed_ = learner_->log().committed();
    last_first_ = learner_->log().first();
  }
  if (state() != last_state_) {
    last_state_ = state();
    out.probe = make_probe();
  }
  check_sent(out);
}

void Monitor::handle(TimePoint now, Tick&, Output& out) {
  if (now >= probe_at_) {
    probe_at_ = now + options_.lease / 2;
    commit_time_ = requests_.take_commit_time();
    if (paxos_ && paxos_->is_leader()) on_cluster_commits(commit_time_);
    out.probe = make_probe();
  }
  if (identity_.formation != FormationState::formed && !is_forming_store_) {
    if (auto monmap = formation_.tick(now, peers_, connected_, identity_, out)) form(*monmap, out);
  }
  // I-9: in the step that marks the store, consensus sends nothing any more.
  start_sync_if_needed(now, out);
  if (learner_) tick_learner(now, out);
  if (paxos_) paxos_->tick(now, may_elect(now), out);
  if (paxos_ && disk_hangs(now)) paxos_->hand_over_to_best(now, out);
  tick_sync(now, out);
  tick_scrub(now, out);
  requests_.expire(now, request_view(now), out);
  refuse_if_other_cluster(now, out);
}

// What an earlier life of a member sent may still arrive, after what its new life sent.
bool Monitor::is_of_older_start(const Source& source) {
  if (start_counts_.size() > 1000 && start_counts_.count(source.member) == 0) start_counts_.clear();
  uint64_t& highest = start_counts_[source.member];
  highest = std::max(highest, source.start_count);
  return source.start_count < highest;
}

void Monitor::handle(TimePoint now, PeerMessage& input, Output& out) {
  const MemberId from = input.source.member;
  if (from != identity_.id && is_of_older_start(input.source)) return;
  if (requester_ && requester_->provider() == from && input.source.start_count > provider_start_) {
    provider_start_ = input.source.start_count;
    end_sync(now, requester_->on_provider_restarted(out), out);
  }
  if (const auto* probe = std::get_if<Probe>(&input.message)) {
    on_probe(now, input.source, *probe, out);
    return;
  }
  if (identity_.formation != FormationState::formed) {
    if (is_forming_store_) return;
    if (auto monmap = formation_.step(now, from, input.message, identity_, out)) form(*monmap, out);
    return;
  }
  // I-1: only member ids of this cluster's monmap are listened to; learners, in what they ask for.
  if (input.source.fsid != monmap_->fsid) return;
  if (is_learner()) return on_message_for_learner(now, from, input.message, out);
  if (!is_member()) return;
  if (waits_for_connection(from, input)) return;
  if (monmap_->find(from) == nullptr) return on_message_of_learner(now, from, input.message, out);
  if (const auto* fetch = std::get_if<Fetch>(&input.message)) {
    on_fetch(from, *fetch, out);
  } else if (auto* forward = std::get_if<Forward>(&input.message)) {
    requests_.on_forward(now, input.source, std::move(*forward), out);
  } else if (auto* reply = std::get_if<ForwardReply>(&input.message)) {
    requests_.on_forward_reply(now, from, std::move(*reply), out);
  } else if (const auto* ask = std::get_if<ReadIndex>(&input.message)) {
    requests_.on_read_index(from, ask->id);
  } else if (paxos_) {
    paxos_->step(now, from, input.message, out);
    if (const auto* index = std::get_if<ReadIndexReply>(&input.message)) requests_.on_read_index_reply(from, *index);
  }
  on_sync_message(now, from, input.message, out);
}

void Monitor::handle(TimePoint now, RequestReceived& input, Output& out) {
  if (std::holds_alternative<StatusRequest>(input.request.body)) {
    out.answers.push_back({input.token, ClientReply{input.request.id, Status::ok(), status(now)}});
    return;
  }
  requests_.on_request(now, ClientOrigin{input.token}, std::move(input.request), out);
}

void Monitor::handle(TimePoint now, PeerConnected& input, Output& out) {
  connected_.insert(input.member);
  out.send(input.member, make_probe());
  if (paxos_) paxos_->on_peer_connected(now, input.member);
  if (auto asked = asked_unconnected_.extract(input.member)) handle(now, asked.mapped(), out);
}

void Monitor::handle(TimePoint now, PeerDisconnected& input, Output& out) {
  connected_.erase(input.member);
  requests_.on_peer_lost(input.member, out);
  if (learner_) learner_->on_source_lost(input.member);
  if (requester_ && requester_->provider() == input.member) end_sync(now, requester_->on_provider_lost(out), out);
}

void Monitor::handle(TimePoint now, StoreProgress& input, Output& out) {
  SYNOD_ASSERT(input.visible_step >= progress_.visible_step && input.durable_step >= progress_.durable_step,
               "I-10: what is done stays done");
  SYNOD_ASSERT(input.visible_step <= step_ && input.durable_step <= step_, "I-10: only what was asked for is done");
  const bool is_marker_done = progress_.durable_step < marker_step_ && input.durable_step >= marker_step_;
  if (is_marker_done) out.emit({.kind = SyncEventKind::marked, .cookie = requester_ ? requester_->cookie() : 0});
  progress_ = input;
  auto is_done = [&](const PendingWrite& write) {
    return (write.is_durable ? input.durable_step : input.visible_step) >= write.step;
  };
  while (!pending_writes_.empty() && is_done(pending_writes_.front())) {
    const PendingWrite& write = pending_writes_.front();
    if (write.is_durable) {
      provider_.on_own_commit(now - write.since);
      scrub_.on_own_commit(now - write.since);
    }
    pending_bytes_ -= write.bytes;
    pending_writes_.pop_front();
  }
  while (!applies_.empty() && applies_.begin()->first <= input.visible_step) {
    visible_ = std::max(visible_, applies_.begin()->second);
    applies_.erase(applies_.begin());
  }
  if (paxos_ && input.durable_step >= promise_step_) paxos_->on_promise_durable();
  scrub_.on_visible(now, input.visible_step, scrub_tasks(out));
  if (requester_ && input.durable_step >= marker_step_) on_marker_durable(now, out);
  if (unmark_step_ && input.durable_step >= *unmark_step_) on_unmarked(now, out);
}

void Monitor::handle(TimePoint now, TaskDone& input, Output& out) {
  SYNOD_ASSERT(input.task <= last_task_, "only what was asked for is done");
  if (requests_.on_task_done(input.task, input.result, request_view(now), out)) return;
  if (auto* done = std::get_if<ReadLogDone>(&input.result)) {
    on_log_read(input.task, *done, out);
  } else if (auto* formed = std::get_if<Formed>(&input.result); formed != nullptr && input.task == form_task_) {
    on_formed(now, *formed, out);
  } else if (const auto session = provider_tasks_.find(input.task); session != provider_tasks_.end()) {
    const uint64_t number = session->second;
    provider_tasks_.erase(session);
    provider_.on_result(now, number, input.result, out,
                        [&](uint64_t of, Task task) { run_provider_task(of, std::move(task), out); });
  } else if (requester_ && requester_tasks_.erase(input.task) > 0) {
    auto run = [&](Task task) { run_requester_task(std::move(task), out); };
    const SyncRequester::Outcome outcome = requester_->on_result(now, input.result, out, run);
    if (auto* switched = std::get_if<Switched>(&input.result)) on_switched(now, *switched, out);
    end_sync(now, outcome, out);
  } else if (paxos_) {
    scrub_.on_result(now, input.task, input.result, out, scrub_tasks(out));
  }
}

// ---------------------------------------------------------------------------------------------- messages

void Monitor::on_probe(TimePoint now, const Source& source, const Probe& probe, Output& out) {
  if (source.member == identity_.id) {
    // Two processes on copies of one directory: the one that was started later goes on.
    if (source.start_count > identity_.start_count) {
      out.exit =
          ExitRequest{exit_superseded, fmt::format("member id {} was started again elsewhere (start {}, this is {}): "
                                                   "this copy of the directory is superseded",
                                                   to_string(identity_.id), source.start_count, identity_.start_count)};
    }
    return;
  }
  peers_.on_probe(now, source, probe);
  if (paxos_ && paxos_->leader() == source.member) {
    on_cluster_commits(std::chrono::microseconds(probe.commit_us));
  }
  if (identity_.formation != FormationState::formed && !is_forming_store_) {
    if (auto monmap = formation_.step(now, source.member, Message(probe), identity_, out)) form(*monmap, out);
  }
}

void Monitor::on_fetch(MemberId from, const Fetch& fetch, Output& out) {
  if (!paxos_) return;
  const AcceptedLog& log = paxos_->log();
  const Version to = std::min({fetch.to, log.committed().version, visible_});
  if (fetch.from < log.first() || fetch.from > to) {
    out.send(from, Entries{log.first(), fetch.from, {}});
    return;
  }
  const uint64_t task = run_task(ReadLogTask{fetch.from, to, options_.fetch_bytes}, out);
  log_reads_[task] = {from, fetch.from};
}

void Monitor::on_log_read(uint64_t task, const ReadLogDone& done, Output& out) {
  const auto it = log_reads_.find(task);
  if (it == log_reads_.end()) return;
  const auto [to, wanted] = it->second;
  SYNOD_ASSERT(done.entries.empty() || done.entries.front().version == wanted,
               "the log is read from where it was asked");
  log_reads_.erase(it);
  if (paxos_) out.send(to, Entries{paxos_->log().first(), wanted, done.entries});
}

// Acts on what the chosen values say about the log itself.
void Monitor::on_chosen(TimePoint now, Output& out) {
  if (!paxos_ && !learner_) return;
  const std::vector<LogEntry> chosen = paxos_ ? paxos_->take_chosen() : learner_->take_chosen();
  for (const LogEntry& entry : chosen) {
    const LogChange change = log_change_in(entry.value);
    // A learner's store is compared with nobody's.
    if (change.is_scrub_point && paxos_) scrub_.on_point(now, scrub_view(now), entry.position(), out);
    const std::vector<TrimHold> changed = holds_.on_chosen(now, change, entry.value.size());
    emit_holds(entry.version, change, changed, out);
    on_holds_changed(changed, out);
    if (change.trim_floor == Version()) continue;
    trim_floor_ = std::max(trim_floor_, change.trim_floor);
    if (paxos_) paxos_->trim_to(provider_.trim_limit(change.trim_floor), out);
    if (learner_) learner_->trim_to(change.trim_floor, out);
  }
  requests_.on_chosen(now, chosen, out);
}

// ---------------------------------------------------------------------------------------------- small decisions

uint64_t Monitor::run_task(Task task, Output& out) {
  out.tasks.push_back({++last_task_, std::move(task)});
  return last_task_;
}

// Time in which nothing of the process ran counts too; but then what was written meanwhile is reported first, or soon.
// And a process that was paused may be handed more at once than its memory should hold.
DiskState Monitor::disk(TimePoint now) const {
  const bool is_full = pending_bytes_ > options_.unwritten_bytes_max;
  const bool is_late = !pending_writes_.empty() && now - pending_writes_.front().since > options_.store_write_bound;
  if (is_full || is_late) return DiskState::hangs;
  return pending_bytes_ > options_.fetch_bytes / 2 ? DiskState::busy : DiskState::ready;
}

bool Monitor::may_elect(TimePoint now) const {
  std::set<MemberId> willing{identity_.id};
  for (const Peer* peer : reachable_voters(now)) {
    if (peer->probe.state != MemberState::syncing) willing.insert(peer->id);
  }
  return monmap_->is_majority(willing) && !paxos_->is_behind_trim();
}

Requests::View Monitor::request_view(TimePoint now) {
  Requests::View view;
  view.now = now;
  view.paxos = paxos_ ? &*paxos_ : nullptr;
  view.visible = visible_;
  view.has_data = paxos_.has_value();
  view.is_leader_connected = paxos_ && paxos_->leader() && connected_.count(paxos_->leader()) > 0;
  view.change = change_due(now);
  view.admission_delay = admission_delay(now);
  view.waits_for = [this, now] { return waits_for(now); };
  view.scrub = [this, now](const ScrubRequest& request) { return scrub_.on_request(now, scrub_view(now), request); };
  return view;
}

Probe Monitor::make_probe() const {
  Probe probe;
  probe.name = identity_.name;
  probe.address = address_;
  probe.state = state();
  probe.formation = is_forming_store_ ? FormationState::prepared : identity_.formation;
  probe.members_digest = digest_of(initial_members_);
  probe.monmap = monmap_ ? monmap_->encode() : identity_.monmap;
  probe.first = last_first_;
  probe.committed = last_committed_;
  probe.promised = identity_.promised;
  if (paxos_) probe.leader = paxos_->leader();
  if (paxos_ && paxos_->is_leader()) {
    probe.commit_us = uint64_t(std::chrono::duration_cast<std::chrono::microseconds>(commit_time_).count());
  }
  if (requester_) probe.sync = requester_->progress();
  probe.alarm = scrub_.alarm();
  return probe;
}

// A directory started at the address of another cluster's member. Only before this member was ever in a quorum, and
// only if most of those that it was told to look for say so: a stranger who calls must not be able to stop a good
// member.
void Monitor::refuse_if_other_cluster(TimePoint now, Output& out) {
  if (!monmap_ || was_in_quorum_) return;
  if (paxos_ && paxos_->is_in_quorum(now)) was_in_quorum_ = true;
  size_t others = 0;
  std::string who;
  for (const InitialMember& member : initial_members_) {
    const Peer* peer = peers_.find_reachable_name(member.name, now);
    if (member.address == address_ || peer == nullptr || peer->probe.address != member.address) continue;
    if (peer->probe.formation != FormationState::formed || peer->source.fsid == monmap_->fsid) continue;
    ++others;
    who = fmt::format("{} at {} belongs to cluster {}", member.name, member.address, to_string(peer->source.fsid));
  }
  if (others == 0 || others * 2 <= initial_members_.size() - 1) return;
  out.exit = ExitRequest{exit_directory_refused,
                         fmt::format("this directory belongs to cluster {}, but {}", to_string(monmap_->fsid), who)};
}

}  // namespace synod
