// Time as the core sees it: points on a monotonic clock that also runs while the machine is suspended, handed in by the
// caller. Nothing in this project reads a clock except the implementations of `Clock`.
#pragma once

#include <chrono>
#include <cstdint>

namespace synod {

using Duration = std::chrono::nanoseconds;

// The tag of a clock without a `now`: only an injected `Clock` can read it.
struct MonotonicTimeline {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  static constexpr bool is_steady = true;
};
using TimePoint = std::chrono::time_point<MonotonicTimeline, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
};

// Source of random numbers for identities and for election delays. Not for cryptography.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;
};

constexpr int64_t to_milliseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

}  // namespace synod
