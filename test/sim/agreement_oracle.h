// The oracle of agreement: at most one value is chosen at a version, none is proposed beside another under one pn, no
// pn serves two lives of a member, and what anybody takes for committed was chosen, with the same history. It counts
// the durable acceptances itself.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/log_entry.h"
#include "msg/messages.h"
#include "test/sim/findings.h"

namespace synod::sim {

class AgreementOracle {
 public:
  // Told of each value when it is chosen.
  using OnChosen = std::function<void(Version version, const SharedBytes& value)>;
  AgreementOracle(Findings& findings, size_t majority, OnChosen on_chosen)
      : findings_(findings), majority_(majority), on_chosen_(std::move(on_chosen)) {}

  // Of a member that has a vote: it has durably accepted the entry.
  void on_accepted(const std::string& member, const LogEntry& entry);
  // A message enters the network.
  void on_sent(const std::string& from, const Source& source, const Message& message);
  // What a member takes for committed after a step. It never goes back, until the member's life ends.
  void on_committed(const std::string& member, const Position& position);
  void on_end(const std::string& member) { committed_.erase(member); }

  // That the position, which `who` takes for committed, was chosen.
  void check_chosen(const std::string& who, const Position& position);
  // Null if nothing was chosen there, or so long ago that it is not remembered.
  const ChainHash* chosen_at(Version version) const;
  Version last_chosen() const { return chosen_.empty() ? Version() : chosen_.rbegin()->first; }

 private:
  struct Chosen {
    ChainHash hash;
    ProposalNumber pn;  // under which it was first chosen
  };
  using Acceptance = std::pair<ProposalNumber, ChainHash>;

  void check_beside_earlier(const LogEntry& entry);
  void become_chosen(const LogEntry& entry);

  Findings& findings_;
  const size_t majority_;
  const OnChosen on_chosen_;
  std::map<Version, std::map<Acceptance, std::set<std::string>>> acceptances_;
  std::map<Version, Chosen> chosen_;
  std::map<std::pair<Version, ProposalNumber>, ChainHash> begun_;
  std::map<ProposalNumber, uint64_t> collected_in_;  // the start count of the life that did
  std::map<std::string, Position> committed_;        // as last seen
};

}  // namespace synod::sim
