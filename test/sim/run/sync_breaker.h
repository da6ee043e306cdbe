// Breaks syncs off at the points that are armed.
#pragma once

#include <string>

#include "test/sim/cluster.h"
#include "test/sim/random.h"
#include "test/sim/run/fault_course.h"
#include "test/sim/run/link_faults.h"
#include "test/sim/run/restarts.h"
#include "test/sim/sync_points.h"

namespace synod::sim {

class SyncBreaker {
 public:
  SyncBreaker(Cluster& cluster, FaultCourse& course, Restarts& restarts, LinkFaults& links, uint64_t seed)
      : cluster_(cluster), course_(course), restarts_(restarts), links_(links), seed_(seed) {}

  // A FaultType::sync_point. It waits for its event until the fault's time is over.
  void perform(const Fault& fault);
  // From within a step of the member.
  void on_sync_event(const std::string& member, const SyncEvent& event);
  void disarm() { points_.clear(); }

 private:
  // Of a running member; empty: it is none.
  std::string name_of(const std::string& known_as) const;
  void break_sync(const std::string& victim, SyncBreak how, SeededRandom& random);
  void kill(const std::string& name, SeededRandom& random);
  void cut_power(const std::string& name, SeededRandom& random);

  Cluster& cluster_;
  FaultCourse& course_;
  Restarts& restarts_;
  LinkFaults& links_;
  const uint64_t seed_;
  ArmedSyncPoints points_;
};

}  // namespace synod::sim
