#include "mon/daemon/snapshot_reader.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/mutant.h"

namespace synod {

Result<std::unique_ptr<SnapshotReader>> SnapshotReader::open(const MonitorStore& store,
                                                             const std::optional<SyncCursor>& resume) {
  // From the first key, also for a copy that has some: the digest is of all of them.
  Result<std::unique_ptr<StoreWalker>> walker = store.new_walker({});
  if (!walker) return walker.error();
  const Position position = (*walker)->position();
  SyncCursor cursor;
  if (resume) cursor = *resume;
  if (!resume || position.version < cursor.base.version) cursor.base = position;
  cursor.highest = position;
  if (!cursor.has_all_keys) cursor.replayed = cursor.base;
  if (SYNOD_MUTANT("sync-log-left-out")) cursor.base = cursor.replayed = cursor.highest;
  return std::unique_ptr<SnapshotReader>(new SnapshotReader(store, *std::move(walker), std::move(cursor)));
}

Result<ChunkRead> SnapshotReader::next(size_t max_bytes, size_t max_keys) {
  return is_walked_ ? next_log(max_bytes) : next_keys(max_bytes, max_keys);
}

Result<ChunkRead> SnapshotReader::next_keys(size_t max_bytes, size_t max_keys) {
  Result<WalkChunk> walked = walker_->next_chunk(max_bytes, max_keys);
  if (!walked) return walked.error();
  for (const Op& op : walked->puts.ops()) digester_.add(op.key).add(op.value.view());
  if (walked->is_last) {
    is_walked_ = true;
    digest_ = digester_.finish();
  }
  const ReplicatedTransaction lacking = lacking_of(std::move(walked->puts));
  ChunkRead chunk;
  chunk.keys = lacking.ops().size();
  for (const Op& op : lacking.ops()) chunk.bytes += op.key.size() + op.value.size();
  if (lacking.is_empty() && !walked->is_last) {
    chunk.is_skipped = true;
    return chunk;
  }
  if (!cursor_.has_all_keys) {
    cursor_.last_key = walked->last_key;
    cursor_.has_all_keys = is_walked_;
  }
  complete(chunk, lacking);
  const std::optional<double> share = store_.share_before(cursor_.last_key);
  chunk.per_mille = is_walked_ ? 1000 : static_cast<uint32_t>(share.value_or(0) * 1000);
  return chunk;
}

// What of it the copy has not.
ReplicatedTransaction SnapshotReader::lacking_of(ReplicatedTransaction walked) const {
  if (cursor_.has_all_keys) return {};
  if (walked.is_empty() || walked.ops().front().key > cursor_.last_key) return walked;
  ReplicatedTransaction lacking;
  for (const Op& op : walked.ops()) {
    if (op.key > cursor_.last_key) lacking.put(op.key, op.value);
  }
  return lacking;
}

Result<ChunkRead> SnapshotReader::next_log(size_t max_bytes) {
  SYNOD_ASSERT(cursor_.has_all_keys && !cursor_.is_complete(), "[10] nothing is read after the last chunk");
  const Version from = cursor_.replayed.version.next();
  Result<std::vector<LogEntry>> entries = store_.read_entries(from, cursor_.highest.version, max_bytes);
  if (!entries) return entries.error();
  if (entries->empty() || entries->front().predecessor != cursor_.replayed.hash) {
    return Status(Code::refused, fmt::format("its log does not go on from version {}, where the copy stands",
                                             cursor_.replayed.version.value()));
  }
  ChunkRead chunk;
  ReplicatedTransaction changes;
  for (const LogEntry& entry : *entries) {
    SYNOD_RETURN_IF_ERROR(append_applied(changes, entry.position(), entry.value));
    chunk.bytes += entry.value.view().size();
  }
  chunk.keys = changes.ops().size();
  cursor_.replayed = entries->back().position();
  chunk.per_mille = 1000;
  complete(chunk, changes);
  return chunk;
}

void SnapshotReader::complete(ChunkRead& chunk, const ReplicatedTransaction& transaction) {
  chunk.transaction = SharedBytes(transaction.encode());
  chunk.checksum = checksum64(chunk.transaction.view());
  chunk.cursor = cursor_;
  chunk.is_last = cursor_.is_complete();
  if (chunk.is_last) chunk.digest = digest_;
}

}  // namespace synod
