// Notices what is rare and not forbidden: how members lead, end, catch up and sync. What an oracle comes upon while it
// judges, that oracle counts itself.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "mon/daemon/storage.h"
#include "msg/messages.h"
#include "test/sim/counters.h"
#include "test/sim/disk/disk_faults.h"
#include "test/sim/durability_oracle.h"
#include "test/sim/observer.h"

namespace synod::sim {

class Cluster;

class RareSituations {
 public:
  RareSituations(const Cluster& cluster, const DurabilityOracle& durability, Counters& counters)
      : cluster_(cluster), durability_(durability), counters_(counters) {}

  // `has_unsynced`: writes that are visible, and not durable.
  void on_end(const std::string& member, EndOfLife how, bool has_unsynced);
  void on_disk(const std::string& member, const DiskEvent& event);
  void on_ran(const Task& task, const TaskResult& result, bool has_vote);
  // `to` is empty if it is no member.
  void on_sent(const std::string& from, const std::string& to, const Message& message);
  void on_stepped(const std::string& member);

 private:
  void count_leaders();

  const Cluster& cluster_;
  const DurabilityOracle& durability_;
  Counters& counters_;
  std::set<std::string> leading_;  // after their last step
  std::set<std::string> syncing_;
  bool two_leaders_ = false;
  std::map<std::pair<std::string, std::string>, Fetch> fetched_;  // the last fetch of one member from another
  std::map<std::pair<std::string, std::string>, std::pair<ProposalNumber, Version>> begun_to_;
  std::map<std::string, std::string> provider_of_;  // by requester
};

}  // namespace synod::sim
