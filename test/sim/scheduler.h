// Virtual time: a queue of events, run in order of time, one after the other. The same calls give the same order.
//
// Time here is *true* time; what a process reads is its own clock (process_clock.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/checksum.h"
#include "base/time.h"
#include "test/sim/random.h"

namespace synod::sim {

// A running hash of everything that happened: two runs with the same hash were the same run.
class TraceHash {
 public:
  void add(uint64_t number) {
    value_ ^= number;
    value_ *= 0xff51afd7ed558ccd;
    value_ ^= value_ >> 32;
  }
  void add(ByteView bytes) { add(checksum64(bytes)); }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0x53796e6f64;
};

class Scheduler {
 public:
  TimePoint now() const { return now_; }

  // Events of one time run in the order in which they were asked for.
  uint64_t call_at(TimePoint when, std::function<void()> event) {
    const uint64_t id = ++last_id_;
    queue_.emplace(std::pair(std::max(when, now_), id), std::move(event));
    return id;
  }
  uint64_t call_after(Duration delay, std::function<void()> event) { return call_at(now_ + delay, std::move(event)); }

  // Runs the events due up to `until`, or until stop().
  void run_until(TimePoint until) {
    is_stopped_ = false;
    while (!is_stopped_ && !queue_.empty() && queue_.begin()->first.first <= until) {
      auto node = queue_.extract(queue_.begin());
      now_ = node.key().first;
      ++events_;
      trace_.add(static_cast<uint64_t>(now_.time_since_epoch().count()));
      trace_.add(node.key().second);
      node.mapped()();
      if (after_event_) after_event_();
    }
    if (!is_stopped_) now_ = std::max(now_, until);
  }
  void stop() { is_stopped_ = true; }

  // Called after every event.
  void set_after_event(std::function<void()> hook) { after_event_ = std::move(hook); }
  uint64_t events() const { return events_; }
  TraceHash& trace() { return trace_; }

 private:
  TimePoint now_{std::chrono::hours(1)};
  uint64_t last_id_ = 0;
  uint64_t events_ = 0;
  bool is_stopped_ = false;
  std::map<std::pair<TimePoint, uint64_t>, std::function<void()>> queue_;
  std::function<void()> after_event_;
  TraceHash trace_;
};

}  // namespace synod::sim
