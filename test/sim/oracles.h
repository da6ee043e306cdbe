// The oracles of consensus: they look at every frame that is sent, every write that is completed, every start and every
// step, and keep ledgers of their own. They know the protocol's rules, not its implementation. Each knows one subject;
// this tells all of them what happens. doc/testing.md lists them.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "test/sim/agreement_oracle.h"
#include "test/sim/check/sync/sync_order.h"
#include "test/sim/durability_oracle.h"
#include "test/sim/findings.h"
#include "test/sim/lease_oracle.h"
#include "test/sim/observer.h"
#include "test/sim/rare_situations.h"
#include "test/sim/scrub_oracle.h"
#include "test/sim/sync_oracle.h"
#include "test/sim/trim_oracle.h"
#include "test/sim/vote_oracle.h"

namespace synod::sim {

class Cluster;

class Oracles : public Observer {
 public:
  Oracles(const Cluster& cluster, size_t size);

  void on_start(const std::string& member, const MonitorStart& start) override;
  void on_end(const std::string& member, EndOfLife how) override;
  void on_written(const std::string& member, const WriteJob& job, const Status& status) override;
  void on_ran(const std::string& member, const Task& task, const Result<TaskResult>& result) override;
  void on_sync_event(const std::string& member, const SyncEvent& event) override;
  void on_disk(const std::string& member, const DiskEvent& event) override;
  void on_sent(const std::string& from_host, const std::string& to_host, const Received& frame) override;
  void on_stepped(const std::string& member) override;

  // That a directory, `start` being what was read from it, holds all that this member must not forget.
  void check_durable(const std::string& member, const MonitorStart& start);

  // From now on a store may be changed behind its member's back: what is read twice need not be the same any more.
  void expect_rot() { scrubs_.expect_rot(); }
  bool is_refuted(const std::string& member) const { return scrubs_.is_refuted(member); }
  // A wiped member is another member. What it had granted binds on: whoever bears its name does not vote.
  void forget(const std::string& member);
  // Anybody may report what breaks a promise; the first one counts.
  void violated(const std::string& what) { findings_.violated(what); }
  const std::string& violation() const { return findings_.violation(); }
  using OnChosen = AgreementOracle::OnChosen;
  void set_on_chosen(OnChosen on_chosen) { on_chosen_ = std::move(on_chosen); }
  Version last_chosen() const { return agreement_.last_chosen(); }
  Counters& counters() { return findings_.counters(); }
  const Counters& counters() const { return findings_.counters(); }
  const SyncOrder& sync_order() const { return sync_order_; }

 private:
  void on_durable(const std::string& member, const StoreWrite& write);
  void on_new_log(const std::string& member, const LogState& log);
  bool has_vote(const std::string& member) const;
  std::string name_in_events(const std::string& member) const;
  void check_sync_order();
  void check_caps(const std::string& member);

  const Cluster& cluster_;
  const size_t majority_;
  OnChosen on_chosen_;
  Findings findings_;
  AgreementOracle agreement_;
  TrimOracle trims_;
  DurabilityOracle durability_;
  LeaseOracle leases_;
  ScrubOracle scrubs_;
  SyncOracle syncs_;
  VoteOracle votes_;
  SyncOrder sync_order_;
  RareSituations rare_;
  std::map<std::string, std::vector<StoreWrite>> unsynced_;  // by member: visible, not durable
};

}  // namespace synod::sim
