// Reads a store as it was at one moment, in chunks, for a sync: the keys that a copy lacks, then the log that the copy
// lacks, and of all of it the digest. Holds one chunk. Used by one thread; blocks on the disk.
#pragma once

#include <memory>
#include <optional>

#include "mon/core/tasks.h"
#include "store/monitor_store.h"

namespace synod {

class SnapshotReader {
 public:
  // `store` must outlive the reader.
  static Result<std::unique_ptr<SnapshotReader>> open(const MonitorStore& store,
                                                      const std::optional<SyncCursor>& resume);

  Position position() const { return walker_->position(); }
  // A chunk of the copy, or, while what is read is in the copy already, one that says so. Fails with `refused` if the
  // log that the copy needs is gone, with other codes if the store cannot be read.
  Result<ChunkRead> next(size_t max_bytes, size_t max_keys);

 private:
  SnapshotReader(const MonitorStore& store, std::unique_ptr<StoreWalker> walker, SyncCursor cursor)
      : store_(store), walker_(std::move(walker)), cursor_(std::move(cursor)) {}
  Result<ChunkRead> next_keys(size_t max_bytes, size_t max_keys);
  ReplicatedTransaction lacking_of(ReplicatedTransaction walked) const;
  Result<ChunkRead> next_log(size_t max_bytes);
  void complete(ChunkRead& chunk, const ReplicatedTransaction& transaction);

  const MonitorStore& store_;
  std::unique_ptr<StoreWalker> walker_;
  SyncCursor cursor_;  // of the copy, with all that was given out
  bool is_walked_ = false;
  Digester digester_;
  Digest digest_;  // once it is walked
};

}  // namespace synod
