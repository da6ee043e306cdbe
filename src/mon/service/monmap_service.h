// The monmap as part of the replicated state.
#pragma once

#include "base/bytes.h"
#include "mon/core/monmap.h"
#include "store/transaction.h"

namespace synod {

inline constexpr ByteView monmap_key = "monmap/current";  // Monmap::encode()

// The first state of a cluster: the same bytes on every member.
ReplicatedTransaction monmap_genesis(const Monmap& monmap);

}  // namespace synod
