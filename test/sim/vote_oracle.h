// The oracle of who counts: a member id that the cluster was not formed with sends nothing that could be counted, and
// nothing for which others could rely on it. It goes by the ids in the frames, and by the first member list.
#pragma once

#include <set>
#include <string>

#include "mon/core/monmap.h"
#include "msg/messages.h"

namespace synod::sim {

class VoteOracle {
 public:
  // A member has formed a cluster, or follows one. The first time tells whose votes count.
  void on_formed(const Monmap& monmap);
  bool has_vote(MemberId id) const { return voters_.empty() || voters_.count(id) > 0; }
  // What is wrong about a message that enters the network, or nothing.
  std::string on_sent(const std::string& from, const Source& source, const Message& message) const;

 private:
  std::set<MemberId> voters_;
};

}  // namespace synod::sim
