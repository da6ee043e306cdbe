// Holds, which the leader decides on and the log tells to all.
#include <algorithm>

#include "test/sim/check/sync/sync_order.h"

namespace synod::sim {

using Kind = SyncEventKind;

void SyncOrder::on_hold(const Step& step) {
  const SyncEvent& event = step.event;
  require(step, step.member.mark == Mark::absent || step.member.mark == Mark::unknown,
          "[3] a marked member neither leads nor learns what is chosen");
  if (event.kind == Kind::hold_taken) {
    const auto [it, is_new] = taken_[event.peer].try_emplace(event.cookie, event.version);
    it->second = std::min(it->second, event.version);
  } else if (event.kind == Kind::hold_over) {
    const bool is_bound = event.reason == "bound";
    require(step, is_bound || is_over_by_progress(event) || event.reason == "silent",
            "[13] a hold is over for a reason");
    ++decided_[{event.peer, is_bound ? Kind::hold_ended : Kind::hold_released}];
  } else {
    on_hold_chosen(step);
  }
}

// One version says the same to all members, whenever they learn it.
void SyncOrder::on_hold_chosen(const Step& step) {
  const SyncEvent& event = step.event;
  Member& member = step.member;
  const Logged logged{event.kind, event.cookie, event.version};
  const auto [known, is_new] = chosen_[event.peer].try_emplace(event.at, logged);
  require(step, known->second == logged, "[5] another member has read something else in that version of the log");
  Version& last = member.hold_at[event.peer];
  require(step, event.at > last, "[5] versions are learned one after the other");
  last = event.at;
  check_none_skipped(step);
  const auto before = member.holds.find(event.peer);
  if (before != member.holds.end()) check_hold_follows(step, before->second);
  member.holds[event.peer] = event.kind == Kind::hold_released ? std::nullopt : std::optional(logged);
}

// A member that has learned two versions has learned all between, until it starts again or switches.
void SyncOrder::check_none_skipped(const Step& step) {
  const Version at = step.event.at;
  const char* rule = "[5] a member that learns of holds learns all that the log says of them";
  std::vector<Run>& runs = step.member.runs;
  if (runs.empty() || !runs.back().is_open) {
    runs.push_back({at, at});
  } else {
    const auto next = chosen_at_.upper_bound(runs.back().last);
    require(step, next == chosen_at_.end() || *next >= at, rule);
    runs.back().last = std::max(runs.back().last, at);
  }
  if (!chosen_at_.insert(at).second) return;
  for (const auto& [name, member] : members_) {
    const bool is_skipped = std::any_of(member.runs.begin(), member.runs.end(),
                                        [&](const Run& run) { return run.first < at && at < run.last; });
    require(step, !is_skipped, rule);
  }
}

void SyncOrder::check_hold_follows(const Step& step, const std::optional<Logged>& before) {
  const SyncEvent& event = step.event;
  if (event.kind == Kind::hold_released) {
    return require(step, before.has_value(), "[13] what is released was held");
  }
  if (event.kind == Kind::hold_ended) {
    // The next session that asks for the same is told by a value, too.
    const bool is_same = before && before->kind == Kind::hold_ended && before->cookie == event.cookie;
    return require(step, before && !is_same, "[5] what comes to its bound was held, and comes to it once");
  }
  if (!before) return;
  if (before->kind == Kind::hold_ended) {
    return require(step, event.version > before->version, "[5] what has come to its bound is not held again");
  }
  if (before->cookie != event.cookie || event.version >= before->version) return;
  // Two sessions of one requester may be asked for again in any order, and the lower version counts.
  const auto& taken = taken_[event.peer];
  const bool is_of_another = std::any_of(taken.begin(), taken.end(), [&](const auto& item) {
    return item.first != event.cookie && item.second <= event.version;
  });
  require(step, is_of_another, "[5] a hold moves up only");
}

}  // namespace synod::sim
