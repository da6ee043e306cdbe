// The two sides of a lease. A grant forbids its giver, for its length from receipt, to promise or pre-vote for another
// member; the leader counts the same grant from the moment at which it asked, less the stated drift, so it always ends
// earlier at the leader than at the giver. Pure; used by one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/ids.h"
#include "base/mutant.h"
#include "base/time.h"
#include "mon/core/monmap.h"

namespace synod {

// The giver's side.
class Grant {
 public:
  // A member that starts does not know what it granted before: until `quiet_until` it may go on only under the pn that
  // it promised last.
  Grant(ProposalNumber promised_at_start, TimePoint quiet_until)
      : promised_at_start_(promised_at_start), quiet_until_(quiet_until) {}

  bool forbids(const ProposalNumber& pn, TimePoint now) const {
    if (SYNOD_MUTANT("grant-does-not-forbid")) return now < quiet_until_ && pn != promised_at_start_;
    return (now < quiet_until_ && pn != promised_at_start_) || (now < until_ && pn.member != pn_.member);
  }
  // REQUIRES: !forbids(pn, now), and `pn` is the one promised last.
  void give(const ProposalNumber& pn, TimePoint until) {
    SYNOD_ASSERT(pn >= pn_, "I-14: a grant goes to the pn promised last, and promises never go down");
    SYNOD_ASSERT(pn != pn_ || until >= until_, "a renewal never shortens a grant");
    pn_ = pn;
    until_ = until;
  }
  // The leader of `pn` has given up its lease, and takes none under it or below it again: what was granted to it
  // protects nothing any more. The quiet period goes on.
  void release(const ProposalNumber& pn) {
    if (pn_.member == pn.member && pn_ <= pn) until_ = TimePoint();
  }
  const ProposalNumber& pn() const { return pn_; }

 private:
  ProposalNumber promised_at_start_;
  TimePoint quiet_until_;
  ProposalNumber pn_;
  TimePoint until_;
};

// The leader's side, under one leadership.
class LeaderLease {
 public:
  // A request for grants leaves now; answers name `sequence`.
  uint64_t ask(TimePoint now);
  // `length` is the lease less the drift. Answers to forgotten requests are ignored.
  void on_granted(MemberId by, uint64_t sequence, Duration length);
  std::set<MemberId> granted(TimePoint now) const;
  // A majority of the voters has granted it.
  bool is_valid(TimePoint now, const Monmap& monmap) const;
  void check_invariants(TimePoint now, Duration length) const;

 private:
  uint64_t sequence_ = 0;
  std::deque<std::pair<uint64_t, TimePoint>> asked_;  // the latest few requests
  std::map<MemberId, TimePoint> until_;
};

}  // namespace synod
