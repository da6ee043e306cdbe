// Partitions and bad links. A link that several faults cut is healed when the last of them is over.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "test/sim/cluster.h"
#include "test/sim/random.h"
#include "test/sim/run/fault_course.h"

namespace synod::sim {

class LinkFaults {
 public:
  // `usual`: what the network is when it is not lossy.
  LinkFaults(Cluster& cluster, FaultCourse& course, const NetworkOptions& usual)
      : cluster_(cluster), course_(course), usual_(usual) {}

  // One of FaultClass::partitions or FaultClass::links, of this member, or of the link between both.
  void perform(const Fault& fault, const std::string& name, const std::string& other, SeededRandom& random);
  // From all others.
  void cut_off(const std::string& name, Duration length);

  // Both for good, until heal_all(). `how` is one of FaultClass::partitions.
  void partition_for_good(FaultType how, const std::string& name, SeededRandom& random);
  void flap_for_good(const std::string& name, Duration period);
  void heal_all();

 private:
  using Links = std::vector<std::pair<std::string, std::string>>;  // of addresses, directed

  void perform_partition(const Fault& fault, const std::string& name, const std::string& other, SeededRandom& random);
  void perform_lossy(const Fault& fault, SeededRandom& random);
  Links partition(FaultType how, const std::string& name, const std::string& other, SeededRandom& random) const;
  void flap(size_t fault, Links links, Duration period, TimePoint until, bool is_cut);
  Links links_of(const std::string& name) const;
  void cut(const Links& links);
  void heal(const Links& links);
  const std::string& address(const std::string& name) const { return cluster_.member(name).address; }

  Cluster& cluster_;
  FaultCourse& course_;
  const NetworkOptions& usual_;
  std::map<std::pair<std::string, std::string>, int> cuts_;
};

}  // namespace synod::sim
