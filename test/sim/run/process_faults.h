// Processes that are killed or paused, and machines that lose their power: at once, or inside a write to their disk.
#pragma once

#include <map>
#include <string>

#include "test/sim/cluster.h"
#include "test/sim/random.h"
#include "test/sim/run/fault_course.h"
#include "test/sim/run/restarts.h"

namespace synod::sim {

class ProcessFaults {
 public:
  ProcessFaults(Cluster& cluster, FaultCourse& course, Restarts& restarts)
      : cluster_(cluster), course_(course), restarts_(restarts) {}

  // One of FaultClass::processes.
  void perform(const Fault& fault, const std::string& name, SeededRandom& random);
  void on_disk(const std::string& member, const DiskEvent& event);
  // No power cut waits for a file any more.
  void disarm() { armed_.clear(); }

 private:
  // A power cut that waits for a file whose path has `path` in it to be created: so many calls after that.
  struct Armed {
    std::string path;
    uint64_t calls = 0;
  };

  void pause(const Fault& fault, const std::string& name);
  void cut_power_of_many(const Fault& fault, const std::string& name, SeededRandom& random);
  void cut_power_inside_a_write(const Fault& fault, const std::string& name, SeededRandom& random);

  Cluster& cluster_;
  FaultCourse& course_;
  Restarts& restarts_;
  std::map<std::string, Armed> armed_;  // by member
};

}  // namespace synod::sim
