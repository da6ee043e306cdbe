#include "test/sim/check/sync/sync_order.h"

#include <fmt/format.h>

namespace synod::sim {

using Kind = SyncEventKind;

namespace {

bool is_of_mark(Kind kind) {
  return kind == Kind::marking || kind == Kind::marked || kind == Kind::unmarking || kind == Kind::unmarked;
}

bool is_of_hold(Kind kind) {
  return kind == Kind::hold_taken || kind == Kind::hold_logged || kind == Kind::hold_ended || kind == Kind::hold_over ||
         kind == Kind::hold_released;
}

// In which a member goes by its store: promises, accepts and serves, or follows the log.
bool goes_on(MemberState state) {
  return state == MemberState::probing || state == MemberState::electing || state == MemberState::leader ||
         state == MemberState::peon || state == MemberState::learner;
}

}  // namespace

void SyncOrder::require(const Step& step, bool holds, const char* rule) {
  if (holds || !violation_.empty()) return;
  violation_ = fmt::format("{}: {}: {}", step.name, to_string(step.event), rule);
}

void SyncOrder::on_event(const std::string& member, const SyncEvent& event) {
  if (!violation_.empty()) return;
  ++events_;
  // Also who is only spoken of may have a part in what others do.
  for (const std::string* other : {&event.peer, &event.leader}) {
    if (!other->empty()) members_.try_emplace(*other);
  }
  const Step step{member, members_[member], event};
  const std::string missing = missing_cause(member, event);
  require(step, missing.empty(), missing.c_str());
  if (event.kind == Kind::started) {
    on_start(step);
  } else if (is_of_mark(event.kind)) {
    on_mark(step);
  } else if (is_of_hold(event.kind)) {
    on_hold(step);
  } else if (!on_copy(step) && !on_requester(step)) {
    const bool is_known = on_provider(step);
    require(step, is_known, "no rule says when this may happen");
  }
}

void SyncOrder::on_state(const std::string& name, MemberState state) {
  const auto it = members_.find(name);
  if (!violation_.empty() || it == members_.end() || !goes_on(state)) return;
  const Mark mark = it->second.mark;
  if (mark == Mark::absent || mark == Mark::unknown) return;
  violation_ = fmt::format("{} is {} while its store is marked", name, to_string(state));
}

// ---------------------------------------------------------------------------------------------- lives

// A new life shows what the one before had on its disk.
void SyncOrder::on_start(const Step& step) {
  const SyncEvent& event = step.event;
  Member& member = step.member;
  Member next;
  next.unmarks = member.unmarks;
  next.last_cookie = member.last_cookie;
  next.asked_of = std::move(member.asked_of);
  next.runs = std::move(member.runs);
  if (!next.runs.empty()) next.runs.back().is_open = false;
  next.start = event.start;
  next.has_begun = true;
  next.is_whole = event.start == 1 && (member.is_whole || member.start == 0);
  next.mark = event.is_marked ? Mark::present : Mark::absent;
  next.copy = {event.chunks, event.chunks};
  // Otherwise it is another directory, or a life between was not traced.
  if (member.start != 0 && event.start == member.start + 1) {
    next.is_whole = member.is_whole;
    const bool has_switched = member.requested && member.requested->is_switching && !event.is_marked;
    if (has_switched || (member.mark == Mark::going && !event.is_marked)) ++next.unmarks;
    require(step, member.mark != Mark::absent || !event.is_marked, "[3] a mark was written before it is found");
    require(step, member.mark != Mark::present || event.is_marked || has_switched, "[3] a durable mark is found again");
    const bool is_given_up = event.chunks == 0 && !event.reason.empty();
    require(step, !event.is_marked || member.copy.includes(event.chunks) || is_given_up,
            "[9] a copy has what was written to it durably, and nothing that has not come");
    // Until another one is made, a later life may be able to read it again.
    if (is_given_up) next.copy = {0, member.copy.most};
  }
  member = std::move(next);
}

void SyncOrder::on_mark(const Step& step) {
  Member& member = step.member;
  const Mark before = member.mark;
  const bool is_unknown = before == Mark::unknown;
  switch (step.event.kind) {
    case Kind::marking:
      require(step, !member.has_begun || (member.requested && !member.requested->provider.empty()),
              "[3] a store is marked for a sync, with a provider that was chosen");
      require(step, is_unknown || before == Mark::absent, "[3] a store that is marked is not marked again");
      require(step, member.served.empty(), "[2] a member that syncs itself serves nobody");
      member.mark = Mark::coming;
      break;
    case Kind::marked:
      // A mark that is taken away again may not have been durable by then.
      require(step, is_unknown || before == Mark::coming || before == Mark::going,
              "[3] a mark is written before it is durable");
      if (before != Mark::going) member.mark = Mark::present;
      break;
    case Kind::unmarking:
      require(step, is_unknown || before == Mark::present || before == Mark::coming, "[3] only a mark is taken away");
      require(step, !member.requested, "[3] no mark is taken away during a sync");
      member.mark = Mark::going;
      break;
    default:
      require(step, is_unknown || before == Mark::going, "[3] a mark is taken away before that is durable");
      member.mark = Mark::absent;
      member.copy = {0, 0};
      ++member.unmarks;
  }
}

}  // namespace synod::sim
