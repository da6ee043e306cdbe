// The end of a sync that lacks a store: steps 2, 3, 4, 9, 11, 12 and 14 of doc/sync.md. Pure; used by one thread.
//
// The old store stays the current one, untouched but for the marker, until the copy is verified.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "mon/core/consensus/accepted_log.h"
#include "mon/core/options.h"
#include "mon/core/output.h"

namespace synod {

// Where the marker stands in the local key space: set means that the store must not be served from.
inline constexpr ByteView synchronizing_key = "monitor_synchronizing";

class SyncRequester {
 public:
  // Runs a task; its result comes back through on_result.
  using RunTask = std::function<void(Task)>;

  enum class Outcome { running, switched, failed };

  // Starts with step 3: the marker goes out with `out`, durably, and the provider is asked once it is.
  SyncRequester(const CoreOptions& options, uint64_t cookie, MemberId provider, std::string provider_name,
                const AcceptedLog& log, TimePoint now, Output& out);

  void on_marker_durable(TimePoint now, Output& out);
  void on_message(TimePoint now, MemberId from, const Message& message, Output& out, const RunTask& run);
  Outcome on_result(TimePoint now, const TaskResult& result, Output& out, const RunTask& run);
  Outcome tick(TimePoint now, Output& out);
  // The connection to the provider broke.
  Outcome on_provider_lost(Output& out);

  MemberId provider() const { return provider_; }
  uint64_t cookie() const { return cookie_; }
  const SyncProgress& progress() const { return progress_; }
  TimePoint started() const { return started_; }
  const std::string& failure() const { return failure_; }
  void check_invariants() const;

 private:
  enum class Phase { marking, starting, copying, writing, verifying, switching, over };

  void on_chunk(TimePoint now, const SyncChunk& chunk, Output& out, const RunTask& run);
  Outcome on_verified(const Verified& verified, Output& out, const RunTask& run);
  // With the last chunk on disk, what the provider does or says does not matter any more.
  bool needs_provider() const { return phase_ < Phase::verifying; }
  Outcome fail(std::string why, Output& out);

  CoreOptions options_;
  uint64_t cookie_;
  MemberId provider_;
  Version committed_;
  std::vector<LogEntry> accepted_;  // what this member had accepted above its committed position
  Phase phase_ = Phase::marking;
  TimePoint started_;
  TimePoint deadline_;  // for the provider's next message; not kept while this end is at work
  uint64_t sequence_ = 0;
  std::optional<SyncChunk> last_chunk_;  // without its transaction
  SyncProgress progress_;
  std::string failure_;
};

}  // namespace synod
