// The clock and the timers of AsioLoop, on CLOCK_BOOTTIME. Asio's own timers stand on CLOCK_MONOTONIC, which stops
// while the machine is suspended. Private to src/msg.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "msg/transport.h"

namespace synod {

class BootTimers {
 public:
  explicit BootTimers(boost::asio::io_context& context);

  static TimePoint now();
  TimerId call_at(TimePoint when, std::function<void()> task);
  void cancel(TimerId timer);

 private:
  void wait();
  void fire();
  // Sets the descriptor to the earliest timer.
  void arm();

  using Key = std::pair<TimePoint, TimerId>;
  boost::asio::posix::stream_descriptor descriptor_;
  std::map<Key, std::function<void()>> tasks_;
  std::unordered_map<TimerId, TimePoint> times_;
  TimerId last_id_ = 0;
  TimePoint armed_{};  // zero: not armed
  bool is_firing_ = false;
};

}  // namespace synod
