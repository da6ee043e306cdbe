// Searches an order of the blocks of one key that agrees with their precedence and with what a register does. See
// linearizability.h for the method.
#pragma once

#include <cstdint>

#include "test/sim/check/blocks.h"

namespace synod::sim {

// Explores at most `steps_max` configurations. REQUIRES: key.violation is empty.
Verdict::Kind find_order(const KeyBlocks& key, uint64_t steps_max);

}  // namespace synod::sim
