// Work of the store that is more than a write, asked for by the core and carried out elsewhere: on the reader, beside
// the writes, or on the writer, in order with them. Each task is answered once, by a result of the matching type, or by
// a failure. A failure of the member's own disk never reaches the core: it stops the daemon.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/log_entry.h"
#include "mon/core/scrub/scrub_tasks.h"
#include "msg/messages.h"
#include "store/key_range.h"
#include "store/monitor_store.h"

namespace synod {

// ---- on the reader

// The requests that the log decides.
using LoggedRequest = std::variant<WriteRequest, OpenSessionRequest>;

// Computes the next value from requests, on the state that includes all values of this term in flight.
struct EvaluateTask {
  uint64_t term = 0;  // a new one forgets the values in flight
  Version version;    // that the value will decide
  Version applied;    // visible in the store; what was computed up to here needs no remembering
  std::vector<LoggedRequest> requests;
  LogChange change;  // to be made, too
};
struct Evaluated {
  uint64_t term = 0;
  Version version;
  SharedBytes value;
  std::vector<ClientReply> replies;  // one for each request, without its id; may refuse it
};
struct RangeTask {
  RangeRequest request;
};
struct RangeDone {
  RangeReply reply;
};
struct ReadLogTask {
  Version from;
  Version to;  // inclusive
  size_t max_bytes = 0;
};
struct ReadLogDone {
  std::vector<LogEntry> entries;
};
// Opens a snapshot for a sync session, at what is visible: for a new copy, or for one that is to be gone on with.
struct OpenSnapshotTask {
  uint64_t cookie = 0;
  std::optional<SyncCursor> resume;
  bool compresses = false;  // the requester takes compressed chunks
};
struct SnapshotOpened {
  Position position;
};
struct ReadChunkTask {
  uint64_t cookie = 0;
  size_t max_bytes = 0;
  size_t max_keys = 0;
};
// As it is sent, but for cookie and sequence, which are the session's.
struct ChunkRead : SyncChunk {
  bool is_skipped = false;  // the copy has all that was read; of a delta: no key of these ranges differs
};
// The next ranges of a delta. REQUIRES: those before are fewer than a window, and not the last.
struct ReadRangesTask {
  uint64_t cookie = 0;
  size_t max_bytes = 0;
  size_t max_keys = 0;
};
// As they are sent, but for cookie and sequence.
struct RangesRead : SyncRanges {
  bool is_skipped = false;  // the copy has all that was read
  bool is_last = false;
};
// What differs in the oldest ranges that are not settled yet; results in a chunk, which may be skipped.
struct SettleRangesTask {
  uint64_t cookie = 0;
  uint64_t sequence = 0;
  std::vector<DifferingRange> differing;
};
// At the requester, in its copy: which of these ranges differ.
struct CompareRangesTask {
  Bytes after;
  std::vector<SyncRange> ranges;
};
struct RangesCompared {
  Status failure;  // the copy cannot be read
  std::vector<DifferingRange> differing;
};
struct CloseSnapshotTask {
  uint64_t cookie = 0;
};
struct SnapshotClosed {};

// ---- on the writer

// Makes the store of a new cluster and then records `identity` (formed).
struct FormTask {
  Bytes identity;
  Position genesis;
  Bytes monmap;  // encoded: all of the first state
};
struct Formed {
  LogState log;
};
// An empty store beside the current one, for a sync to fill.
struct CreateStoreTask {};
struct StoreCreated {};
// The same, with all that the current store has in the replicated space, and this record.
struct CloneStoreTask {
  Bytes record;
};
// The new store is of no use any more: it goes, durably.
struct DiscardCopyTask {};
struct CopyDiscarded {};
// Those that wait behind one another share one sync.
struct WriteChunkTask {
  SharedBytes transaction;
  Bytes record;              // how far the copy has come with it, to be stored behind it
  Bytes record_before = {};  // if that is not enough: what is to be stored before any of it is written
  // Of a delta.
  std::vector<KeyRange> cleared = {};
  std::vector<KeyRange> compared = {};
  std::vector<uint32_t> erased = {};  // of the keys in `compared`, counted from 0, but for those that are put
  bool is_compressed = false;         // the transaction
};
struct ChunkWritten {};
// Forces the new store to disk and computes what it holds.
struct VerifyTask {};
struct Verified {
  Position position;
  Digest digest;
};
// Makes the new store the current one, with the accepted entries that chain on it.
struct SwitchTask {
  std::vector<LogEntry> accepted;
  bool keeps_evidence = false;  // the store that it leaves was not what it should be
};
struct Switched {
  LogState log;
  Bytes monmap;  // encoded, as the new store has it
};

using Task =
    std::variant<EvaluateTask, RangeTask, ReadLogTask, OpenSnapshotTask, ReadChunkTask, ReadRangesTask,
                 SettleRangesTask, CompareRangesTask, CloseSnapshotTask, FormTask, CreateStoreTask, CloneStoreTask,
                 DiscardCopyTask, WriteChunkTask, VerifyTask, SwitchTask, ReadScrubTask, KeepSegmentsTask,
                 ReadSegmentsTask, ReadPairsTask, CompareSegmentsTask, ComparePairsTask, CloseScrubTask>;
using TaskResult =
    std::variant<Evaluated, RangeDone, ReadLogDone, SnapshotOpened, ChunkRead, RangesRead, RangesCompared,
                 SnapshotClosed, Formed, StoreCreated, CopyDiscarded, ChunkWritten, Verified, Switched, ScrubRead,
                 SegmentsKept, ScrubSegments, ScrubPairs, SegmentsCompared, PairsCompared, ScrubClosed, Status>;

// In order with the writes.
bool is_writer_task(const Task& task);
// On the reader, about a scrub.
bool is_scrub_task(const Task& task);

}  // namespace synod
