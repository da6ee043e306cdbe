// Clients of a run: a few of them write and read a few hot keys, through whatever member they fancy, and note what they
// asked and were told.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "test/sim/check/execution_ledger.h"
#include "test/sim/check/history.h"
#include "test/sim/cluster.h"
#include "test/sim/run/scenario.h"

namespace synod::sim {

class Workload {
 public:
  Workload(Cluster& cluster, const Scenario& scenario);
  ~Workload();

  void start();
  // No further requests; those that run go on.
  void stop() { is_stopped_ = true; }
  bool is_idle() const { return running_ == 0; }
  // Only these are asked from now on.
  void use_members(std::vector<std::string> names) { members_ = std::move(names); }
  // While faults are active, successes count for more.
  void set_faults_active(bool active) { are_faults_active_ = active; }
  uint64_t requests() const { return requests_; }
  uint64_t successes_during_faults() const { return successes_during_faults_; }
  // One write through each of these members. REQUIRES: idle; no more names than clients.
  void write_through(const std::vector<std::string>& names);
  // Of the answers since the last write_through().
  uint64_t refusals() const { return refusals_; }
  // One read of every key by every client, which is part of the history.
  void read_everything();
  // Is the history linearizable, was every request executed at most once? Empty, or the first violation.
  std::string verify() const;

 private:
  class Client;
  friend class Client;
  bool is_behind() const;

  Cluster& cluster_;
  const Scenario& scenario_;
  std::vector<std::string> members_;
  History history_;
  ExecutionLedger ledger_;
  std::vector<std::unique_ptr<Client>> clients_;
  TimePoint started_;
  bool is_stopped_ = false;
  bool are_faults_active_ = false;
  size_t running_ = 0;
  uint64_t requests_ = 0;
  uint64_t refusals_ = 0;
  uint64_t successes_during_faults_ = 0;
};

}  // namespace synod::sim
