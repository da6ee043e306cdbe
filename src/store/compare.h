// Compares the replicated spaces of two stores, key by key. For the offline tool: nothing else may use the stores
// meanwhile.
//
// Where the applied versions differ, the older store is first rolled forward *in memory*, with the log of the newer
// one, so that what is compared is the same version of both. Memory grows with what these log entries change, not with
// the stores.
#pragma once

#include <functional>
#include <optional>

#include "store/monitor_store.h"

namespace synod {

enum class DifferenceKind { differs, only_in_a, only_in_b };

// Valid during the callback only.
struct Difference {
  DifferenceKind kind = DifferenceKind::differs;
  ByteView key;
  ByteView value_a;  // empty if only in b
  ByteView value_b;  // empty if only in a
};

enum class StoreSide { a, b };

struct RollForward {
  StoreSide store = StoreSide::a;  // the older one
  Version from;
  Version to;
};

struct Comparison {
  Position applied_a;  // as stored
  Position applied_b;
  std::optional<RollForward> rolled_forward;
  // Why two different states were compared as they are; empty if they were of the same version and history.
  std::string caveat;
  uint64_t keys_compared = 0;   // keys that are in either store
  uint64_t bytes_compared = 0;  // of keys and values, in both stores
  uint64_t differing = 0;
  uint64_t only_in_a = 0;
  uint64_t only_in_b = 0;

  bool is_equal() const { return differing + only_in_a + only_in_b == 0; }
};

// Calls `on_difference` in key order. Fails if a store cannot be read, or has no applied position.
Result<Comparison> compare_stores(const MonitorStore& a, const MonitorStore& b,
                                  const std::function<void(const Difference&)>& on_difference);

struct QuickComparison {
  Position point;          // of the scrub whose digests both stores have
  size_t segments = 0;     // of which both have the same digest, and which were not read
  size_t ranges_read = 0;  // the others
  Comparison compared;     // of what was read
};

// Compares the digests that the last scrub has stored with each store (scrub_record.h), and trusts them: it reads only
// ranges in which they differ. What was written since is the same in both if their positions are of one history. Fails
// with `refused` where that cannot be told: a store has no digests, they are of different scrubs, or the log of the
// newer store does not go back to the older one.
Result<QuickComparison> compare_quick(const MonitorStore& a, const MonitorStore& b,
                                      const std::function<void(const Difference&)>& on_difference);

}  // namespace synod
