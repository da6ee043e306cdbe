#include "mon/core/sync/trim_holds.h"

#include <algorithm>

namespace synod {

void TrimHolds::hold(uint64_t cookie, Version version, TimePoint until) {
  const auto [it, is_new] = holds_.try_emplace(cookie, Hold{version, until});
  it->second.until = until;
}

void TrimHolds::expire(TimePoint now) {
  std::erase_if(holds_, [&](const auto& item) { return now >= item.second.until; });
}

Version TrimHolds::limit(Version floor) const {
  for (const auto& [cookie, hold] : holds_) floor = std::min(floor, hold.version);
  return floor;
}

}  // namespace synod
