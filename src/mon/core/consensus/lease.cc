#include "mon/core/consensus/lease.h"

#include <algorithm>

namespace synod {
namespace {
constexpr size_t requests_remembered = 16;
}

uint64_t LeaderLease::ask(TimePoint now) {
  SYNOD_ASSERT(asked_.empty() || asked_.back().second <= now, "time does not go back between two requests");
  asked_.emplace_back(++sequence_, now);
  if (asked_.size() > requests_remembered) asked_.pop_front();
  return sequence_;
}

void LeaderLease::on_granted(MemberId by, uint64_t sequence, Duration length) {
  const auto it =
      std::find_if(asked_.begin(), asked_.end(), [&](const auto& asked) { return asked.first == sequence; });
  if (it == asked_.end()) return;
  SYNOD_ASSERT(sequence <= sequence_, "only what was asked for is remembered");
  TimePoint& until = until_[by];
  until = std::max(until, it->second + length);
}

std::set<MemberId> LeaderLease::granted(TimePoint now) const {
  std::set<MemberId> members;
  for (const auto& [member, until] : until_) {
    if (now < until) members.insert(member);
  }
  return members;
}

void LeaderLease::check_invariants(TimePoint now, Duration length) const {
  SYNOD_ASSERT(asked_.size() <= requests_remembered, "the memory of requests is bounded");
  uint64_t expected = sequence_ + 1 - asked_.size();
  for (const auto& [sequence, when] : asked_) {
    SYNOD_ASSERT(sequence == expected++, "requests for grants are numbered without a hole");
    SYNOD_ASSERT(when <= now, "a request for grants left in the past");
  }
  for (const auto& [member, until] : until_) {
    SYNOD_ASSERT(!asked_.empty() && until <= asked_.back().second + length,
                 "I-14: a grant ends one length after it was asked for, at the latest");
  }
}

}  // namespace synod
