// The end of a sync that has the store: steps 5 to 10 and 13 of doc/sync.md, any number of sessions up to a cap, one
// for each requester. Pure; used by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "base/time.h"
#include "mon/core/options.h"
#include "mon/core/output.h"
#include "mon/core/sync/own_holds.h"
#include "mon/core/sync/throttle.h"
#include "store/log_change.h"

namespace synod {

class SyncProvider {
 public:
  // Runs a task for a session; its result comes back through on_result with the same number. A cookie would not do: who
  // repeats an old sync_start opens another session under it.
  using RunTask = std::function<void(uint64_t session, Task)>;
  // What the provider knows of its own log, and of the leader.
  struct View {
    Version first;         // of its log
    Version visible;       // applied, and readable in the store
    MemberId leader;       // zero: none
    double hold_used = 0;  // the largest share of its bound that a hold has come to, 0 to 1
    Status unfit = {};     // why nobody is to copy this store
  };

  explicit SyncProvider(const CoreOptions& options) : options_(options), pace_(options.sync_rate) {}

  void on_message(TimePoint now, MemberId from, const Message& message, const View& view, Output& out,
                  const RunTask& run);
  void on_result(TimePoint now, uint64_t session, const TaskResult& result, Output& out, const RunTask& run);
  void tick(TimePoint now, const View& view, Output& out, const RunTask& run);
  // It was logged that a hold has begun, or is over.
  void on_hold(const TrimHold& hold, Output& out, const RunTask& run);

  // What clients notice of a sync: of a write of this member's own, and of the leader's values (throttle.h).
  void on_own_commit(Duration time) { pace_.on_own_commit(time); }
  void on_cluster_commits(Duration mean) { pace_.on_cluster_commits(mean); }

  // This member stops serving; the requesters are told why.
  void end_all(const Status& reason, Output& out, const RunTask& run);

  // How far this member itself may trim its own log: that of the sessions, and of those that ended just now.
  Version trim_limit(Version floor) const { return own_holds_.limit(floor); }
  size_t session_count() const { return sessions_.size(); }
  bool is_serving(MemberId requester) const;
  // What may be sent in a second, by the cap and by what clients notice; 0: no limit.
  uint64_t rate() const { return pace_.rate(); }
  void check_invariants(MemberId self) const;

 private:
  struct Session {
    uint64_t number = 0;
    MemberId requester;
    std::optional<SyncCursor> resume;
    uint32_t window = 1;
    bool is_hold_logged = false;  // it was, or is
    bool is_hold_ended = false;   // at its bound
    Version needed;               // of the leader's log, by who has copied the snapshot
    Version hold;                 // that, or what a copy that is gone on with still needs
    TimePoint expires;            // step 7
    TimePoint renew_at;           // of the hold
    MemberId asked;               // for it
    bool is_open = false;         // the snapshot
    uint64_t sequence = 0;        // of the last chunk sent
    uint64_t acknowledged = 0;    // of the last one that the requester has on its disk
    bool is_reading = false;      // the next chunk, or the next ranges
    bool is_last_sent = false;
    uint64_t bytes = 0;  // of keys and values, and of what carried them
    uint64_t bytes_sent = 0;
    // Of a delta.
    bool is_comparing = false;     // until the last ranges are settled
    bool has_read_ranges = false;  // the last ones
    uint64_t ranges_sent = 0;      // sequence of the latest
    uint64_t ranges_answered = 0;
    uint64_t ranges_settled = 0;  // with a chunk, or without
    TimePoint say_alive_at;       // while the rate lets nothing be sent
  };

  void on_start(TimePoint now, MemberId from, const SyncStart& start, const View& view, Output& out,
                const RunTask& run);
  void on_ack(TimePoint now, MemberId from, const SyncAck& ack, Output& out, const RunTask& run);
  void on_differing(TimePoint now, MemberId from, const SyncDiffering& differing, Output& out, const RunTask& run);
  // There is something to read, and the window leaves room for it.
  static bool wants_read(const Session& session);
  // If it is wanted, and the rate allows it.
  void read_next(TimePoint now, uint64_t cookie, Session& session, const RunTask& run);
  void on_ranges_read(TimePoint now, uint64_t cookie, Session& session, const RangesRead& ranges, Output& out);
  void on_chunk_read(TimePoint now, uint64_t cookie, Session& session, const ChunkRead& chunk, Output& out);
  void send_chunk(TimePoint now, uint64_t cookie, Session& session, const ChunkRead& chunk, Output& out);
  static void say_alive(uint64_t cookie, const Session& session, Output& out);
  void end(uint64_t cookie, const Status& reason, Output& out, const RunTask& run);

  CoreOptions options_;
  std::map<uint64_t, Session> sessions_;  // by cookie
  uint64_t last_number_ = 0;
  OwnHolds own_holds_;
  Pace pace_;  // which all sessions share
};

}  // namespace synod
