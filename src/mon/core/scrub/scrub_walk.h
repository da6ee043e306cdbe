// One member's own part in a scrub: reads its store as the scrub point left it, at the rate that is allowed and that
// clients do not notice, keeps the digests of its segments, and tells the leader until there is a verdict. What was
// opened stays open for single ranges until close(). Pure; used by one thread.
#pragma once

#include <cstdint>
#include <functional>

#include "base/time.h"
#include "mon/core/options.h"
#include "mon/core/output.h"
#include "mon/core/sync/throttle.h"

namespace synod {

class ScrubWalk {
 public:
  // Starts a task and returns its number.
  using RunTask = std::function<uint64_t(Task)>;

  explicit ScrubWalk(const CoreOptions& options) : options_(options), pace_(options.scrub_rate) {}

  // What clients notice (sync/throttle.h).
  void on_own_commit(Duration time) { pace_.on_own_commit(time); }
  void on_cluster_commits(Duration mean) { pace_.on_cluster_commits(mean); }

  // The point was applied by a write of this step, and is opened behind it. What was open before is not any more.
  void begin(TimePoint now, MemberId self, const Position& point, uint64_t step);
  void on_visible(TimePoint now, uint64_t visible_step, const RunTask& run);
  void on_read(TimePoint now, const ScrubRead& read, const RunTask& run);
  void on_kept(const SegmentsKept& kept);
  // `leader` is who is told; zero: nobody for now.
  void tick(TimePoint now, MemberId leader, Output& out, const RunTask& run);
  // The verdict is there, and others may ask for what this member has.
  void serve(TimePoint now);
  void on_asked(TimePoint now);
  void close(const RunTask& run);

  bool is_open() const { return phase_ != Phase::closed; }
  // It has told all that it can, and waits for the verdict.
  bool is_waiting() const { return phase_ == Phase::waiting; }
  // For so long that nobody will judge it.
  bool is_leaderless(TimePoint now) const { return is_open() && now >= led_at_ + options_.scrub_timeout; }
  // Of the scrub that is open.
  const Position& point() const { return point_; }
  // What it has found so far.
  const ScrubCheck& check() const { return check_; }

 private:
  enum class Phase { closed, opening, walking, keeping, waiting, serving };

  void read_next(TimePoint now, const RunTask& run);

  CoreOptions options_;
  Pace pace_;
  Phase phase_ = Phase::closed;
  Position point_;
  uint64_t step_ = 0;
  ScrubCheck check_;
  bool is_reading_ = false;
  TimePoint led_at_;   // somebody has led, last
  MemberId told_;      // the leader that was told last
  TimePoint tell_at_;  // again
  TimePoint serve_until_;
};

}  // namespace synod
