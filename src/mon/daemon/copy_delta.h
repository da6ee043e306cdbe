// What a delta does with the copy at the requester, which holds the keys of an older store behind its cursor. The
// messages are in msg/messages.h, [8] and [9].
//
// Blocks on the disk.
#pragma once

#include <vector>

#include "mon/core/tasks.h"
#include "store/monitor_store.h"

namespace synod {

// A range in which the copy has more keys than this is cleared rather than told.
inline constexpr size_t told_keys_max = 4096;

// Which of the ranges differ, and what the copy has there. Fails if the copy cannot be read.
Result<std::vector<DifferingRange>> compare_ranges(const MonitorStore& copy, const CompareRangesTask& task);

// Erases all keys of a range, in batches, visibly.
Status clear_range(MonitorStore& copy, const KeyRange& range);

// The erasures that belong to a chunk with these puts. Fails with `corruption` if they are not of the ranges.
Result<ReplicatedTransaction> erasures_of(const MonitorStore& copy, const WriteChunkTask& chunk,
                                          const ReplicatedTransaction& puts);

}  // namespace synod
