// Random numbers of the simulator. SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
// 2014): a stream of its own for each subsystem, so that one more draw in one of them does not change another.
#pragma once

#include <cmath>
#include <iterator>
#include <string_view>

#include "base/checksum.h"
#include "base/time.h"

namespace synod::sim {

class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  // The stream of this name under `seed`.
  SeededRandom(uint64_t seed, std::string_view stream) : state_(seed * 0x9e3779b97f4a7c15 ^ checksum64(stream)) {}

  uint64_t next() override {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t bound) { return next() % bound; }  // REQUIRES: bound > 0
  uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }
  bool chance(uint64_t percent) { return below(100) < percent; }
  bool chance_per_million(uint64_t rate) { return below(1'000'000) < rate; }
  Duration between(Duration low, Duration high) {
    return Duration(
        static_cast<int64_t>(between(static_cast<uint64_t>(low.count()), static_cast<uint64_t>(high.count()))));
  }
  // Exponentially distributed, at most twenty times the mean.
  Duration exponential(Duration mean) {
    const double unit = (static_cast<double>(next() >> 11) + 1.0) / 9007199254740993.0;
    const double times = std::fmin(-std::log(unit), 20.0);
    return Duration(static_cast<int64_t>(static_cast<double>(mean.count()) * times));
  }
  template <class Container>
  const auto& pick(const Container& container) {
    return container[below(std::size(container))];
  }

 private:
  uint64_t state_;
};

}  // namespace synod::sim
