#include "test/sim/lease_oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "test/sim/cluster.h"

namespace synod::sim {
namespace {
constexpr size_t requests_remembered = 32;
}

TimePoint LeaseOracle::now_at(const std::string& member) const { return cluster_.member(member).clock.now(); }

bool LeaseOracle::is_binding(const std::string& giver, const Grant& grant) const {
  const auto released = released_.find(grant.pn.member);
  if (released != released_.end() && grant.pn <= released->second) return false;
  return now_at(giver) < grant.until;
}

std::string LeaseOracle::on_sent(const std::string& from, const std::string& to, const Message& message) {
  if (const auto* lease = std::get_if<Lease>(&message)) {
    auto& asked = asked_[{from, to}];
    asked.push_back({lease->pn, lease->sequence, now_at(to)});
    if (asked.size() > requests_remembered) asked.pop_front();
  } else if (const auto* ack = std::get_if<LeaseAck>(&message)) {
    on_grant(from, to, *ack);
  } else if (const auto* hand_over = std::get_if<HandOver>(&message)) {
    ProposalNumber& released = released_[hand_over->pn.member];
    released = std::max(released, hand_over->pn);
  } else if (const auto* reply = std::get_if<ProposeReply>(&message)) {
    if (reply->granted) return check_vote(from, reply->pn, "a pre-vote");
  } else if (const auto* last = std::get_if<Last>(&message)) {
    return check_vote(from, last->pn, "a promise");
  }
  return {};
}

void LeaseOracle::on_grant(const std::string& giver, const std::string& leader, const LeaseAck& ack) {
  const std::deque<Asked>& asked = asked_[{leader, giver}];
  const auto it = std::find_if(asked.begin(), asked.end(), [&](const Asked& request) {
    return request.pn == ack.pn && request.sequence == ack.sequence;
  });
  if (it == asked.end()) return;
  const TimePoint until = it->at + cluster_.options().lease;
  Grant& grant = grants_[giver];
  if (grant.pn.member == ack.pn.member) {
    grant = {std::max(grant.pn, ack.pn), std::max(grant.until, until)};
  } else if (ack.pn > grant.pn) {
    grant = {ack.pn, until};
  }
}

// A promise leaves when it is durable: one to a lower pn was made before the grant.
std::string LeaseOracle::check_vote(const std::string& giver, const ProposalNumber& pn, const char* what) const {
  const auto it = grants_.find(giver);
  if (it == grants_.end()) return {};
  const Grant& grant = it->second;
  if (pn.member == grant.pn.member || pn < grant.pn || !is_binding(giver, grant)) return {};
  return fmt::format("{} sends {} under pn {} while its grant to the leader of pn {} lasts", giver, what, to_string(pn),
                     to_string(grant.pn));
}

std::string LeaseOracle::check_holders(size_t majority) const {
  std::string holders;
  size_t leases = 0;
  for (const std::string& name : cluster_.running()) {
    if (cluster_.monitor(name).state() != MemberState::leader || !cluster_.has_lease(name)) continue;
    ++leases;
    holders += " " + name;
    if (std::string wrong = check_covered(name, majority); !wrong.empty()) return wrong;
  }
  return leases > 1 ? "several members hold a lease:" + holders : "";
}

std::string LeaseOracle::check_covered(const std::string& leader, size_t majority) const {
  const MemberId id = cluster_.monitor(leader).id();
  size_t covering = 1;  // its own
  for (const auto& [giver, grant] : grants_) {
    if (giver != leader && grant.pn.member == id && is_binding(giver, grant)) ++covering;
  }
  if (covering >= majority) return {};
  return fmt::format("{} holds a lease that is covered by the grants of {} members only", leader, covering);
}

}  // namespace synod::sim
