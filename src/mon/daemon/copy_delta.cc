#include "mon/daemon/copy_delta.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "base/mutant.h"
#include "store/fingerprints.h"

namespace synod {
namespace {

constexpr size_t cleared_keys_max = 10'000;  // in one batch

// Goes over the replicated space of a copy, from range to range.
class Scan {
 public:
  Scan(const MonitorStore& copy, ByteView after) : at_(copy.db().new_iterator(KeySpace::replicated)) {
    go_behind(after);
  }

  void go_behind(ByteView key) { seek_behind(*at_, KeySpace::replicated, key); }
  bool is_within(ByteView last_key) const { return at_->is_valid() && (last_key.empty() || at_->key() <= last_key); }
  DbIterator& pair() { return *at_; }
  void next() { at_->next(); }
  Status status() const { return at_->status(); }

 private:
  std::unique_ptr<DbIterator> at_;
};

// The pairs of a range, up to one more than are told.
RangeFingerprints fingerprints_of(Scan& scan, ByteView last_key) {
  RangeFingerprints found;
  for (; scan.is_within(last_key) && found.size() <= told_keys_max; scan.next()) {
    found.add(scan.pair().key(), scan.pair().value());
  }
  return found;
}

}  // namespace

Result<std::vector<DifferingRange>> compare_ranges(const MonitorStore& copy, const CompareRangesTask& task) {
  std::vector<DifferingRange> differing;
  Scan scan(copy, task.after);
  for (uint32_t i = 0; i < task.ranges.size(); ++i) {
    const SyncRange& range = task.ranges[i];
    RangeFingerprints found = fingerprints_of(scan, range.last_key);
    if (found.size() > told_keys_max) {
      differing.push_back({i, true, {}});
      if (range.last_key.empty()) break;
      scan.go_behind(range.last_key);
    } else if (found.digest() != range.digest) {
      differing.push_back({i, false, SharedBytes(found.take())});
    }
  }
  SYNOD_RETURN_IF_ERROR(scan.status());
  return differing;
}

Status clear_range(MonitorStore& copy, const KeyRange& range) {
  while (true) {
    ReplicatedTransaction erasures;
    Scan scan(copy, range.after);
    for (; scan.is_within(range.last_key) && erasures.ops().size() < cleared_keys_max; scan.next()) {
      erasures.erase(Bytes(scan.pair().key()));
    }
    SYNOD_RETURN_IF_ERROR(scan.status());
    if (erasures.is_empty()) return Status::ok();
    SYNOD_RETURN_IF_ERROR(copy.commit_copied(erasures, Durability::visible));
  }
}

Result<ReplicatedTransaction> erasures_of(const MonitorStore& copy, const WriteChunkTask& chunk,
                                          const ReplicatedTransaction& puts) {
  ReplicatedTransaction erasures;
  if (SYNOD_MUTANT("delta-keeps-what-is-gone")) return erasures;
  std::set<ByteView> put_keys;
  for (const Op& op : puts.ops()) put_keys.insert(op.key);
  auto erased = chunk.erased.begin();
  uint32_t told = 0;
  for (const KeyRange& range : chunk.compared) {
    Scan scan(copy, range.after);
    for (; scan.is_within(range.last_key); scan.next(), ++told) {
      if (erased == chunk.erased.end() || *erased != told) continue;
      ++erased;
      if (put_keys.count(scan.pair().key()) == 0) erasures.erase(Bytes(scan.pair().key()));
    }
    SYNOD_RETURN_IF_ERROR(scan.status());
  }
  if (erased != chunk.erased.end()) {
    return Status(Code::corruption, "a chunk erases keys that the copy does not have");
  }
  return erasures;
}

}  // namespace synod
