// Virtual time: a queue of tasks, run in order of time, one after the other. The same calls give the same order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/time.h"
#include "msg/transport.h"

namespace synod::sim {

class Scheduler {
 public:
  TimePoint now() const { return now_; }
  uint64_t call_at(TimePoint when, std::function<void()> task) {
    const uint64_t id = ++last_id_;
    queue_.emplace(std::pair(std::max(when, now_), id), std::move(task));
    return id;
  }
  uint64_t call_after(Duration delay, std::function<void()> task) { return call_at(now_ + delay, std::move(task)); }

  // Runs the tasks due up to `until`.
  void run_until(TimePoint until) {
    while (!queue_.empty() && queue_.begin()->first.first <= until) {
      auto node = queue_.extract(queue_.begin());
      now_ = node.key().first;
      node.mapped()();
    }
    now_ = std::max(now_, until);
  }

 private:
  TimePoint now_{std::chrono::hours(1)};
  uint64_t last_id_ = 0;
  std::map<std::pair<TimePoint, uint64_t>, std::function<void()>> queue_;
};

// Clock and timers of one process life: they end with it.
class ProcessClock : public Clock, public Timers {
 public:
  explicit ProcessClock(Scheduler& scheduler) : scheduler_(scheduler) {}

  TimePoint now() const override { return scheduler_.now(); }
  TimerId call_at(TimePoint when, std::function<void()> task) override {
    const TimerId timer = ++last_timer_;
    active_->insert(timer);
    scheduler_.call_at(when, [active = active_, timer, task = std::move(task)] {
      if (active->erase(timer) > 0) task();
    });
    return timer;
  }
  void cancel(TimerId timer) override { active_->erase(timer); }
  ~ProcessClock() override { active_->clear(); }

 private:
  Scheduler& scheduler_;
  TimerId last_timer_ = 0;
  std::shared_ptr<std::set<TimerId>> active_ = std::make_shared<std::set<TimerId>>();
};

// SplitMix64: a stream of its own for each subsystem, so that one more draw in one does not change another.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t next() override {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t bound) { return next() % bound; }
  bool chance(uint64_t percent) { return below(100) < percent; }

 private:
  uint64_t state_;
};

}  // namespace synod::sim
