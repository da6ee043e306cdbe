// What one process perceives of the world: when it runs, and what its clock says.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "msg/transport.h"
#include "test/sim/scheduler.h"

namespace synod::sim {

// Everything that enters a process goes through its gate. A paused process (SIGSTOP, a machine that is suspended) takes
// nothing in; when it goes on, all that has come meanwhile comes at once.
class ProcessGate {
 public:
  // Runs `work` now, or when the pause is over.
  void enter(std::function<void()> work) {
    if (is_paused_) {
      waiting_.push_back(std::move(work));
      return;
    }
    was_entered_ = true;
    work();
  }
  void pause() { is_paused_ = true; }
  void resume() {
    is_paused_ = false;
    while (!waiting_.empty() && !is_paused_) {
      const std::function<void()> work = std::move(waiting_.front());
      waiting_.pop_front();
      was_entered_ = true;
      work();
    }
  }
  bool is_paused() const { return is_paused_; }
  // Something ran in the process since the last call.
  bool take_entered() { return std::exchange(was_entered_, false); }

 private:
  bool is_paused_ = false;
  bool was_entered_ = false;
  std::deque<std::function<void()>> waiting_;
};

// A machine's monotonic clock, which runs a little fast or slow, also while its processes are paused.
class MachineClock {
 public:
  explicit MachineClock(Scheduler& scheduler) : scheduler_(scheduler), true_(scheduler.now()), local_(true_) {}

  TimePoint now() const { return local_ + scaled(scheduler_.now() - true_, million + drift_ppm_, million); }
  // The true time at which the clock will show `local`; never before.
  TimePoint true_time(TimePoint local) const {
    if (local <= now()) return scheduler_.now();
    return true_ + scaled(local - local_, million, million + drift_ppm_) + Duration(1);
  }
  // Parts per million faster than true time. REQUIRES: above -1,000,000.
  void set_drift(int64_t ppm) {
    local_ = now();
    true_ = scheduler_.now();
    drift_ppm_ = ppm;
  }

 private:
  static constexpr int64_t million = 1'000'000;
  static Duration scaled(Duration duration, int64_t by, int64_t over) {
    return Duration(duration.count() / over * by + duration.count() % over * by / over);
  }

  Scheduler& scheduler_;
  TimePoint true_;
  TimePoint local_;
  int64_t drift_ppm_ = 0;
};

// Clock and timers of one process life: they end with it.
class ProcessClock : public Clock, public Timers {
 public:
  ProcessClock(Scheduler& scheduler, const MachineClock& machine, ProcessGate& gate)
      : scheduler_(scheduler), machine_(machine), gate_(gate) {}
  ~ProcessClock() override { active_->clear(); }

  TimePoint now() const override { return machine_.now(); }
  TimerId call_at(TimePoint when, std::function<void()> task) override {
    const TimerId timer = ++last_timer_;
    active_->insert(timer);
    arm(timer, when, std::make_shared<std::function<void()>>(std::move(task)));
    return timer;
  }
  void cancel(TimerId timer) override { active_->erase(timer); }

 private:
  void arm(TimerId timer, TimePoint when, std::shared_ptr<std::function<void()>> task) {
    scheduler_.call_at(machine_.true_time(when), [this, active = active_, timer, when, task = std::move(task)] {
      if (active->count(timer) == 0) return;
      if (machine_.now() < when) {  // the clock was slowed since
        arm(timer, when, task);
        return;
      }
      gate_.enter([active, timer, task] {
        if (active->erase(timer) > 0) (*task)();
      });
    });
  }

  Scheduler& scheduler_;
  const MachineClock& machine_;
  ProcessGate& gate_;
  TimerId last_timer_ = 0;
  std::shared_ptr<std::set<TimerId>> active_ = std::make_shared<std::set<TimerId>>();
};

struct SteadyParts {
  explicit SteadyParts(Scheduler& scheduler) : machine(scheduler) {}
  ProcessGate gate;
  MachineClock machine;
};
// Of something that never pauses, on a clock that shows true time.
class SteadyClock : private SteadyParts, public ProcessClock {
 public:
  explicit SteadyClock(Scheduler& scheduler) : SteadyParts(scheduler), ProcessClock(scheduler, machine, gate) {}
};

}  // namespace synod::sim
