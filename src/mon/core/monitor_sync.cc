// The Monitor's part in store synchronization: when to begin, with whom, and what to do when it ends.
#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "mon/core/monitor.h"

namespace synod {

using Kind = SyncEventKind;

namespace {
constexpr size_t asked_unconnected_max = 16;
}  // namespace

std::vector<const Peer*> Monitor::reachable_voters(TimePoint now) const {
  std::vector<const Peer*> voters;
  for (const Peer* peer : peers_.reachable(now)) {
    const bool is_of_this_cluster = monmap_ && peer->source.fsid == monmap_->fsid && monmap_->is_voter(peer->id);
    if (is_of_this_cluster && peer->id != identity_.id) voters.push_back(peer);
  }
  return voters;
}

SyncProvider::View Monitor::provider_view() const {
  SyncProvider::View view{last_first_, visible_, paxos_ ? paxos_->leader() : MemberId(), holds_.used(), Status::ok()};
  if (scrub_.is_refuted()) {
    view.unfit = Status(Code::unavailable, "a scrub has found its store not to be what the majority has");
  }
  return view;
}

void Monitor::run_requester_task(Task task, Output& out) { requester_tasks_.insert(run_task(std::move(task), out)); }

void Monitor::run_provider_task(uint64_t session, Task task, Output& out) {
  provider_tasks_[run_task(std::move(task), out)] = session;
}

// Each end dials the other. What a provider sends before its own connection is there would be lost, and nothing would
// be sent again until the requester has given it up.
bool Monitor::waits_for_connection(MemberId from, const PeerMessage& input) {
  if (std::holds_alternative<SyncAbort>(input.message)) asked_unconnected_.erase(from);
  if (!std::holds_alternative<SyncStart>(input.message) || connected_.count(from) > 0) return false;
  if (asked_unconnected_.size() >= asked_unconnected_max) asked_unconnected_.clear();
  asked_unconnected_.insert_or_assign(from, input);
  return true;
}

void Monitor::on_sync_message(TimePoint now, MemberId from, const Message& message, Output& out) {
  if (requester_) {
    requester_->on_message(now, from, message, out, [&](Task task) { run_requester_task(std::move(task), out); });
    if (const auto* start = std::get_if<SyncStart>(&message)) {
      const Status why(Code::unavailable, "it is syncing itself");
      out.emit({.kind = Kind::session_refused, .cookie = start->cookie, .peer_id = from, .reason = why.message()});
      out.send(from, SyncAbort{start->cookie, why});
    }
    return;
  }
  if (!paxos_) return;
  if (const auto* hold = std::get_if<HoldTrim>(&message)) on_hold_trim(now, *hold, out);
  const SyncProvider::RunTask run = [&](uint64_t session, Task task) {
    run_provider_task(session, std::move(task), out);
  };
  if (Scrub::is_for(message)) {
    scrub_.on_message(now, scrub_view(now), from, message, out, scrub_tasks(out));
    // Nothing more is copied from a store that is wrong.
    if (scrub_.is_refuted()) provider_.end_all(provider_view().unfit, out, run);
  }
  provider_.on_message(now, from, message, provider_view(), out, run);
}

// Step 1: what is needed next is not in the log of any member that is ahead.
void Monitor::start_sync_if_needed(TimePoint now, Output& out) {
  if (requester_ || unmark_step_ || !(is_member() || is_learner()) || now < sync_again_at_ || is_forming_store_) return;
  std::vector<const Peer*> reachable = reachable_voters(now);
  // One who is not heard of yet may have in its log what the others have trimmed.
  if (reachable.size() + 1 < monmap_->voter_count() && now < started_ + options_.lease) return;
  const Version needed = last_committed_.version.next();
  bool is_ahead = false;
  bool can_fetch = false;
  for (const Peer* peer : reachable) {
    if (peer->probe.committed.version <= last_committed_.version) continue;
    if (peer->probe.state == MemberState::syncing || peer->probe.state == MemberState::outsider) continue;
    is_ahead = true;
    // A learner has nobody who sends to it what it cannot ask for.
    if (peer->probe.first <= needed && (!is_learner() || connected_.count(peer->id) > 0)) can_fetch = true;
  }
  const bool is_repair = is_marked_ ? repair_.has_value() : paxos_ && !paxos_->is_leader() && can_be_spared(now);
  const bool is_needed = is_marked_ || is_repair || (is_ahead && (!can_fetch || (paxos_ && paxos_->is_behind_trim())));
  if (!is_needed) return;
  if (is_marked_ && !is_repair && is_furthest(now)) {
    unmark(out);
    return;
  }
  if (is_repair) leave_out_those_who_differ(is_marked_ ? repair_ : scrub_.repair(), reachable);
  const Peer* provider = choose_provider(now, std::move(reachable), is_repair, out);
  if (provider == nullptr) {
    if (is_marked_ && is_repair && is_needed_for_a_quorum(now)) unmark(out);
    return;
  }
  SYNOD_ASSERT(paxos_ || learner_ || marked_log_, "only a member with a store syncs");
  SYNOD_ASSERT(provider->probe.committed.version > committed_to_beat(is_repair),
               "[2] nobody copies from who is behind");
  // I-9: from here to the switch it promises, accepts and serves nothing.
  if (paxos_) {
    if (is_repair) begin_repair();
    scrub_.give_up("this member has to sync", out, scrub_tasks(out));
    provider_.end_all(Status(Code::unavailable, "the provider has to sync itself"), out,
                      [&](uint64_t session, Task task) { run_provider_task(session, std::move(task), out); });
    marked_log_ = paxos_->log();
  }
  if (learner_) marked_log_ = learner_->log();
  learner_.reset();
  if (!SYNOD_MUTANT("vote-while-syncing")) paxos_.reset();
  if (!is_marked_ && !is_repair && copies_made_ > 0) {
    out.trace(LogLevel::warning, fmt::format("sync begins again: {}", overtaken()));
  }
  provider_start_ = start_counts_[provider->id];
  SyncPlan plan;
  plan.cookie = random_.next();
  plan.provider = provider->id;
  plan.provider_name = provider->probe.name;
  plan.copy = std::exchange(copy_, std::nullopt);
  plan.is_delta = options_.sync_delta && !is_delta_refuted_ && last_committed_.version > Version();
  plan.is_marked = is_marked_;
  plan.is_repair = is_repair;
  if (is_repair) plan.marker = repair_->to_marker();
  out.emit({.kind = Kind::must_copy, .cookie = plan.cookie, .version = committed_to_beat(is_repair).next()});
  out.emit({.kind = Kind::provider_chosen,
            .cookie = plan.cookie,
            .peer_id = plan.provider,
            .version = provider->probe.committed.version});
  requester_.emplace(options_, std::move(plan), *marked_log_, now, out);
  if (!is_marked_) marker_step_ = out.step;
  is_marked_ = true;
  if (progress_.durable_step >= marker_step_) on_marker_durable(now, out);
}

void Monitor::on_marker_durable(TimePoint now, Output& out) {
  requester_->on_marker_durable(now, out, [&](Task task) { run_requester_task(std::move(task), out); });
}

// The log did not reach from the copy to the present any more when it was done.
std::string Monitor::overtaken() const {
  return fmt::format(
      "what clients wrote meanwhile was past the bound of the hold, for the {}. time; --sync-rate and "
      "--sync-hold-bytes are what limits it",
      copies_made_);
}

const Peer* Monitor::choose_provider(TimePoint now, std::vector<const Peer*> connected, bool is_repair, Output& out) {
  std::erase_if(connected, [&](const Peer* peer) { return connected_.count(peer->id) == 0; });
  const Version committed = committed_to_beat(is_repair);
  // Never one that is behind: what this member has committed, it may have accepted as part of the only majority.
  if (!copy_ || !copy_->has_begun()) return best_provider(connected, committed, last_failed_provider_);
  const SyncCursor& cursor = copy_->cursor;
  std::vector<const Peer*> fitting = connected;
  std::erase_if(fitting, [&](const Peer* peer) {
    return peer->probe.first > cursor.log_needed() || peer->probe.committed.version < cursor.highest.version;
  });
  const Peer* provider = best_provider(fitting, committed, last_failed_provider_);
  if (provider != nullptr) return provider;
  // The others may not be heard yet, or may be about to get what the copy has. If not, a copy that nobody can go on
  // with must not keep this member, and perhaps a quorum, waiting.
  provider = best_provider(connected, committed, last_failed_provider_);
  if (provider == nullptr || now < copy_wait_until_) return nullptr;
  give_up_copy(fmt::format("nobody is at version {} with a log from version {} on, which the copy needs",
                           cursor.highest.version.value(), cursor.log_needed().value()),
               out);
  return provider;
}

void Monitor::give_up_copy(const std::string& why, Output& out) {
  out.trace(LogLevel::warning,
            fmt::format("sync begins from the start again: the copy of {} keys is given up: {}", copy_->keys, why));
  out.emit({.kind = Kind::copy_given_up, .chunks = copy_->chunks, .reason = why});
  copy_.reset();
  copy_given_up_ = why;
}

// Nobody who can be heard has committed more, and a majority can be heard.
bool Monitor::is_furthest(TimePoint now) const {
  std::set<MemberId> heard{identity_.id};
  for (const Peer* peer : reachable_voters(now)) {
    if (peer->probe.committed.version > last_committed_.version) return false;
    heard.insert(peer->id);
  }
  return monmap_->is_majority(heard);
}

// The sync failed, and whoever was ahead is gone, perhaps for good. The old store is as it was before it was marked, so
// this member can go on as after a restart.
void Monitor::unmark(Output& out) {
  SYNOD_ASSERT(is_marked_ && !requester_, "I-9: the marker is taken away while no sync runs");
  out.writes.emplace_back(std::in_place_type<EraseLocal>, EraseLocal{Bytes(synchronizing_key)});
  out.is_durable = true;
  unmark_step_ = out.step;
  out.emit({.kind = Kind::unmarking});
  out.trace(LogLevel::warning, repair_ ? "takes its mark away: without it there is no quorum"
                                       : "takes its mark away: nobody that can be heard is ahead of it");
}

void Monitor::on_unmarked(TimePoint now, Output& out) {
  SYNOD_ASSERT(is_marked_ && !requester_ && !paxos_, "I-9: until the mark is gone, nothing else begins");
  unmark_step_.reset();
  out.emit({.kind = Kind::unmarked});
  is_marked_ = false;
  copy_.reset();
  copy_given_up_.clear();
  // From here on the old store's batches go on, and a copy that was begun before them cannot take its place.
  run_task(DiscardCopyTask{}, out);
  LogState log{marked_log_->committed(),
               marked_log_->first(),
               trim_floor_,
               holds_.all(),
               {marked_log_->accepted().begin(), marked_log_->accepted().end()}};
  marked_log_.reset();
  last_failed_provider_ = MemberId();
  if (repair_) scrub_.put_off(*std::exchange(repair_, std::nullopt), out);
  start_log(now, std::move(log), now + options_.lease);
  out.probe = make_probe();
}

void Monitor::tick_sync(TimePoint now, Output& out) {
  if (requester_) end_sync(now, requester_->tick(now, out), out);
  if (learner_ && switched_cookie_ && is_level_with_all(now)) {
    out.emit({.kind = Kind::level, .cookie = *switched_cookie_});
    out.trace(LogLevel::info, fmt::format("sync [14] follows the log, cookie {:016x}", *switched_cookie_));
    switched_cookie_.reset();
    copies_made_ = 0;
  }
  if (paxos_) {
    provider_.tick(now, provider_view(), out,
                   [&](uint64_t session, Task task) { run_provider_task(session, std::move(task), out); });
    if (paxos_->is_leader()) tick_holds(now, out);
    if (switched_cookie_ && paxos_->is_in_quorum(now)) {
      out.emit({.kind = Kind::in_quorum, .cookie = *switched_cookie_});
      out.trace(LogLevel::info, fmt::format("sync [14] is in quorum, cookie {:016x}", *switched_cookie_));
      switched_cookie_.reset();
      copies_made_ = 0;
    }
  }
}

void Monitor::end_sync(TimePoint now, SyncRequester::Outcome outcome, Output& out) {
  if (outcome != SyncRequester::Outcome::failed) return;
  SYNOD_ASSERT(requester_ && is_marked_, "I-9: a sync that failed leaves the store marked");
  last_failed_provider_ = requester_->provider();
  sync_again_at_ = now + options_.lease;
  copy_ = requester_->copy();
  copy_wait_until_ = now + options_.copy_wait();
  if (!copy_ && requester_->progress().chunks > 0) copy_given_up_ = requester_->failure();
  if (requester_->has_refuted_delta()) is_delta_refuted_ = true;
  requester_.reset();
  requester_tasks_.clear();
  out.trace(LogLevel::warning, "stays marked, and will sync again");
}

// Step 12 is done: the new store is the current one.
void Monitor::on_switched(TimePoint now, Switched& switched, Output& out) {
  SYNOD_ASSERT(requester_ && is_marked_, "[12] whoever switches has marked its store");
  SYNOD_ASSERT(switched.log.applied.version >= last_committed_.version, "I-19: a sync takes no member back");
  const SyncProgress progress = requester_->progress();
  const double seconds = std::chrono::duration<double>(now - requester_->started()).count();
  out.trace(
      LogLevel::info,
      fmt::format("sync finished provider={} chunks={} keys={} bytes={} seconds={:.3f} version={}", progress.provider,
                  progress.chunks, progress.keys, progress.bytes, seconds, switched.log.applied.version.value()));
  [[maybe_unused]] const MemberId provider = requester_->provider();
  Result<Monmap> monmap = Monmap::decode(switched.monmap);
  if (monmap) monmap_ = *std::move(monmap);
  switched_cookie_ = requester_->cookie();
  scrub_.on_switched(repair_.has_value(), switched.log.applied.version, out);
  repair_.reset();
  ++copies_made_;
  copy_given_up_.clear();
  is_delta_refuted_ = false;
  requester_.reset();
  requester_tasks_.clear();
  is_marked_ = false;
  marked_log_.reset();
  last_failed_provider_ = MemberId();
  applies_.clear();
  visible_ = switched.log.applied.version;
  last_committed_ = switched.log.applied;
  last_first_ = switched.log.first;
  trim_floor_ = switched.log.trim_floor;
  holds_.load(switched.log.holds);
  if (SYNOD_MUTANT("sync-copies-the-promise")) identity_.promised = peers_.find(provider)->probe.promised;
  // The grants that it gave before the sync have ended, or are of the pn that it promised last.
  start_log(now, std::move(switched.log), now + options_.lease);
  out.addresses = addresses();
}

}  // namespace synod
