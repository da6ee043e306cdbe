#include "mon/core/scrub/scrub_round.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "mon/core/scrub/judge.h"

namespace synod {
namespace {

constexpr size_t requests_max = 64;

bool is_through(const ScrubCheck& check) {
  return check.state == ScrubState::done || check.state == ScrubState::unreadable;
}

}  // namespace

void ScrubRound::begin_leadership(bool lacks_verdict) {
  is_proposed_ = false;
  running_.reset();
  wanted_.clear();  // they ask again
  is_wanted_again_ = lacks_verdict && options_.scrub_interval > Duration(0);
}

bool ScrubRound::is_due(TimePoint now) const {
  if (is_proposed_ || is_running(now)) return false;
  const bool is_time = options_.scrub_interval > Duration(0) && now >= last_point_ + options_.scrub_interval;
  return is_time || is_wanted_again_ || !wanted_.empty();
}

bool ScrubRound::want(uint64_t request) {
  if (wanted_.size() >= requests_max && wanted_.count(request) == 0) return false;
  wanted_.insert(request);
  return true;
}

void ScrubRound::begin(TimePoint now, const Position& point, const std::set<MemberId>& awaited) {
  is_proposed_ = false;
  is_wanted_again_ = false;
  running_ = Running();
  running_->point = point;
  running_->requests = std::exchange(wanted_, {});
  for (const MemberId member : awaited) {
    running_->heard[member] = {{member, ScrubState::walking, 0, 0, {}, {}}, now, true};
  }
}

void ScrubRound::on_report(TimePoint now, MemberId from, const ScrubReport& report) {
  if (!is_of(report.point)) return;
  Heard& heard = running_->heard[from];
  heard.when = now;
  // What it has once told stands.
  if (is_through(heard.check)) return;
  heard.check = report.check;
  heard.check.member = from;
  if (is_through(heard.check)) running_->has_news = true;
}

void ScrubRound::on_finding(TimePoint now, MemberId from, const ScrubFinding& finding) {
  if (!is_of(finding.point)) return;
  const auto it = running_->finding.find(from);
  if (it == running_->finding.end()) return;
  it->second = now;
  if (finding.is_over) running_->finding.erase(it);
}

bool ScrubRound::is_silent(TimePoint now, const Heard& heard) const {
  return now >= heard.when + options_.scrub_timeout;
}

std::vector<ScrubCheck> ScrubRound::checks(TimePoint now, const Monmap& monmap) const {
  std::vector<ScrubCheck> checks;
  for (const Member& member : monmap.members) {
    if (!monmap.is_voter(member.id)) continue;
    const auto heard = running_->heard.find(member.id);
    ScrubCheck check{member.id, ScrubState::missing, 0, 0, {}, "it could not be heard"};
    if (heard != running_->heard.end()) check = heard->second.check;
    if (check.state == ScrubState::walking && is_silent(now, heard->second)) {
      check.state = ScrubState::missing;
      check.reason = fmt::format("it has said nothing for {} s", to_milliseconds(options_.scrub_timeout) / 1000);
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

std::optional<ScrubVerdict> ScrubRound::verdict_due(TimePoint now, const Monmap& monmap) {
  if (!running_ || (running_->is_judged && !running_->has_news)) return std::nullopt;
  for (const auto& [member, heard] : running_->heard) {
    const bool is_awaited = heard.is_waited_for && !is_through(heard.check) && !is_silent(now, heard);
    if (!running_->is_judged && is_awaited) return std::nullopt;
  }
  ScrubVerdict verdict{running_->point, true, checks(now, monmap), {}};
  verdict.requests.assign(running_->requests.begin(), running_->requests.end());
  // Whoever is at it still, and is not waited for, or waited for no longer, has told nothing.
  for (ScrubCheck& check : verdict.checks) {
    if (check.state == ScrubState::walking) check.state = ScrubState::missing;
    if (check.state == ScrubState::missing && check.reason.empty()) check.reason = "it was at it still";
  }
  const ScrubJudgement judgement = judge(monmap, verdict.checks);
  for (const MemberId member : judgement.differing) {
    const bool is_new = running_->differing.insert(member).second;
    if (is_new && judgement.agreed) running_->finding[member] = now;
  }
  running_->is_judged = true;
  running_->has_news = false;
  return verdict;
}

bool ScrubRound::is_running(TimePoint now) const {
  if (!running_ || !running_->is_judged) return running_.has_value();
  return std::any_of(running_->finding.begin(), running_->finding.end(),
                     [&](const auto& item) { return now < item.second + options_.scrub_timeout; });
}

bool ScrubRound::answers(uint64_t request) const { return running_ && running_->requests.count(request) > 0; }

}  // namespace synod
