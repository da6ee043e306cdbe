// Reads a store as it was at one moment, for a sync: the keys that a copy lacks, in chunks, or of a delta the ranges of
// keys that are to be compared, and then what differs in them; then the log that the copy lacks; and of all of it the
// digest. Holds one chunk, or of a delta what was read of the ranges that are not settled. Used by one thread; blocks
// on the disk.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "mon/core/tasks.h"
#include "store/fingerprints.h"
#include "store/monitor_store.h"
#include "store/store_digest.h"

namespace synod {

class SnapshotReader {
 public:
  // `store` must outlive the reader.
  static Result<std::unique_ptr<SnapshotReader>> open(const MonitorStore& store,
                                                      const std::optional<SyncCursor>& resume, bool compresses);

  Position position() const { return walker_->position(); }
  // A chunk of the copy, or, while what is read is in the copy already, one that says so. Fails with `refused` if the
  // log that the copy needs is gone, with other codes if the store cannot be read.
  Result<ChunkRead> next(size_t max_bytes, size_t max_keys);

  // For a delta, instead of next() up to the last key: ranges, and what the copy lacks in the oldest of those that were
  // given out, by what it said of them. REQUIRES: the last ranges were not given out; some are not settled.
  Result<RangesRead> next_ranges(size_t max_bytes, size_t max_keys);
  // Fails with `invalid_argument` if what the copy said does not fit.
  Result<ChunkRead> settle(const std::vector<DifferingRange>& differing);

 private:
  // Some ranges, and what is in them.
  struct Ranges {
    std::vector<Op> pairs;
    std::vector<size_t> ends;                     // of each range, in `pairs`
    std::vector<RangeFingerprints> fingerprints;  // of each
    bool is_last = false;
  };

  SnapshotReader(const MonitorStore& store, std::unique_ptr<StoreWalker> walker, SyncCursor cursor, bool compresses)
      : store_(store),
        walker_(std::move(walker)),
        cursor_(std::move(cursor)),
        compared_(cursor_.last_key),
        compresses_(compresses) {}
  Result<WalkChunk> walk(size_t max_bytes, size_t max_keys);
  Result<ChunkRead> next_keys(size_t max_bytes, size_t max_keys);
  Result<ChunkRead> next_log(size_t max_bytes);
  static Status add_differing(const Ranges& ranges, const DifferingRange& differing, uint32_t& told,
                              ReplicatedTransaction& puts, ChunkRead& chunk);
  void complete(ChunkRead& chunk, const ReplicatedTransaction& transaction);
  void compress_if_worthwhile(ChunkRead& chunk);
  uint32_t per_mille(ByteView last_key) const;

  const MonitorStore& store_;
  std::unique_ptr<StoreWalker> walker_;
  SyncCursor cursor_;  // of the copy, with all that was given out, and of a delta settled
  Bytes compared_;     // up to here ranges were given out
  std::deque<Ranges> unsettled_;
  bool compresses_;
  uint32_t untried_ = 0;  // so many chunks are not compressed
  bool is_walked_ = false;
  StoreDigester digester_;
  Digest digest_;  // once it is walked
};

}  // namespace synod
