// The course of the faults: which are under way, and what is planned of them. When all is healed, what was planned
// before is void.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "test/sim/run/scenario.h"
#include "test/sim/scheduler.h"

namespace synod::sim {

class FaultCourse {
 public:
  // `on_change` is told of everything that is done, in words.
  using OnChange = std::function<void(const std::string& what)>;
  FaultCourse(Scheduler& scheduler, OnChange on_change) : scheduler_(scheduler), on_change_(std::move(on_change)) {}

  // Unless all is healed before.
  void later(Duration delay, std::function<void()> what);
  void begin(const Fault& fault);
  // When the fault's time is over: until then it counts as under way.
  void undo_later(const Fault& fault, std::function<void()> how);
  // If there is nothing to undo.
  void end_later(const Fault& fault) {
    undo_later(fault, [] {});
  }
  void end(size_t fault) { under_way_.erase(fault); }
  // Ends all of them, and none of what is planned is done.
  void void_all();
  void note(const std::string& what) { on_change_(what); }

  bool is_active() const { return !under_way_.empty(); }
  uint64_t begun() const { return begun_; }

 private:
  Scheduler& scheduler_;
  const OnChange on_change_;
  std::set<size_t> under_way_;  // numbers of faults
  uint64_t begun_ = 0;
  uint64_t generation_ = 0;  // counts the calls of void_all()
};

}  // namespace synod::sim
