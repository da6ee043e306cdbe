#include "mon/core/scrub/scrub.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace synod {
namespace {

constexpr size_t asks_max = 8;                  // of others, that wait for the disk
constexpr size_t finding_bytes_max = 64 << 10;  // of keys that are told

void tell_all(const Monmap& monmap, const Message& message, Output& out) {
  for (const Member& member : monmap.members) out.send(member.id, message);
}

std::string at_version(const Position& point) { return fmt::format("scrub at version {}", point.version.value()); }

}  // namespace

// ---------------------------------------------------------------------------------------------- the log

void Scrub::on_point(TimePoint now, const View& view, const Position& point, Output& out) {
  const auto is_it = [&](const StoreWrite& write) {
    const auto* apply = std::get_if<ApplyEntry>(&write);
    return apply != nullptr && apply->position == point;
  };
  const auto applied = std::find_if(out.writes.begin(), out.writes.end(), is_it);
  SYNOD_ASSERT(applied != out.writes.end(), "a value is applied in the step in which it is chosen");
  out.writes.insert(applied + 1, OpenScrub{point});
  out.trace(LogLevel::info, fmt::format("{} begins", at_version(point)));
  naming_.reset();
  is_naming_ = false;
  asks_.clear();
  last_point_ = point;
  walk_.begin(now, view.self, point, out.step);
  round_.on_point(now);
  if (!view.is_leader()) return;
  // Who is about to follow will apply it as well.
  std::set<MemberId> awaited = view.in_quorum;
  awaited.insert(view.voting.begin(), view.voting.end());
  round_.begin(now, point, awaited);
}

void Scrub::begin_leadership() { round_.begin_leadership(last_point_ != outcome_.verdict.point); }

// ---------------------------------------------------------------------------------------------- messages

bool Scrub::is_for(const Message& message) {
  return std::holds_alternative<ScrubReport>(message) || std::holds_alternative<ScrubVerdict>(message) ||
         std::holds_alternative<ScrubAsk>(message) || std::holds_alternative<ScrubSegments>(message) ||
         std::holds_alternative<ScrubPairs>(message) || std::holds_alternative<ScrubFinding>(message);
}

void Scrub::on_message(TimePoint now, const View& view, MemberId from, const Message& message, Output& out,
                       const RunTask& run) {
  if (view.monmap.find(from) == nullptr) return;
  if (const auto* report = std::get_if<ScrubReport>(&message)) {
    on_report(now, view, from, *report, out);
  } else if (const auto* verdict = std::get_if<ScrubVerdict>(&message)) {
    if (from == view.leader) on_verdict(now, view, *verdict, out, run);
  } else if (const auto* finding = std::get_if<ScrubFinding>(&message)) {
    on_finding(now, view, from, *finding, out);
  } else if (const auto* ask = std::get_if<ScrubAsk>(&message)) {
    on_ask(now, from, *ask, out, run);
  } else if (const auto* segments = std::get_if<ScrubSegments>(&message)) {
    if (naming_) naming_->on_segments(from, *segments, out, run);
  } else if (const auto* pairs = std::get_if<ScrubPairs>(&message)) {
    if (naming_) naming_->on_pairs(from, *pairs, out, run);
  }
}

void Scrub::on_report(TimePoint now, const View& view, MemberId from, const ScrubReport& report, Output& out) {
  if (!view.is_leader()) return;
  if (round_.is_of(report.point)) {
    round_.on_report(now, from, report);
    // It may not have heard the verdict.
    const bool is_told = outcome_.verdict.point == report.point;
    if (is_told && report.check.state != ScrubState::walking) out.send(from, outcome_.verdict);
  } else if (outcome_.verdict.point == report.point) {
    out.send(from, outcome_.verdict);
  } else {
    out.send(from, ScrubVerdict{report.point, false, {}, {}});
  }
}

void Scrub::on_verdict(TimePoint now, const View& view, const ScrubVerdict& verdict, Output& out, const RunTask& run) {
  const bool is_mine = walk_.is_open() && walk_.point() == verdict.point;
  if (!verdict.is_known) {
    if (is_mine) give_up("the leader that began it is gone", out, run);
    return;
  }
  if (verdict.point.version < outcome_.verdict.point.version) return;
  const bool is_news = verdict.point != outcome_.verdict.point || verdict.checks != outcome_.verdict.checks;
  if (verdict.point != outcome_.verdict.point) outcome_.findings.clear();
  outcome_.verdict = verdict;
  const ScrubJudgement judgement = judge(view.monmap, verdict.checks);
  if (is_news && judgement.is_pass()) {
    out.trace(LogLevel::info, fmt::format("{} passes: {} members have digest {}", at_version(verdict.point),
                                          judgement.agreeing.size(), to_string(*judgement.agreed)));
    clear_alarm(out);
  } else if (is_news) {
    const std::string what = fmt::format("{}: {}", at_version(verdict.point), describe(view.monmap, judgement));
    out.trace(LogLevel::error, what);
    if (view.is_leader()) raise(what, out);
  }
  // One that came without this member's report says nothing of its store; another one follows.
  if (!is_mine || !walk_.is_waiting() || judgement.unchecked.count(view.self) > 0) return;
  judgement_ = judgement;
  repair_.reset();
  // Neither does one without agreement.
  const bool is_refuted = judgement.agreed && judgement.differing.count(view.self) > 0;
  if (is_refuted || judgement.agreeing.count(view.self) > 0) refute(is_refuted, out);
  if (judgement.differing.count(view.self) > 0 && judgement.agreed) {
    begin_naming(now, view, out);
  } else if (!judgement.differing.empty() && judgement.agreed) {
    walk_.serve(now);
  } else {
    walk_.close(run);
  }
}

