#include "mon/core/sync/trim_holds.h"

#include <algorithm>

#include "base/assert.h"

namespace synod {

void TrimHolds::hold(uint64_t cookie, Version version, TimePoint until) {
  const auto [it, is_new] = holds_.try_emplace(cookie, Hold{version, until});
  it->second.until = until;
}

void TrimHolds::expire(TimePoint now) {
  std::erase_if(holds_, [&](const auto& item) { return now >= item.second.until; });
}

Version TrimHolds::limit(Version floor) const {
  Version limited = floor;
  for (const auto& [cookie, hold] : holds_) limited = std::min(limited, hold.version);
  SYNOD_ASSERT(limited <= floor, "a hold never trims more");
  return limited;
}

}  // namespace synod
