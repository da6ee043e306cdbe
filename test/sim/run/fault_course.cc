#include "test/sim/run/fault_course.h"

#include <fmt/format.h>

namespace synod::sim {

void FaultCourse::later(Duration delay, std::function<void()> what) {
  scheduler_.call_after(delay, [this, what = std::move(what), generation = generation_] {
    if (generation == generation_) what();
  });
}

void FaultCourse::begin(const Fault& fault) {
  ++begun_;
  under_way_.insert(fault.number);
}

void FaultCourse::undo_later(const Fault& fault, std::function<void()> how) {
  later(fault.length, [this, how = std::move(how), number = fault.number] {
    end(number);
    how();
    note(fmt::format("end of fault {}", number));
  });
}

void FaultCourse::void_all() {
  ++generation_;
  under_way_.clear();
}

}  // namespace synod::sim
