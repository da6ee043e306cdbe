// The oracles of consensus: they look at every frame that is sent, every write that is completed, every start and every
// step, and keep a ledger of their own of what each member has promised, accepted and told. They know the protocol's
// rules, not its implementation. doc/testing.md lists them.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/sim/check/sync/sync_order.h"
#include "test/sim/counters.h"
#include "test/sim/lease_oracle.h"
#include "test/sim/observer.h"
#include "test/sim/scrub_oracle.h"
#include "test/sim/vote_oracle.h"

namespace synod::sim {

class Cluster;

class Oracles : public Observer {
 public:
  explicit Oracles(const Cluster& cluster, size_t size)
      : cluster_(cluster), majority_(size / 2 + 1), lease_oracle_(cluster), scrub_oracle_(majority_) {}

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
  void expect_rot() { scrub_oracle_.expect_rot(); }
  bool is_refuted(const std::string& member) const { return scrub_oracle_.is_refuted(member); }
  // A wiped member is another member. What it had granted binds on: whoever bears its name does not vote.
  void forget(const std::string& member) {
    members_.erase(member);
    scrub_oracle_.forget(member);
  }
  // Anybody may report what breaks a promise; the first one counts.
  void violated(const std::string& what);
  const std::string& violation() const { return violation_; }
  // Told of each value when it is chosen.
  using OnChosen = std::function<void(Version version, const SharedBytes& value)>;
  void set_on_chosen(OnChosen on_chosen) { on_chosen_ = std::move(on_chosen); }
  Version last_chosen() const { return chosen_.empty() ? Version() : chosen_.rbegin()->first; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }
  const SyncOrder& sync_order() const { return sync_order_; }

 private:
  struct Acceptance {
    ProposalNumber pn;
    ChainHash hash;
    friend auto operator<=>(const Acceptance&, const Acceptance&) = default;
  };
  // What a member holds durably, as its completed writes say, and what it has told.
  // Of a store, in chunks.
  struct Copy {
    uint64_t written = 0;  // durably
    uint64_t acknowledged = 0;
    uint64_t begun = 0;  // when the session began
    bool is_verified = false;
  };
  struct Held {
    ProposalNumber promised;
    Position applied;
    Version began = Version(1);              // where its log began when it was made: below, it never had anything
    std::map<Version, Acceptance> accepted;  // above applied
    std::deque<WriteJob> unsynced;           // visible, not durable
    ProposalNumber told;                     // the highest pn of a promise, acceptance or grant that it sent
    bool has_vote = true;
    bool was_leader = false;
    bool was_syncing = false;
    bool is_marked = false;  // durably: it syncs
    Copy copy;
  };
  struct Chosen {
    ChainHash hash;
    ProposalNumber pn;  // under which it was first chosen
  };

  void take(const std::string& member, Held& held, const WriteJob& job);
  void accepted(const std::string& member, const LogEntry& entry);
  void check_copy(const std::string& member, const MonitorStart& start, const Copy& before);
  void check_log_change(Version version, const LogChange& change);
  // What is wrong, if anything is.
  void check(const std::string& wrong);
  void check_chosen(const std::string& who, const Position& position);
  void check_promise_told(const std::string& from, Held& held, const ProposalNumber& pn, const char* what);
  void check_sender(const std::string& from, Held& held, const Message& message);
  void check_leases();
  std::string name_in_events(const std::string& member) const;
  void check_sync_order();
  void check_caps(const std::string& member);
  // Of what is rare and not forbidden.
  void count_rare(const std::string& from, const std::string& to, const Message& message);
  static ProposalNumber promise_of(const Held& held);

  const Cluster& cluster_;
  size_t majority_;
  LeaseOracle lease_oracle_;
  ScrubOracle scrub_oracle_;
  VoteOracle vote_oracle_;
  SyncOrder sync_order_;
  std::map<std::string, Held> members_;
  std::map<Version, std::map<Acceptance, std::set<std::string>>> acceptances_;
  std::map<Version, Chosen> chosen_;
  Version trim_floor_ = Version(1);     // the highest one that was chosen
  std::map<MemberId, TrimHold> holds_;  // that were chosen, and not ended, by requester
  std::map<std::pair<Version, ProposalNumber>, ChainHash> begun_;
  std::map<ProposalNumber, uint64_t> collected_in_;               // the start count of the life that did
  std::map<std::string, Position> committed_;                     // as last seen
  std::map<std::pair<std::string, std::string>, Fetch> fetched_;  // the last fetch of one member from another
  std::map<std::pair<std::string, std::string>, std::pair<ProposalNumber, Version>> begun_to_;
  std::map<std::string, std::string> provider_of_;  // by requester
  std::string violation_;
  OnChosen on_chosen_;
  Counters counters_;
  bool two_leaders_ = false;
};

}  // namespace synod::sim
