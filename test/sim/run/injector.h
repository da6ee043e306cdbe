// Carries out the faults of a scenario, undoes each when its time is over, and brings back whoever stopped.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/sim/cluster.h"
#include "test/sim/run/scenario.h"
#include "test/sim/sync_points.h"

namespace synod::sim {

class Injector : public Observer {
 public:
  // `on_change` is told of everything that is done, in words.
  using OnChange = std::function<void(const std::string& what)>;
  Injector(Cluster& cluster, const Scenario& scenario, OnChange on_change);

  // The faults come at their times from now on.
  void start();
  // No further faults; what is going on is undone, but for these members, for whom it gets worse and stays so.
  void heal_all_but(const std::set<std::string>& doomed);
  void heal_all() { heal_all_but({}); }

  bool is_active() const { return !active_.empty(); }
  uint64_t performed() const { return performed_; }
  // The member whose store was changed behind its back, or nobody.
  const std::string& rotten() const { return rotten_; }
  // Those that have lost their directories, and the others, who have votes.
  const std::set<std::string>& wiped() const { return wiped_; }
  std::vector<std::string> voters() const;

  void on_end(const std::string& member, EndOfLife how) override;
  void on_disk(const std::string& member, const DiskEvent& event) override;
  void on_sync_event(const std::string& member, const SyncEvent& event) override;

 private:
  using Links = std::vector<std::pair<std::string, std::string>>;  // of addresses, directed

  void perform(const Fault& fault);
  void perform_on_process(const Fault& fault, const std::string& name, SeededRandom& random);
  void perform_on_links(const Fault& fault, const std::string& name, const std::string& other, SeededRandom& random);
  void perform_on_disk(const Fault& fault, const std::string& name, SeededRandom& random);
  void perform_of_operator(const Fault& fault, const std::string& name, const std::string& other);
  void perform_rot(const Fault& fault, const std::string& name);
  void break_sync(const ArmedSyncPoints::Hit& hit, SeededRandom& random);
  void power_off(const std::string& name, SeededRandom& random);
  Links links_of(const std::string& name) const;
  void undo(const Fault& fault, const std::function<void()>& how);
  Links partition(const Fault& fault, const std::string& name, const std::string& other, SeededRandom& random) const;
  void flap(const Fault& fault, Links links, Duration period, TimePoint until, bool is_cut);
  void cut(const Links& links);
  void heal(const Links& links);
  void doom(const std::string& name, SeededRandom& random);
  void start_later(const std::string& name, Duration delay);
  std::string resolve(uint64_t rank) const;
  const std::string& address(const std::string& name) const { return cluster_.member(name).address; }

  Cluster& cluster_;
  const Scenario& scenario_;
  OnChange on_change_;
  SeededRandom restarts_;
  std::set<size_t> active_;  // numbers of faults
  std::map<std::pair<std::string, std::string>, int> cuts_;
  std::map<std::string, int64_t> drifts_;
  std::set<std::string> dead_;  // stay down
  std::set<std::string> wiped_;
  // Power cuts that wait for a file whose path has `path` in it to be created: so many calls after that.
  struct Armed {
    std::string path;
    uint64_t calls = 0;
  };
  std::map<std::string, Armed> armed_;
  std::string rotten_;
  ArmedSyncPoints sync_points_;
  uint64_t performed_ = 0;
  uint64_t generation_ = 0;  // counts the calls of heal_all_but(): what was planned before them is void
};

}  // namespace synod::sim
