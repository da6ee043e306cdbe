#include "mon/core/sync/throttle.h"

#include <algorithm>

namespace synod {
namespace {

constexpr Duration window = std::chrono::milliseconds(200);
constexpr Duration settling = std::chrono::seconds(2);
constexpr double new_share = 0.1;  // of a window, in what is usual
// Commits that take this much longer are no sign: so much they vary by themselves.
constexpr double usual_factor = 1.3;
constexpr double noise_ms = 0.5;

constexpr double rate_first = 4 << 20;  // where clients write
constexpr double rate_min = 512 << 10;
constexpr double rate_max = 1 << 30;  // from here on there is none
constexpr double slower = 0.7;
constexpr double faster = 1.1;
constexpr double unused = 2;  // where nobody writes

// Ticks that come late are made up for.
constexpr Duration late_ticks = std::chrono::milliseconds(100);

}  // namespace

void CommitTimes::add(Duration time) {
  sum_ms_ += std::chrono::duration<double, std::milli>(time).count();
  ++count_;
}

void CommitTimes::close(bool is_sending) {
  if (count_ > 0 && (!is_sending || !usual_ms_)) {
    usual_ms_ = usual_ms_ ? *usual_ms_ + new_share * (mean() - *usual_ms_) : mean();
  }
  sum_ms_ = 0;
  count_ = 0;
}

bool CommitTimes::are_long(double factor) const { return usual_ms_ && mean() > factor * *usual_ms_ + noise_ms; }

void SyncThrottle::on_cluster_commits(Duration mean) {
  if (mean > Duration(0)) cluster_.add(mean);
}

void SyncThrottle::tick(TimePoint now, bool is_sending, double urgency) {
  if (now < window_end_) return;
  window_end_ = now + window;
  if (is_sending) {
    adapt(urgency);
    sent_until_ = now + settling;
  } else {
    is_limited_ = own_.has_samples() || cluster_.has_samples();
    rate_ = rate_first;
  }
  const bool is_disturbed = now < sent_until_;
  own_.close(is_disturbed);
  cluster_.close(is_disturbed);
}

void SyncThrottle::adapt(double urgency) {
  if (!is_limited_ && !own_.has_samples() && !cluster_.has_samples()) return;
  const double factor = usual_factor + 8 * urgency;
  const bool is_long =
      (own_.has_samples() && own_.are_long(factor)) || (cluster_.has_samples() && cluster_.are_long(factor));
  if (!is_limited_) rate_ = rate_max;
  if (urgency >= 0.5) {
    rate_ *= unused;
  } else if (is_long) {
    rate_ = std::max(rate_ * slower, rate_min);
  } else {
    rate_ *= own_.has_samples() || cluster_.has_samples() ? faster : unused;
  }
  is_limited_ = rate_ < rate_max;
}

uint64_t Pace::rate() const {
  const uint64_t unnoticed = throttle_.rate();
  if (cap_ == 0 || unnoticed == 0) return std::max(cap_, unnoticed);
  return std::min(cap_, unnoticed);
}

size_t Pace::piece_bytes(size_t bytes_max) const {
  return rate() == 0 ? bytes_max : std::min<size_t>(bytes_max, std::max<size_t>(rate() / 8, 1));
}

void Pace::spend(TimePoint now, size_t bytes) {
  if (rate() == 0) return;
  const Duration cost = std::chrono::nanoseconds(bytes * 1'000'000'000 / rate());
  next_ = std::max(next_, now - late_ticks) + cost;
}

}  // namespace synod
