// The first formation of a cluster: unanimous, in two phases (design: "Who counts", rule 8). The first name in the list
// proposes cluster id and member ids; every member durably prepares; when all have, each records "formed". A prepared
// member may be prepared again, and becomes formed when it hears of the formed cluster. A directory that is new or was
// lost follows the cluster that has its name under another member id, as a learner. Pure; used by one thread.
//
// Invariant I-7: a member never helps to form a cluster once it has heard that one exists.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "mon/core/identity.h"
#include "mon/core/monmap.h"
#include "mon/core/options.h"
#include "mon/core/output.h"
#include "mon/core/peers.h"

namespace synod {

class Formation {
 public:
  Formation(const CoreOptions& options, Random& random, std::vector<InitialMember> members, bool may_form_alone,
            TimePoint now);

  // Each may change `identity` (then it is to be made durable with `out`), and returns the monmap to form with, or to
  // follow, once.
  std::optional<Monmap> step(TimePoint now, MemberId from, const Message& message, Identity& identity, Output& out);
  // `connected`: the members that were found at the addresses of the list.
  std::optional<Monmap> tick(TimePoint now, const PeerTable& peers, const std::set<MemberId>& connected,
                             Identity& identity, Output& out);

  // The members to be told, after this one recorded "formed" as the proposer.
  void announce(const Monmap& monmap, MemberId self, Output& out) const;

  // A cluster exists, and this member id is not part of it.
  bool is_outsider() const { return outsider_of_.has_value(); }
  // One sentence: what it waits for.
  const std::string& waits_for() const { return waits_for_; }
  void check_invariants(const Identity& identity) const;

 private:
  std::optional<Monmap> on_probe(TimePoint now, const Probe& probe, const Identity& identity, Output& out);
  std::optional<Monmap> cluster_to_follow(TimePoint now, const PeerTable& peers, const std::set<MemberId>& connected,
                                          const Identity& identity) const;
  void on_prepare(MemberId from, const FormPrepare& prepare, Identity& identity, Output& out);
  bool matches_list(const Monmap& monmap, const Identity& identity) const;
  std::optional<Monmap> propose(TimePoint now, const PeerTable& peers, Identity& identity, Output& out);
  void prepare(const Monmap& monmap, Identity& identity, Output& out);

  CoreOptions options_;
  Random& random_;
  std::vector<InitialMember> members_;
  bool may_form_alone_;
  TimePoint may_propose_at_;
  TimePoint repeat_at_;
  std::optional<Monmap> proposed_;  // by this member, in this life
  std::set<MemberId> prepared_;
  std::optional<Fsid> outsider_of_;
  TimePoint may_follow_at_;
  std::string waits_for_;
};

}  // namespace synod
