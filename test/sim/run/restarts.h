// Starts again whoever has stopped, as an init system would, and switches on again whoever has lost its power inside a
// write. Who is dead stays down.
#pragma once

#include <set>
#include <string>

#include "test/sim/cluster.h"
#include "test/sim/random.h"
#include "test/sim/run/fault_course.h"

namespace synod::sim {

class Restarts {
 public:
  Restarts(Cluster& cluster, FaultCourse& course, uint64_t seed)
      : cluster_(cluster), course_(course), random_(seed, "restarts") {}

  void start_later(const std::string& name, Duration delay);
  // The member's process has ended by itself.
  void on_exited(const std::string& name);

  // For good, until revive_all().
  void kill_for_good(const std::string& name);
  void revive_all() { dead_.clear(); }
  // If its disk has stopped inside a write, the whole machine has.
  void cut_power_if_frozen(const std::string& name);
  // All that have stopped, and are not dead.
  void start_all();

 private:
  Cluster& cluster_;
  FaultCourse& course_;
  SeededRandom random_;
  std::set<std::string> dead_;
};

}  // namespace synod::sim
