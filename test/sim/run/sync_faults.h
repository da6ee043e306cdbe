// The faults of the profiles sync and sync-delta.
#pragma once

#include <vector>

#include "base/time.h"
#include "test/sim/random.h"
#include "test/sim/run/scenario.h"

namespace synod::sim {

// Again and again a member is away until the others have trimmed what it needs; when it is back, some points are armed
// at which its sync is broken off. Now and then something else goes wrong too. If a member `may_lose_memory`, one does
// at some time, and mostly it is the one that is away from then on, or loses its directory again: without its vote the
// others need each other.
std::vector<Fault> draw_sync_faults(SeededRandom& random, size_t members, Duration length, bool is_delta,
                                    bool may_lose_memory);

}  // namespace synod::sim
