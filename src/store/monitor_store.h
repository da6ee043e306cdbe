// A member's store: the three key spaces on one KeyValueDB, with what each holds. doc/store.md has the key layout.
//
// Thread safety: as KeyValueDB, but for commits. Every method may block on the disk: never call one from an event loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log_entry.h"
#include "store/key_value_db.h"
#include "store/log_change.h"

namespace synod {

// Key of the replicated space that every value writes.
inline constexpr ByteView applied_key = "paxos/applied";  // the applied Position, written by apply()
// Key of the local space that every batch but a chunk puts: put_fixed64 of its sequence number.
inline constexpr ByteView batch_sequence_key = "batch_sequence";

// The writes of one step of the core. A cheap description: it is turned into database operations where it is committed.
struct PutEntry {
  LogEntry entry;
};
// Erases the log entries with from <= version < to.
struct EraseEntries {
  Version from;
  Version to;
};
// Applies a chosen value: its operations and the new applied position, atomically.
struct ApplyEntry {
  Position position;
  SharedBytes value;  // an encoded ReplicatedTransaction
};
struct PutLocal {
  Bytes key;
  SharedBytes value;
};
struct EraseLocal {
  Bytes key;
};
// Writes nothing: what was written before it is to be read as it is then, for a scrub of this position, which was just
// applied. Ends the batch (StoreEngine); commit() passes it over.
struct OpenScrub {
  Position point;
};
using StoreWrite = std::variant<PutEntry, EraseEntries, ApplyEntry, PutLocal, EraseLocal, OpenScrub>;
using StoreWrites = std::vector<StoreWrite>;

// Of the values that go to the log: most of what writes take in memory.
size_t value_bytes(const StoreWrites& writes);

// Adds what applying a chosen value does to the replicated space: its operations, and the new applied position. Fails
// with `corruption`, naming the version, if the value does not decode.
Status append_applied(ReplicatedTransaction& out, const Position& position, const SharedBytes& value);

// What a member needs to know of its log when it starts.
struct LogState {
  Position applied;
  Version first;                   // lowest version in the log; applied.version + 1 if there is none
  Version trim_floor;              // as last applied; zero if never
  std::vector<TrimHold> holds;     // as last applied
  std::vector<LogEntry> accepted;  // above applied, in order, each chaining on the one before, the first on `applied`
};

// A read-only view of the replicated space as it was at one moment. Used by one thread.
class ReplicatedReader {
 public:
  virtual ~ReplicatedReader() = default;
  virtual Result<std::optional<Bytes>> get(ByteView key) const = 0;
  // Visits the keys in [begin, end) in order (an empty end: to the end of the space) until `visit` returns false.
  virtual Status scan(ByteView begin, ByteView end, const std::function<bool(ByteView, ByteView)>& visit) const = 0;
};

// One piece of the replicated space, packed for the road.
struct WalkChunk {
  ReplicatedTransaction puts;
  uint64_t keys = 0;
  uint64_t bytes = 0;    // of keys and values
  Bytes last_key;        // where a later walk resumes
  bool is_last = false;  // nothing follows
};

// Packs the replicated space, as it was when the walker was made, into transactions of puts. Holds one chunk at most.
class StoreWalker {
 public:
  virtual ~StoreWalker() = default;
  // The keys after the previous chunk, up to `max_bytes` of keys and values and `max_keys` keys; at least one key if
  // any is left, however large.
  virtual Result<WalkChunk> next_chunk(size_t max_bytes, size_t max_keys) = 0;
  // The applied position of the state that is walked.
  virtual Position position() const = 0;
};

// Every batch but a chunk has a sequence number, one more than the last, and puts it in the local space. A number is
// used again only for a batch that was lost before anything depended on it.
//
// Commits come from one thread at a time.
class MonitorStore {
 public:
  // Takes an open database. It holds a store if initialize() was called on it or a sync filled it.
  explicit MonitorStore(std::unique_ptr<KeyValueDB> db);
  // For a store that takes the place of another: its next batch has the number after this one.
  // REQUIRES: no batch of the database has a higher number; its last batch is a chunk, or it has none.
  void continue_after(uint64_t sequence);

  // Makes the first state of a formed cluster, durably: applied position `genesis` and the given transaction.
  // REQUIRES: the database is empty.
  Status initialize(const Position& genesis, const ReplicatedTransaction& state);

  // Several steps' writes, in order, as one atomic batch. Fails with `corruption` if a value does not decode.
  Status commit(const std::vector<const StoreWrites*>& groups, Durability durability);
  // What belongs to this store alone.
  Status commit_local(const LocalTransaction& changes, Durability durability);
  // Part of what a sync does to a copy.
  Status commit_copied(const ReplicatedTransaction& changes, Durability durability);
  // A chunk of a sync, which has no number: a table that holds keys of the replicated space alone, in order, overlaps
  // no other, and LevelDB never has to merge it.
  Status commit_chunk(const ReplicatedTransaction& puts, Durability durability);
  // The number of the latest batch; zero if there is none. Reads the disk once, and not after a commit. Of the thread
  // that commits.
  Result<uint64_t> last_sequence();

  // Verifies hashes and the chain; `corruption` names the entry.
  Result<LogState> load_log() const;
  Result<Position> applied() const;
  // Committed or accepted entries from `from` on, at most up to `to` (inclusive), until `max_bytes` of values are
  // exceeded, but at least one. Empty if `from` is not in the log. Hashes are verified.
  Result<std::vector<LogEntry>> read_entries(Version from, Version to, size_t max_bytes) const;
  Result<std::optional<Bytes>> get_local(ByteView key) const;

  std::unique_ptr<ReplicatedReader> new_reader() const;
  // Starts after the key `after`; empty means at the beginning.
  Result<std::unique_ptr<StoreWalker>> new_walker(ByteView after) const;
  // As KeyValueDB::share_before, of the replicated space.
  std::optional<double> share_before(ByteView key) const { return db_->share_before(KeySpace::replicated, key); }
  // Digest of the replicated space as it is now, of keys and values read from the database.
  Result<Digest> digest() const;

  KeyValueDB& db() { return *db_; }
  const KeyValueDB& db() const { return *db_; }

 private:
  Status commit_numbered(DbBatch batch, Durability durability);

  std::unique_ptr<KeyValueDB> db_;
  std::optional<uint64_t> sequence_;  // of the latest batch; unknown until it is needed
};

}  // namespace synod
