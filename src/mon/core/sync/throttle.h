// How fast a provider may send, so that clients notice little of a sync: it backs off while commits take longer than
// they took before, and is quick where nobody writes. Additive increase, multiplicative decrease (Chiu and Jain, 1989),
// with the time that commits take as the sign of congestion. Pure; used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace synod {

// How long commits of one kind take: while nothing is sent, and now.
class CommitTimes {
 public:
  void add(Duration time);
  // Ends a window; those in which nothing is sent make up what is usual.
  void close(bool is_sending);
  bool has_samples() const { return count_ > 0; }
  // REQUIRES: has_samples(). Whether those of the window took longer than `factor` times what is usual.
  bool are_long(double factor) const;

 private:
  double mean() const { return sum_ms_ / static_cast<double>(count_); }

  double sum_ms_ = 0;  // of the window
  uint64_t count_ = 0;
  std::optional<double> usual_ms_;
};

class SyncThrottle {
 public:
  // What is known of the time that commits take: of a durable write of this member's own, and the mean of what the
  // leader's values took to be chosen, as it told last (zero: there were none).
  void on_own_commit(Duration time) { own_.add(time); }
  void on_cluster_commits(Duration mean);
  // `is_sending`: a session has something to send. `urgency`: 0 to 1, the share of its bound that the hold has used up:
  // the more, the less is made of long commits, and from a half on nothing.
  void tick(TimePoint now, bool is_sending, double urgency);

  // Bytes per second; 0: no limit.
  uint64_t rate() const { return is_limited_ ? static_cast<uint64_t>(rate_) : 0; }

 private:
  void adapt(double urgency);

  CommitTimes own_;
  CommitTimes cluster_;
  TimePoint window_end_;
  TimePoint sent_until_;  // some time after the last session: what it has disturbed is not usual
  bool is_limited_ = false;
  double rate_ = 0;
};

// When the next piece of what is read for other members may follow: by a cap, and by what clients notice.
class Pace {
 public:
  // `cap`: bytes per second; 0: none.
  explicit Pace(uint64_t cap) : cap_(cap) {}

  // As SyncThrottle has them.
  void on_own_commit(Duration time) { throttle_.on_own_commit(time); }
  void on_cluster_commits(Duration mean) { throttle_.on_cluster_commits(mean); }
  void tick(TimePoint now, bool is_busy, double urgency) { throttle_.tick(now, is_busy, urgency); }

  // Bytes per second; 0: no limit.
  uint64_t rate() const;
  bool is_due(TimePoint now) const { return now >= next_; }
  // Where the rate is low, pieces are small: what an eighth of a second allows, if that is less than `bytes_max`.
  size_t piece_bytes(size_t bytes_max) const;
  // What comes now is neither charged for what was before, nor has saved anything since.
  void restart(TimePoint now) { next_ = now; }
  // A piece was sent, or read.
  void spend(TimePoint now, size_t bytes);

 private:
  uint64_t cap_;
  SyncThrottle throttle_;
  TimePoint next_;
};

}  // namespace synod
