#include "mon/daemon/snapshot_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/compression.h"
#include "base/mutant.h"

namespace synod {
namespace {

// A range of large values ends sooner, so that one that differs costs no more than a few of them.
constexpr size_t range_bytes_max = 64 << 10;

// After one that does not compress.
constexpr uint32_t chunks_untried = 15;

// What of it lies behind `key`.
ReplicatedTransaction behind(ByteView key, ReplicatedTransaction walked) {
  if (key.empty() || walked.is_empty() || walked.ops().front().key > key) return walked;
  ReplicatedTransaction rest;
  for (const Op& op : walked.ops()) {
    if (op.key > key) rest.put(op.key, op.value);
  }
  return rest;
}

size_t bytes_of(const Op& op) { return op.key.size() + op.value.size(); }

std::set<uint64_t> to_set(ByteView fingerprints) {
  std::set<uint64_t> found;
  for (size_t i = 0; i < fingerprints.size() / fingerprint_bytes; ++i) {
    found.insert(RangeFingerprints::fingerprint_at(fingerprints, i));
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<SnapshotReader>> SnapshotReader::open(const MonitorStore& store,
                                                             const std::optional<SyncCursor>& resume, bool compresses) {
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
  return std::unique_ptr<SnapshotReader>(new SnapshotReader(store, *std::move(walker), std::move(cursor), compresses));
}

Result<WalkChunk> SnapshotReader::walk(size_t max_bytes, size_t max_keys) {
  SYNOD_ASSERT(!is_walked_, "[8] nothing is read behind the last key");
  Result<WalkChunk> walked = walker_->next_chunk(max_bytes, max_keys);
  if (!walked) return walked;
  for (const Op& op : walked->puts.ops()) digester_.add(op.key, op.value.view());
  is_walked_ = walked->is_last;
  if (is_walked_) digest_ = digester_.finish();
  return walked;
}

uint32_t SnapshotReader::per_mille(ByteView last_key) const {
  return is_walked_ ? 1000 : static_cast<uint32_t>(store_.share_before(last_key).value_or(0) * 1000);
}

void SnapshotReader::complete(ChunkRead& chunk, const ReplicatedTransaction& transaction) {
  chunk.keys = transaction.ops().size();
  chunk.transaction = SharedBytes(transaction.encode());
  compress_if_worthwhile(chunk);
  chunk.checksum = checksum64(chunk.transaction.view());
  chunk.cursor = cursor_;
  chunk.is_last = SYNOD_MUTANT("sync-wrong-last-flag") ? cursor_.has_all_keys : cursor_.is_complete();
  if (chunk.is_last) chunk.digest = digest_;
}

// What does not compress is tried again now and then: the next keys may be of another kind.
void SnapshotReader::compress_if_worthwhile(ChunkRead& chunk) {
  if (!compresses_) return;
  if (untried_ > 0) {
    --untried_;
    return;
  }
  std::optional<Bytes> compressed = compress(chunk.transaction.view());
  if (compressed) {
    chunk.transaction = SharedBytes(*std::move(compressed));
    chunk.is_compressed = true;
  } else {
    untried_ = chunks_untried;
  }
}

Result<ChunkRead> SnapshotReader::next(size_t max_bytes, size_t max_keys) {
  return is_walked_ ? next_log(max_bytes) : next_keys(max_bytes, max_keys);
}

Result<ChunkRead> SnapshotReader::next_keys(size_t max_bytes, size_t max_keys) {
  Result<WalkChunk> walked = walk(max_bytes, max_keys);
  if (!walked) return walked.error();
  ReplicatedTransaction lacking;
  const bool lacked_keys = !cursor_.has_all_keys;
  if (lacked_keys) lacking = behind(cursor_.last_key, std::move(walked->puts));
  ChunkRead chunk;
  for (const Op& op : lacking.ops()) chunk.bytes += bytes_of(op);
  // A chunk takes the copy further, or a sync that is broken off behind each first chunk would never come to its end.
  const bool is_end = lacked_keys || cursor_.is_complete();
  if (lacking.is_empty() && !(walked->is_last && is_end)) {
    chunk.is_skipped = true;
    return chunk;
  }
  if (lacked_keys) {
    cursor_.last_key = walked->last_key;
    cursor_.has_all_keys = is_walked_;
  }
  chunk.per_mille = per_mille(cursor_.last_key);
  complete(chunk, lacking);
  return chunk;
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
  cursor_.replayed = entries->back().position();
  chunk.per_mille = 1000;
  complete(chunk, changes);
  return chunk;
}

// ---------------------------------------------------------------------------------------------- delta

Result<RangesRead> SnapshotReader::next_ranges(size_t max_bytes, size_t max_keys) {
  SYNOD_ASSERT(!cursor_.has_all_keys, "[8] keys are compared until the copy has all");
  Result<WalkChunk> walked = walk(max_bytes, max_keys);
  if (!walked) return walked.error();
  Ranges ranges;
  ranges.is_last = walked->is_last;
  ranges.pairs = behind(compared_, std::move(walked->puts)).ops();
  RangesRead read;
  read.is_last = walked->is_last;
  read.is_skipped = ranges.pairs.empty() && !walked->is_last;
  if (read.is_skipped) return read;
  read.after = std::exchange(compared_, walked->last_key);
  read.per_mille = per_mille(walked->last_key);
  size_t bytes = 0;
  ranges.fingerprints.emplace_back();
  for (size_t i = 0; i < ranges.pairs.size(); ++i) {
    const Op& pair = ranges.pairs[i];
    ranges.fingerprints.back().add(pair.key, pair.value.view());
    bytes += bytes_of(pair);
    if (i + 1 == ranges.pairs.size() || (bytes < range_bytes_max && !ends_range(pair.key))) continue;
    ranges.ends.push_back(i + 1);
    read.ranges.push_back({pair.key, ranges.fingerprints.back().digest()});
    ranges.fingerprints.emplace_back();
    bytes = 0;
  }
  // The last range of all goes on behind the last key: the copy may have more.
  ranges.ends.push_back(ranges.pairs.size());
  read.ranges.push_back({read.is_last ? Bytes() : walked->last_key, ranges.fingerprints.back().digest()});
  unsettled_.push_back(std::move(ranges));
  return read;
}

Result<ChunkRead> SnapshotReader::settle(const std::vector<DifferingRange>& differing) {
  SYNOD_ASSERT(!unsettled_.empty(), "[8] what is settled was given out");
  const Ranges ranges = std::move(unsettled_.front());
  unsettled_.pop_front();
  const auto is_out_of_order = [](const DifferingRange& one, const DifferingRange& next) {
    return one.index >= next.index;
  };
  if (std::adjacent_find(differing.begin(), differing.end(), is_out_of_order) != differing.end()) {
    return Status(Code::invalid_argument, "the requester names ranges twice, or out of order");
  }
  ChunkRead chunk;
  ReplicatedTransaction puts;
  uint32_t told = 0;
  for (const DifferingRange& range : differing) {
    SYNOD_RETURN_IF_ERROR(add_differing(ranges, range, told, puts, chunk));
  }
  if (!ranges.pairs.empty()) cursor_.last_key = ranges.pairs.back().key;
  cursor_.has_all_keys = ranges.is_last;
  chunk.is_skipped = differing.empty() && !ranges.is_last;
  if (chunk.is_skipped) return chunk;
  chunk.per_mille = ranges.is_last ? 1000 : per_mille(cursor_.last_key);
  complete(chunk, puts);
  return chunk;
}

Status SnapshotReader::add_differing(const Ranges& ranges, const DifferingRange& differing, uint32_t& told,
                                     ReplicatedTransaction& puts, ChunkRead& chunk) {
  if (differing.index >= ranges.ends.size())
    return {Code::invalid_argument, "the requester names a range that there is not"};
  const size_t begin = differing.index == 0 ? 0 : ranges.ends[differing.index - 1];
  const size_t end = ranges.ends[differing.index];
  const RangeFingerprints& own = ranges.fingerprints[differing.index];
  const ByteView theirs = differing.fingerprints.view();
  const std::set<uint64_t> there = to_set(theirs);
  std::set<uint64_t> kept;
  for (size_t i = begin; i < end; ++i) {
    const uint64_t mark = own.at(i - begin);
    if (there.count(mark) > 0) {
      kept.insert(mark);
      continue;
    }
    const Op& pair = ranges.pairs[i];
    chunk.bytes += bytes_of(pair);
    puts.put(pair.key, pair.value);
  }
  for (size_t i = 0; i < theirs.size() / fingerprint_bytes; ++i, ++told) {
    if (kept.count(RangeFingerprints::fingerprint_at(theirs, i)) == 0) chunk.erased.push_back(told);
  }
  return Status::ok();
}

}  // namespace synod
