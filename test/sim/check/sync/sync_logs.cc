#include "test/sim/check/sync/sync_logs.h"

#include <fmt/format.h>

namespace synod::sim {
namespace {

std::optional<MemberState> state_of(ByteView name) {
  for (const MemberState state :
       {MemberState::forming, MemberState::outsider, MemberState::probing, MemberState::syncing, MemberState::electing,
        MemberState::leader, MemberState::peon, MemberState::learner}) {
    if (name == to_string(state)) return state;
  }
  return std::nullopt;
}

struct Trace {
  std::string member;
  MemberState state = MemberState::forming;
  ByteView text;
};

// "DATE LEVEL MONOTONIC mon.NAME@STATE(...) TEXT".
std::optional<Trace> parse_trace(ByteView line) {
  for (int word = 0; word < 3; ++word) {
    const size_t space = line.find(' ');
    if (space == 0 || space == ByteView::npos) return std::nullopt;
    line.remove_prefix(space + 1);
  }
  const size_t at = line.find('@');
  const size_t open = line.find('(');
  const size_t close = line.find(") ");
  if (!line.starts_with("mon.") || at > open || open > close || close == ByteView::npos) return std::nullopt;
  const std::optional<MemberState> state = state_of(line.substr(at + 1, open - at - 1));
  if (!state) return std::nullopt;
  return Trace{std::string(line.substr(4, at - 4)), *state, line.substr(close + 2)};
}

}  // namespace

void SyncLogs::refuse(const std::string& where, const std::string& why) {
  if (violation_.empty()) violation_ = where + ": " + why;
}

void SyncLogs::read(const std::string& file, std::istream& log) {
  std::string member;
  std::string line;
  std::string cut;  // why the line before is no event: it was cut off, or else
  for (uint64_t number = 1; std::getline(log, line); ++number) {
    const std::optional<Trace> trace = parse_trace(line);
    if (!trace) continue;
    const std::string where = fmt::format("{}:{}", file, number);
    if (member.empty()) member = trace->member;
    if (member != trace->member)
      return refuse(where, fmt::format("this is a log of {}, and of {}", member, trace->member));
    Line found{where, trace->state, std::nullopt};
    if (is_sync_event(trace->text)) {
      const Result<SyncEvent> event = parse_sync_event(trace->text);
      if (event) found.event = *event;
      if (!cut.empty() && !(event && event->kind == SyncEventKind::started)) return refuse(where, "after " + cut);
      cut = event ? "" : event.error().message();
    }
    lines_[member].push_back(std::move(found));
  }
}

void SyncLogs::take(const std::string& member) {
  std::deque<Line>& lines = lines_[member];
  const Line line = std::move(lines.front());
  lines.pop_front();
  if (line.event) order_.on_event(member, *line.event);
  order_.on_state(member, line.state);
  if (!order_.violation().empty()) refuse(line.where, order_.violation());
}

std::string SyncLogs::waits_for(const std::string& member) const {
  const Line& next = lines_.at(member).front();
  return next.event ? order_.missing_cause(member, *next.event) : "";
}

bool SyncLogs::take_due(const std::string& member) {
  bool has_taken = false;
  while (violation_.empty() && !lines_[member].empty() && waits_for(member).empty()) {
    take(member);
    has_taken = true;
  }
  return has_taken;
}

// Nobody can go on: what the next line of each waits for has not happened.
void SyncLogs::refuse_all() {
  for (const auto& [member, lines] : lines_) {
    if (lines.empty()) continue;
    const Line& next = lines.front();
    violation_ += fmt::format("{}{}: {}: {}", violation_.empty() ? "" : "\n", next.where, to_string(*next.event),
                              waits_for(member));
  }
}

std::string SyncLogs::check() {
  // How far back each trace goes is known before anything is waited for.
  for (auto& [member, lines] : lines_) {
    while (violation_.empty() && !lines.empty() && !lines.front().event) take(member);
    if (!violation_.empty() || lines.empty()) continue;
    if (lines.front().event->kind == SyncEventKind::started) take(member);
  }
  bool has_taken = true;
  while (violation_.empty() && has_taken) {
    has_taken = false;
    for (const auto& [member, lines] : lines_) has_taken = take_due(member) || has_taken;
  }
  if (violation_.empty()) refuse_all();
  return violation_;
}

}  // namespace synod::sim
