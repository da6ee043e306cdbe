// The oracle of durability: what a member has promised and accepted it never forgets, over all its lives; nothing is
// told before it is durable, and no promise below one that was told before. It keeps a ledger of what each member holds
// durably, as its completed writes say, and tells the oracle of agreement of every acceptance.
#pragma once

#include <map>
#include <string>

#include "mon/core/monitor.h"
#include "mon/daemon/storage.h"
#include "msg/messages.h"
#include "test/sim/agreement_oracle.h"
#include "test/sim/findings.h"

namespace synod::sim {

class DurabilityOracle {
 public:
  DurabilityOracle(Findings& findings, AgreementOracle& agreement) : findings_(findings), agreement_(agreement) {}

  // `has_vote`: whether this life's acceptances count.
  void on_start(const std::string& member, const MonitorStart& start, bool has_vote);
  // The member's identity is durable.
  void on_identity(const std::string& member, ByteView identity);
  // A write to the member's store is durable.
  void on_durable(const std::string& member, const StoreWrite& write);
  // The member's log is another one: of a copied store, or of a cluster that was formed.
  void on_new_log(const std::string& member, const LogState& log);
  // A message enters the network.
  void on_sent(const std::string& from, const Message& message);
  void forget(const std::string& member) { members_.erase(member); }

  // That a directory, `start` being what was read from it, holds all that this member must not forget.
  void check_durable(const std::string& member, const MonitorStart& start);
  // Whether the member has durably accepted something that it has not applied.
  bool has_accepted(const std::string& member) const;

 private:
  struct Acceptance {
    ProposalNumber pn;
    ChainHash hash;
    friend auto operator<=>(const Acceptance&, const Acceptance&) = default;
  };
  struct Held {
    ProposalNumber promised;
    Position applied;
    std::map<Version, Acceptance> accepted;  // above applied
    ProposalNumber told;                     // the highest pn of a promise, acceptance or grant that it sent
    bool has_vote = true;

    ProposalNumber promise() const;
  };

  void on_put(const std::string& member, const LogEntry& entry);
  void check_accepted(const std::string& member, const Held& held, const LogState& log);
  void check_kept(const std::string& member, const Held& held, const LogState& log);
  void check_acceptance_told(const std::string& from, Held& held, const Accept& accept);
  void check_report(const std::string& from, const Held& held, const Last& last);
  void check_promise_told(const std::string& from, Held& held, const ProposalNumber& pn, const char* what);
  bool is_chosen(Version version, const ChainHash& hash) const;

  Findings& findings_;
  AgreementOracle& agreement_;
  std::map<std::string, Held> members_;
};

}  // namespace synod::sim
