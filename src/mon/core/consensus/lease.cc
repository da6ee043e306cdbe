#include "mon/core/consensus/lease.h"

#include <algorithm>

namespace synod {
namespace {
constexpr size_t requests_remembered = 16;
}

uint64_t LeaderLease::ask(TimePoint now) {
  asked_.emplace_back(++sequence_, now);
  if (asked_.size() > requests_remembered) asked_.pop_front();
  return sequence_;
}

void LeaderLease::on_granted(MemberId by, uint64_t sequence, Duration length) {
  const auto it =
      std::find_if(asked_.begin(), asked_.end(), [&](const auto& asked) { return asked.first == sequence; });
  if (it == asked_.end()) return;
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

}  // namespace synod
