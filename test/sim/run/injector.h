// Carries out the faults of a scenario, undoes each when its time is over, and brings back whoever stopped. Links,
// processes and syncs have each their own class; disks, clocks and what operators ask for are done here.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "test/sim/cluster.h"
#include "test/sim/run/fault_course.h"
#include "test/sim/run/link_faults.h"
#include "test/sim/run/process_faults.h"
#include "test/sim/run/restarts.h"
#include "test/sim/run/scenario.h"
#include "test/sim/run/sync_breaker.h"

namespace synod::sim {

class Injector : public Observer {
 public:
  Injector(Cluster& cluster, const Scenario& scenario, FaultCourse::OnChange on_change);

  // The faults come at their times from now on.
  void start();
  // No further faults; what is going on is undone, but for these members, for whom it gets worse and stays so.
  void heal_all_but(const std::set<std::string>& doomed);
  void heal_all() { heal_all_but({}); }

  bool is_active() const { return course_.is_active(); }
  uint64_t performed() const { return course_.begun(); }
  // The member whose store was changed behind its back, or nobody.
  const std::string& rotten() const { return rotten_; }
  // Those that have lost their directories, and the others, who have votes.
  const std::set<std::string>& wiped() const { return wiped_; }
  std::vector<std::string> voters() const;

  void on_end(const std::string& member, EndOfLife how) override;
  void on_disk(const std::string& member, const DiskEvent& event) override { processes_.on_disk(member, event); }
  void on_sync_event(const std::string& member, const SyncEvent& event) override {
    syncs_.on_sync_event(member, event);
  }

 private:
  void perform(const Fault& fault);
  void perform_on_disk(const Fault& fault, const std::string& name, SeededRandom& random);
  void perform_hang(const Fault& fault, const std::string& name);
  void perform_rot(const Fault& fault, const std::string& name);
  void perform_wipe(const Fault& fault, const std::string& name);
  void perform_drift(const Fault& fault, const std::string& name, SeededRandom& random);
  void perform_of_operator(const Fault& fault, const std::string& name, const std::string& other);
  void heal_member(const std::string& name);
  void doom(const std::string& name, SeededRandom& random);
  std::string resolve(uint64_t rank) const;

  Cluster& cluster_;
  const Scenario& scenario_;
  FaultCourse course_;
  Restarts restarts_;
  LinkFaults links_;
  ProcessFaults processes_;
  SyncBreaker syncs_;
  std::map<std::string, int64_t> drifts_;
  std::set<std::string> wiped_;
  std::string rotten_;
};

}  // namespace synod::sim