void Scrub::on_finding(TimePoint now, const View& view, MemberId from, const ScrubFinding& finding, Output& out) {
  round_.on_finding(now, from, finding);
  if (!finding.is_over || finding.point != outcome_.verdict.point) return;
  outcome_.findings[from] = finding;
  const Member* member = view.monmap.find(from);
  out.trace(LogLevel::error, fmt::format("{}: the store of {} differs: {}", at_version(finding.point),
                                         member != nullptr ? member->name : to_string(from), finding.text));
}

void Scrub::on_ask(TimePoint now, MemberId from, const ScrubAsk& ask, Output& out, const RunTask& run) {
  const bool can_tell = walk_.is_open() && walk_.point().version == ask.version && asks_.size() < asks_max;
  const Status failure(Code::unavailable, "it is not part of that scrub");
  if (!can_tell && ask.is_for_pairs) {
    out.send(from, ScrubPairs{ask.version, ask.after, failure, {}, false});
  } else if (!can_tell) {
    out.send(from, ScrubSegments{ask.version, ask.after, failure, {}, false});
  } else {
    walk_.on_asked(now);
    const uint64_t task = ask.is_for_pairs
                              ? run(ReadPairsTask{ask.version, {ask.after, ask.last_key}, options_.scrub_message_bytes})
                              : run(ReadSegmentsTask{ask.version, ask.after, options_.scrub_message_bytes});
    asks_[task] = from;
  }
}

void Scrub::on_result(TimePoint now, uint64_t task, const TaskResult& result, Output& out, const RunTask& run) {
  if (const auto* read = std::get_if<ScrubRead>(&result)) {
    walk_.on_read(now, *read, run);
  } else if (const auto* kept = std::get_if<SegmentsKept>(&result)) {
    walk_.on_kept(*kept);
  } else if (const auto* segments = std::get_if<SegmentsCompared>(&result)) {
    if (naming_) naming_->on_segments_compared(now, *segments, out);
  } else if (const auto* pairs = std::get_if<PairsCompared>(&result)) {
    if (naming_) naming_->on_pairs_compared(now, *pairs, out);
  } else if (const auto asked = asks_.find(task); asked != asks_.end()) {
    const MemberId from = asked->second;
    asks_.erase(asked);
    if (const auto* told = std::get_if<ScrubSegments>(&result)) out.send(from, *told);
    if (const auto* told = std::get_if<ScrubPairs>(&result)) out.send(from, *told);
  }
}

// ---------------------------------------------------------------------------------------------- time

void Scrub::tick(TimePoint now, const View& view, Output& out, const RunTask& run) {
  walk_.tick(now, view.leader, out, run);
  if (view.is_leader()) {
    if (const auto verdict = round_.verdict_due(now, view.monmap)) tell_all(view.monmap, *verdict, out);
  }
  if (!is_naming_ && walk_.is_leaderless(now)) give_up("nobody leads", out, run);
  if (!is_naming_) return;
  if (naming_) naming_->tick(now, out);
  if (!naming_ || naming_->is_over()) return end_naming(view, out, run);
  if (now < say_naming_at_ || !view.leader) return;
  say_naming_at_ = now + options_.scrub_repeat;
  out.send(view.leader, ScrubFinding{walk_.point(), false, {}, {}});
}

void Scrub::give_up(const std::string& why, Output& out, const RunTask& run) {
  if (walk_.is_open()) {
    out.trace(LogLevel::warning, fmt::format("{} is given up here: {}", at_version(walk_.point()), why));
  }
  walk_.close(run);
  naming_.reset();
  is_naming_ = false;
  asks_.clear();
  repair_.reset();
}

// ---------------------------------------------------------------------------------------------- this member differs

void Scrub::begin_naming(TimePoint now, const View& view, Output& out) {
  is_naming_ = true;
  say_naming_at_ = now;
  if (walk_.check().state != ScrubState::done) return;  // there is nothing to compare
  // The leader has other things to do.
  std::vector<MemberId> peers(judgement_.agreeing.begin(), judgement_.agreeing.end());
  std::stable_partition(peers.begin(), peers.end(), [&](MemberId peer) { return peer != view.leader; });
  naming_.emplace(options_, walk_.point().version, std::move(peers), now, out);
}

