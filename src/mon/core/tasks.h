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
#include "msg/messages.h"
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
  bool is_skipped = false;  // the copy has all that was read
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
// The new store is of no use any more: it goes, durably.
struct DiscardCopyTask {};
struct CopyDiscarded {};
// Those that wait behind one another share one sync.
struct WriteChunkTask {
  SharedBytes transaction;
  Bytes record;  // how far the copy has come with it, to be stored in the same batch
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
};
struct Switched {
  LogState log;
  Bytes monmap;  // encoded, as the new store has it
};

using Task = std::variant<EvaluateTask, RangeTask, ReadLogTask, OpenSnapshotTask, ReadChunkTask, CloseSnapshotTask,
                          FormTask, CreateStoreTask, DiscardCopyTask, WriteChunkTask, VerifyTask, SwitchTask>;
using TaskResult = std::variant<Evaluated, RangeDone, ReadLogDone, SnapshotOpened, ChunkRead, SnapshotClosed, Formed,
                                StoreCreated, CopyDiscarded, ChunkWritten, Verified, Switched, Status>;

// In order with the writes.
bool is_writer_task(const Task& task);

}  // namespace synod
