// The end of a sync that lacks a store: steps 2, 3, 4, 9, 11, 12 and 14 of doc/sync.md. Pure; used by one thread.
//
// The old store stays the current one, untouched but for the marker, until the copy is verified. A copy survives the
// failure of a sync: the next one goes on with it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "mon/core/consensus/accepted_log.h"
#include "mon/core/options.h"
#include "mon/core/output.h"
#include "mon/core/sync/copy_record.h"

namespace synod {

// Where the marker stands in the local key space: set means that the store must not be served from.
inline constexpr ByteView synchronizing_key = "monitor_synchronizing";

// Whom a sync asks, and what it begins with.
struct SyncPlan {
  uint64_t cookie = 0;
  MemberId provider;
  std::string provider_name;
  std::optional<CopyRecord> copy;  // to be gone on with
  bool is_delta = false;           // of a new copy: it begins as one of the own store
  bool is_marked = false;          // the store is
  bool is_repair = false;          // the store is not what it should be: it is kept as evidence
  std::string marker = {};         // what else the marker says
  bool takes_compressed = true;    // chunks; false if nothing goes over a network
};

class SyncRequester {
 public:
  // Runs a task; its result comes back through on_result.
  using RunTask = std::function<void(Task)>;

  enum class Outcome { running, switched, failed };

  // Step 3: unless the store is marked, the marker goes out with `out`, durably. What follows waits for it.
  SyncRequester(const CoreOptions& options, SyncPlan plan, const AcceptedLog& log, TimePoint now, Output& out);

  void on_marker_durable(TimePoint now, Output& out, const RunTask& run);
  void on_message(TimePoint now, MemberId from, const Message& message, Output& out, const RunTask& run);
  Outcome on_result(TimePoint now, const TaskResult& result, Output& out, const RunTask& run);
  Outcome tick(TimePoint now, Output& out);
  // The connection to the provider broke.
  Outcome on_provider_lost(Output& out);
  // The session is gone with its earlier life. What comes from the next one may be of another, which somebody's
  // repeated request has opened under the same cookie.
  Outcome on_provider_restarted(Output& out);

  MemberId provider() const { return provider_; }
  uint64_t cookie() const { return cookie_; }
  SyncProgress progress() const;
  TimePoint started() const { return started_; }
  const std::string& failure() const { return failure_; }
  // After a failure: the copy, if it can be gone on with; and whether what it began with is no good.
  std::optional<CopyRecord> copy() const { return keeps_copy_ ? copy_ : std::nullopt; }
  bool has_refuted_delta() const { return is_delta_ && is_refuted_; }
  void check_invariants() const;

 private:
  enum class Phase { marking, cloning, starting, copying, verifying, switching, over };
  // Ranges of a delta that were asked about.
  struct Ranges {
    uint64_t sequence = 0;
    Bytes after;
    std::vector<SyncRange> ranges;
    bool is_answered = false;
    std::vector<KeyRange> cleared;   // once it is: those of which all is to be erased,
    std::vector<KeyRange> compared;  // and the others that differ
  };

  void ask(TimePoint now, Output& out);
  void on_chunk(TimePoint now, const SyncChunk& chunk, Output& out, const RunTask& run);
  // In words; empty: it may come now.
  std::string breach_of(const SyncChunk& chunk) const;
  const CopyRecord* newest_copy() const;
  void on_store_created(TimePoint now, Output& out);
  void on_chunk_written(TimePoint now, Output& out, const RunTask& run);
  Bytes record_before(const SyncChunk& chunk) const;
  void watch(TimePoint now, uint32_t per_mille);
  void acknowledge(SyncEventKind kind, uint64_t sequence, Output& out);
  Outcome on_verified(const Verified& verified, Output& out, const RunTask& run);
  // With the last chunk on disk, what the provider does or says does not matter any more.
  bool needs_provider() const { return phase_ < Phase::verifying; }

  // requester_delta.cc
  std::string breach_of(const SyncRanges& ranges) const;
  void on_ranges(TimePoint now, const SyncRanges& ranges, Output& out, const RunTask& run);
  void on_compared(TimePoint now, const RangesCompared& compared, Output& out);
  bool is_asked_for(const SyncChunk& chunk) const;
  void take_ranges(const SyncChunk& chunk, WriteChunkTask& write);

  // The copy is not what it should be, or cannot be read.
  void refute() {
    keeps_copy_ = false;
    is_refuted_ = true;
  }
  // The sync has failed. It is over when what it has given to the disk is written, or has failed, too.
  void fail(std::string why);
  Outcome settle(Output& out);

  CoreOptions options_;
  uint64_t cookie_;
  MemberId provider_;
  std::string provider_name_;
  bool is_delta_;
  bool is_repair_;
  bool takes_compressed_;
  Version committed_;
  std::vector<LogEntry> accepted_;  // what this member had accepted above its committed position
  Phase phase_ = Phase::marking;
  TimePoint started_;
  TimePoint deadline_;  // for the provider's next message; not kept while this end is at work
  // The copy with what is on its disk, and with each chunk that is on its way there, oldest first.
  std::optional<CopyRecord> copy_;
  std::deque<CopyRecord> on_the_way_;
  std::deque<Ranges> ranges_;     // that no chunk has come for, and one may
  uint64_t ranges_sequence_ = 0;  // of the last ones that came
  Bytes compared_;                // up to here they go
  size_t comparing_ = 0;          // of them, so many are being compared
  uint64_t sequence_ = 0;         // of the last chunk that came
  bool has_last_ = false;
  Digest digest_;  // of the provider's snapshot, with the last chunk
  // Of this session, for those who watch: what was there with its first chunk, and now.
  struct Mark {
    TimePoint when;
    uint64_t bytes = 0;
    uint32_t per_mille = 0;
  };
  std::optional<Mark> first_;
  Mark latest_;
  std::string failure_;
  bool keeps_copy_ = true;
  bool is_refuted_ = false;
};

}  // namespace synod
