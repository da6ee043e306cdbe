// How leadership moves without an election: the leader lets what is in flight be committed, gives up its lease for ever
// under its pn, and tells a level peer, which collects at once. doc/protocol.md, "Hand-over", says why that is safe.
#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "mon/core/consensus/paxos.h"

namespace synod {

// ---------------------------------------------------------------------------------------------- at the leader

// The peer gets each value as it is proposed.
bool Paxos::is_following(const Leader& leader, MemberId peer) const {
  const auto progress = leader.peers.find(peer);
  return progress != leader.peers.end() && progress->second.sent.has_value();
}

bool Paxos::is_handing_over() const {
  const auto* leader = std::get_if<Leader>(&role_);
  return leader != nullptr && leader->handing_over.has_value();
}

Status Paxos::hand_over_to(TimePoint now, const std::string& name, Effects& out) {
  auto* leader = std::get_if<Leader>(&role_);
  SYNOD_ASSERT(leader != nullptr && !leader->is_collecting, "only a leader hands over");
  const Member* member = monmap_.find_name(name);
  if (member == nullptr) return {Code::invalid_argument, fmt::format("no member has the name '{}'", name)};
  if (!monmap_.is_voter(member->id)) return {Code::refused, fmt::format("{} has no vote", name)};
  if (member->id == self_) return {Code::refused, fmt::format("{} leads already", name)};
  if (leader->handing_over) return {Code::exhausted, "leadership is being handed over already"};
  if (leader->lease.granted(now).count(member->id) == 0) {
    return {Code::refused, fmt::format("{} is not reachable from the leader", name)};
  }
  begin_hand_over(now, *leader, member->id, out);
  return Status::ok();
}

void Paxos::hand_over_to_best(TimePoint now, Effects& out) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || leader->is_collecting || leader->handing_over || now < leader->hand_over_again_at) return;
  MemberId best;
  for (const MemberId member : leader->lease.granted(now)) {
    if (member == self_ || !monmap_.is_voter(member) || !is_following(*leader, member)) continue;
    if (!best || leader->peers[member].at.version > leader->peers[best].at.version) best = member;
  }
  if (best) begin_hand_over(now, *leader, best, out);
}

void Paxos::begin_hand_over(TimePoint now, Leader& leader, MemberId target, Effects& out) {
  SYNOD_ASSERT(target != self_ && monmap_.is_voter(target), "I-1: leadership is handed to another voter");
  leader.handing_over = HandingOver{target, now + options_.lease};
  out.trace(LogLevel::info, fmt::format("is to hand over to {}", monmap_.find(target)->name));
}

void Paxos::proceed_with_hand_over(TimePoint now, Effects& out) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || !leader->handing_over) return;
  const auto [target, deadline] = *leader->handing_over;
  const std::string& name = monmap_.find(target)->name;
  if (now >= deadline) {
    out.trace(LogLevel::warning, fmt::format("goes on: {} was not level in time", name));
    leader->handing_over.reset();
    leader->hand_over_again_at = now + options_.lease;
    return;
  }
  const Progress& progress = leader->peers[target];
  if (!leader->in_flight.empty() || !progress.sent || progress.at != leader->last_proposed) return;
  SYNOD_ASSERT(log_.committed() == leader->last_proposed,
               "I-6: with nothing in flight, all that was proposed is chosen");
  if (SYNOD_MUTANT("hand-over-keeps-lease")) return out.send(target, HandOver{leader->pn});
  // In this order: from here on no grant under this pn is counted any more, whatever becomes of the message.
  relinquished_ = leader->pn;
  out.send(target, HandOver{relinquished_});
  become_idle(now, fmt::format("has handed over to {}", name), out);
  std::get<Idle>(role_).elect_at += options_.lease;
  grant_.release(relinquished_);
}

// ---------------------------------------------------------------------------------------------- at the target

void Paxos::on_hand_over(TimePoint now, MemberId from, const HandOver& hand_over, Effects& out) {
  // Only the leader of a pn can release what was granted to it.
  if (hand_over.pn.member != from || from == self_) return;
  grant_.release(hand_over.pn);
  const auto* peon = std::get_if<Peon>(&role_);
  if (peon == nullptr || peon->pn != hand_over.pn) return;
  if (disk_hangs() || grant_.forbids(next_pn(), now)) return;  // an ordinary election follows
  become_collecting(now, next_pn(), hand_over.pn, out);
}

}  // namespace synod