void Scrub::end_naming(const View& view, Output& out, const RunTask& run) {
  ScrubFinding finding{walk_.point(), true, {}, {}};
  std::string what;
  if (!naming_) {
    what = fmt::format("it cannot be read: {}", walk_.check().reason);
  } else {
    finding.differing = naming_->found();
    what = naming_->failure().empty() ? describe(finding.differing)
                                      : fmt::format("the keys are not known: {}", naming_->failure());
  }
  size_t bytes = 0;
  const auto too_many = std::find_if(finding.differing.keys.begin(), finding.differing.keys.end(),
                                     [&](const Bytes& key) { return (bytes += key.size()) > finding_bytes_max; });
  finding.differing.keys.erase(too_many, finding.differing.keys.end());
  const bool heals = may_stop_voting(view.monmap, judgement_, view.self, view.voting);
  finding.text = fmt::format("{}; {}", what,
                             heals ? "it stops voting, and is healed by a copy of a store that the majority has"
                                   : "it goes on voting until a quorum remains without it, and is healed then");
  raise(fmt::format("{}: this store is not what the majority has: {}", at_version(walk_.point()), finding.text), out);
  tell_all(view.monmap, finding, out);
  naming_.reset();
  is_naming_ = false;
  // When the others that have the majority's store are there. Some may only not be heard yet, or be away.
  repair_ = Repair{walk_.point().version, judgement_.agreeing};
  walk_.close(run);
}

void Scrub::raise(std::string alarm, Output& out) {
  if (alarm == memory_.alarm) return;
  memory_.alarm = std::move(alarm);
  out.writes.push_back(PutLocal{Bytes(alarm_key), SharedBytes(memory_.alarm)});
}

void Scrub::put_off(const Repair& repair, Output& out) {
  raise(fmt::format(
            "scrub at version {}: this store is not what the majority had, and is not healed: it votes again, for "
            "without it there was no quorum",
            repair.point.value()),
        out);
}

void Scrub::on_switched(bool is_healed, Version version, Output& out) {
  memory_.is_refuted = false;  // the new store never had that key
  std::string alarm = std::exchange(memory_.alarm, {});
  if (is_healed) alarm += fmt::format("{}healed at version {}", alarm.empty() ? "" : "; ", version.value());
  raise(std::move(alarm), out);
}

void Scrub::refute(bool is_refuted, Output& out) {
  if (is_refuted == memory_.is_refuted) return;
  memory_.is_refuted = is_refuted;
  if (is_refuted) {
    out.writes.push_back(PutLocal{Bytes(refuted_key), SharedBytes()});
  } else {
    out.writes.push_back(EraseLocal{Bytes(refuted_key)});
  }
}

void Scrub::clear_alarm(Output& out) {
  if (memory_.alarm.empty()) return;
  memory_.alarm.clear();
  out.writes.push_back(EraseLocal{Bytes(alarm_key)});
}

// ---------------------------------------------------------------------------------------------- clients

ScrubReply Scrub::reply(ScrubReply::Phase phase, Version version, const Monmap& monmap,
                        const std::vector<ScrubCheck>& checks) const {
  const ScrubJudgement judgement = judge(monmap, checks);
  ScrubReply reply{phase, version, judgement.agreed.has_value(), {}};
  for (const ScrubCheck& check : checks) {
    const Member* member = monmap.find(check.member);
    ScrubbedMember scrubbed{member != nullptr ? member->name : to_string(check.member),
                            check,
                            judgement.differing.count(check.member) > 0,
                            {},
                            {}};
    const auto finding = outcome_.findings.find(check.member);
    if (phase >= ScrubReply::Phase::naming && finding != outcome_.findings.end()) {
      scrubbed.differing = finding->second.differing;
      scrubbed.text = finding->second.text;
    }
    reply.members.push_back(std::move(scrubbed));
  }
  return reply;
}

Result<ScrubReply> Scrub::on_request(TimePoint now, const View& view, const ScrubRequest& request) {
  using Phase = ScrubReply::Phase;
  const ScrubVerdict& verdict = outcome_.verdict;
  if (round_.answers(request.number)) {
    const bool is_told = round_.is_of(verdict.point);
    const Phase phase = !is_told ? Phase::walking : round_.is_running(now) ? Phase::naming : Phase::over;
    return reply(phase, round_.point().version, view.monmap,
                 is_told ? verdict.checks : round_.checks(now, view.monmap));
  }
  if (std::count(verdict.requests.begin(), verdict.requests.end(), request.number) > 0) {
    return reply(Phase::over, verdict.point.version, view.monmap, verdict.checks);
  }
  if (!round_.want(request.number)) return Status(Code::exhausted, "too many clients ask for a scrub; try again later");
  return reply(Phase::waiting, Version(), view.monmap, {});
}

void Scrub::check_invariants(const Monmap& monmap) const {
  SYNOD_ASSERT(!repair_ || monmap.is_majority(repair_->agreeing),
               "I-24: a member stops voting only if a majority agrees on another digest, and remains");
  SYNOD_ASSERT(!naming_ || is_naming_, "whoever asks for keys differs");
  SYNOD_ASSERT(!is_naming_ || walk_.is_open(), "what differs is read from what was scrubbed");
  SYNOD_ASSERT(asks_.size() <= asks_max, "what others may ask at a time is bounded");
}

}  // namespace synod
