#include "mon/core/sync/own_holds.h"

#include <algorithm>

#include "base/assert.h"

namespace synod {

void OwnHolds::hold(uint64_t cookie, Version version, TimePoint until) {
  SYNOD_ASSERT(version > Version(), "[5] a hold keeps entries, and the genesis is none");
  const auto [it, is_new] = holds_.try_emplace(cookie, Hold{version, until});
  it->second.until = until;
}

void OwnHolds::expire(TimePoint now) {
  std::erase_if(holds_, [&](const auto& item) { return now >= item.second.until; });
}

Version OwnHolds::limit(Version floor) const {
  Version limited = floor;
  for (const auto& [cookie, hold] : holds_) limited = std::min(limited, hold.version);
  return limited;
}

}  // namespace synod
