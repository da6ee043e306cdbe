// A store's replicated space with some of a log applied on top, in memory.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "store/key_range.h"
#include "store/monitor_store.h"

namespace synod {

// What the log entries change: the new value, or nothing for a key that is erased.
using Delta = std::map<Bytes, std::optional<Bytes>, std::less<>>;

// The changes that bring `older` to the applied position of `newer`, computed from the log of `newer`. Fails with
// `refused` if that log starts too late or the histories are different, with other codes if a store can't be read.
// REQUIRES: older's applied version is the lower one.
Result<Delta> compute_delta(const MonitorStore& older, const MonitorStore& newer);

// The pairs of a range of the replicated space of a database with a delta on top, in order. Both must outlive it.
class DeltaIterator {
 public:
  DeltaIterator(const KeyValueDB& db, const Delta& delta, KeyRange range = {});

  bool is_valid() const { return (uses_delta_ || base_->is_valid()) && range_.reaches(key()); }
  void next();  // REQUIRES: is_valid()
  ByteView key() const { return uses_delta_ ? ByteView(at_->first) : base_->key(); }
  ByteView value() const { return uses_delta_ ? ByteView(*at_->second) : base_->value(); }
  Status status() const { return base_->status(); }

 private:
  // Moves on to a pair that exists.
  void settle();

  KeyRange range_;
  std::unique_ptr<DbIterator> base_;
  Delta::const_iterator at_;
  Delta::const_iterator end_;
  bool uses_delta_ = false;  // the current pair is at_; otherwise it is base_
};

}  // namespace synod
