// The oracle of leases: what a grant forbids to its giver, and that no leader counts on a lease which the grants of a
// majority do not cover. It knows what the messages say and what the clocks of the members show, and nothing of how
// either side counts.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "base/time.h"
#include "msg/messages.h"

namespace synod::sim {

class Cluster;

class LeaseOracle {
 public:
  explicit LeaseOracle(const Cluster& cluster) : cluster_(cluster) {}

  // What is wrong about a message that enters the network now, or nothing.
  std::string on_sent(const std::string& from, const std::string& to, const Message& message);
  // What is wrong about those that take themselves for the holder of a lease, or nothing.
  std::string check_holders(size_t majority) const;

 private:
  // By the clock of its giver. It outlives the giver's process, which waits for one lease after its start.
  struct Grant {
    ProposalNumber pn;
    TimePoint until;
  };
  // A request for a grant: `at` is what the clock of the asked one showed when it left, so the grant lasts for a lease
  // from then at the least.
  struct Asked {
    ProposalNumber pn;
    uint64_t sequence = 0;
    TimePoint at;
  };

  void on_grant(const std::string& giver, const std::string& leader, const LeaseAck& ack);
  std::string check_covered(const std::string& leader, size_t majority) const;
  std::string check_vote(const std::string& giver, const ProposalNumber& pn, const char* what) const;
  bool is_binding(const std::string& giver, const Grant& grant) const;
  TimePoint now_at(const std::string& member) const;

  const Cluster& cluster_;
  std::map<std::pair<std::string, std::string>, std::deque<Asked>> asked_;  // leader, asked one; the latest few
  std::map<std::string, Grant> grants_;                                     // the latest, by giver
  std::map<MemberId, ProposalNumber> released_;                             // handed over: at or below, nothing binds
};

}  // namespace synod::sim
