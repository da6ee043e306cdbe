// How far the log is trimmed, and for whom it is kept.
#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/mutant.h"
#include "mon/core/monitor.h"

namespace synod {

using Kind = SyncEventKind;

LogChange Monitor::change_due(TimePoint now) const {
  if (!paxos_ || !paxos_->is_leader() || led_term_ != paxos_->term()) return {};
  return {trim_due(), holds_.due(), scrub_.is_due(now)};
}

void Monitor::on_change_proposed(uint64_t term, const LogChange& change) {
  if (change.trim_floor != Version()) trim_requested_ = {term, change.trim_floor};
  holds_.on_proposed(change.holds);
  if (change.is_scrub_point) scrub_.on_proposed();
}

// The lowest version to keep, by all that was chosen, and by what this leadership has proposed.
Version Monitor::trim_floor() const {
  // The own log may begin lower, when it was held for a sync; the logged floor never goes down.
  Version floor = paxos_->log().first();
  if (!SYNOD_MUTANT("floor-from-own-log")) floor = std::max(floor, trim_floor_);
  if (trim_requested_.first == paxos_->term()) floor = std::max(floor, trim_requested_.second);
  return floor;
}

bool Monitor::is_log_long(Version floor, Version committed) const {
  return committed.value() >= floor.value() + options_.log_retain_versions + options_.log_trim_min;
}

Version Monitor::trim_due() const {
  const Version committed = paxos_->log().committed().version;
  const Version floor = trim_floor();
  if (!is_log_long(floor, committed)) return {};
  const Version wanted(
      std::min(committed.value() - options_.log_retain_versions + 1, floor.value() + options_.log_trim_max));
  SYNOD_ASSERT(wanted > floor, "a trim that is due moves the floor");
  const Version limited = holds_.limit(wanted);  // I-22
  return limited > floor ? limited : Version();
}

// ---------------------------------------------------------------------------------------------- holds

// Step 5, at the leader.
void Monitor::on_hold_trim(TimePoint now, const HoldTrim& hold, Output& out) {
  if (!paxos_->is_leader()) return;
  if (!holds_.on_request(now, hold, trim_floor())) return;
  out.emit({.kind = Kind::hold_taken, .cookie = hold.cookie, .peer_id = hold.requester, .version = hold.version});
  out.trace(LogLevel::info, fmt::format("sync [5] holds the log for {} from version {} on, cookie {:016x}",
                                        name_of(hold.requester), hold.version.value(), hold.cookie));
}

// Once for each: what an earlier one decided is decided anew.
void Monitor::begin_leadership(TimePoint now) {
  if (led_term_ == paxos_->term()) return;
  led_term_ = paxos_->term();
  holds_.begin_leadership(now);
  scrub_.begin_leadership();
}

// All that a chosen value says of holds, also what renews one. Of a released one it has no cookie.
void Monitor::emit_holds(Version at, const LogChange& change, const std::vector<TrimHold>& changed, Output& out) {
  for (const TrimHold& hold : change.holds) {
    SyncEvent event{.cookie = hold.cookie, .peer_id = hold.requester, .version = hold.version, .at = at};
    if (hold.state != TrimHold::State::released) {
      event.kind = hold.state == TrimHold::State::held ? Kind::hold_logged : Kind::hold_ended;
    } else {
      const auto before = std::find_if(changed.begin(), changed.end(),
                                       [&](const TrimHold& other) { return other.requester == hold.requester; });
      if (before == changed.end()) continue;
      event.kind = Kind::hold_released;
      event.cookie = before->cookie;
    }
    out.emit(std::move(event));
  }
}

void Monitor::on_holds_changed(const std::vector<TrimHold>& holds, Output& out) {
  for (const TrimHold& hold : holds) {
    provider_.on_hold(hold, out,
                      [&](uint64_t session, Task task) { run_provider_task(session, std::move(task), out); });
    const std::string name = name_of(hold.requester);
    if (hold.state == TrimHold::State::held) {
      out.trace(LogLevel::info, fmt::format("sync [5] the log is held for {} from version {} on, cookie {:016x}", name,
                                            hold.version.value(), hold.cookie));
    } else if (hold.state == TrimHold::State::ended) {
      out.trace(LogLevel::warning,
                fmt::format("sync [5] the hold for {} ends at its bound: {} bytes in {} s, from version {} on, cookie "
                            "{:016x}",
                            name, hold.bytes, hold.age_ms / 1000, hold.version.value(), hold.cookie));
    } else {
      out.trace(LogLevel::info, fmt::format("sync [13] the hold for {} is over, cookie {:016x}", name, hold.cookie));
    }
  }
}

Duration Monitor::admission_delay(TimePoint now) const {
  const bool leads = paxos_ && paxos_->is_leader() && led_term_ == paxos_->term();
  return leads ? holds_.admission_delay(now) : Duration();
}

std::vector<HoldStatus> Monitor::hold_statuses(TimePoint now) const {
  std::vector<HoldStatus> statuses;
  for (const TrimHold& hold : holds_.all()) {
    const bool is_ended = hold.state == TrimHold::State::ended;
    statuses.push_back({name_of(hold.requester), hold.version, hold.bytes, options_.sync_hold_bytes, hold.age_ms,
                        static_cast<uint64_t>(to_milliseconds(admission_delay(now))), is_ended,
                        !is_ended && is_log_long(hold.version, last_committed_.version)});
  }
  return statuses;
}

// Step 13: in quorum, what a member needs comes with the log.
void Monitor::tick_holds(TimePoint now, Output& out) {
  begin_leadership(now);
  const auto emit_over = [&](const TrimHold& hold, const char* why) {
    out.emit({.kind = Kind::hold_over, .cookie = hold.cookie, .peer_id = hold.requester, .reason = why});
  };
  const std::set<MemberId> quorum = paxos_->quorum(now);
  for (const Peer* peer : reachable_voters(now)) {
    const MemberState state = peer->probe.state;
    if (state == MemberState::syncing) holds_.on_sync_progress(now, peer->id, peer->probe.sync);
    if (state == MemberState::syncing || state == MemberState::outsider) continue;
    const bool is_in_quorum = quorum.count(peer->id) > 0;
    const auto over = holds_.on_progress(now, peer->id, peer->heard, peer->probe.committed.version, is_in_quorum);
    if (over) emit_over(*over, "quorum");
  }
  for (const Peer* learner : learners(now)) {
    if (learner->probe.state == MemberState::syncing) {
      holds_.on_sync_progress(now, learner->id, learner->probe.sync);
      continue;
    }
    const auto over = holds_.on_progress(now, learner->id, learner->heard, learner->probe.committed.version,
                                         is_learner_level(*learner));
    if (over) emit_over(*over, "level");
  }
  if (const auto over = holds_.on_progress(now, identity_.id, now, last_committed_.version, true)) {
    emit_over(*over, "quorum");
  }
  for (const TrimHold& over : holds_.tick(now)) {
    emit_over(over, over.state == TrimHold::State::ended ? "bound" : "silent");
  }
}

}  // namespace synod
