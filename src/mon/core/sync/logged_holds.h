// The holds that the log has: which versions are kept for which member, known to all from the values that were chosen.
// The leader decides them (steps 5 and 13 of doc/sync.md): it logs each one that a provider asks for, how long it has
// lasted and what it has cost, and its end. Pure; used by one thread.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/time.h"
#include "mon/core/options.h"
#include "msg/messages.h"
#include "store/log_change.h"

namespace synod {

class LoggedHolds {
 public:
  explicit LoggedHolds(const CoreOptions& options) : options_(options) {}

  // ---- every member

  // What the store has, at a start or after a sync; forgets all else.
  void load(const std::vector<TrimHold>& holds);
  // A value was chosen. Returns the holds that have begun or ended by it, a released one as it was last.
  std::vector<TrimHold> on_chosen(TimePoint now, const LogChange& change, size_t value_bytes);
  // As they were logged last, with the bytes as they were counted since.
  std::vector<TrimHold> all() const;
  // The largest share of its bound in bytes that a hold has come to, 0 to 1.
  double used() const;

  // ---- the leader

  // What earlier leaderships were about to log is forgotten, and every hold has its grace again.
  void begin_leadership(TimePoint now);
  // A provider asks for a hold, or renews it: false. `floor`: of the log, by all that this leader has proposed.
  bool on_request(TimePoint now, const HoldTrim& request, Version floor);
  // The member's sync has come so far.
  void on_sync_progress(TimePoint now, MemberId member, const SyncProgress& progress);
  // How long to wait between values, so that a sync which goes on is not overtaken by what clients write: the more of
  // its bound a hold has used up, from a half on, the longer.
  Duration admission_delay(TimePoint now) const;
  // The member has got up to `committed`, as was heard of it at `heard`: it does not sync, or does not any more. What
  // was heard before its hold was asked for says nothing of the sync that it is for: the member may have lost its power
  // since, and what it had not synced. Returns its hold if that is over by that.
  std::optional<TrimHold> on_progress(TimePoint now, MemberId member, TimePoint heard, Version committed,
                                      bool is_in_quorum);
  // Returns the holds that are over by that: released, since nobody renews them, or ended, at their bound.
  std::vector<TrimHold> tick(TimePoint now);
  // To be logged with the next value.
  std::vector<TrimHold> due() const;
  void on_proposed(const std::vector<TrimHold>& holds);
  // The highest version that the log may be trimmed to, given that it may otherwise be trimmed to `floor`.
  Version limit(Version floor) const;

  void check_invariants() const;

 private:
  // What one session asked for. Mostly there is one; that of a provider which the requester has given up lapses.
  struct Ask {
    Version version;
    TimePoint heard;
  };
  struct Hold {
    std::optional<TrimHold> logged;
    uint64_t bytes = 0;  // of the values that were chosen since `logged->version` was held first
    // The leader's.
    std::map<uint64_t, Ask> asks;  // by cookie
    std::optional<TrimHold> wanted;
    std::optional<TrimHold> proposed;
    TimePoint since;          // it has led, or the version was asked for
    TimePoint asked;          // it has led, or a session has begun
    TimePoint progressed;     // the member has come further
    SyncProgress progress;    // as it told last
    Version committed;        // the same, after the sync
    uint64_t age_before = 0;  // milliseconds, at that time
    TimePoint log_again;
  };
  void want(TimePoint now, Hold& hold, const TrimHold& wanted) const;
  void follow_log(TimePoint now, Hold& hold) const;
  void adopt_logged(TimePoint now, Hold& hold) const;
  // `hold` has `request.cookie` among its asks.
  void take(TimePoint now, Hold& hold, const HoldTrim& request) const;
  void end_by_log(TimePoint now, Hold& hold) const;
  static void raise(Hold& hold, Version floor);
  void decide(TimePoint now, Hold& hold) const;

  CoreOptions options_;
  std::map<MemberId, Hold> holds_;  // by requester
};

}  // namespace synod
