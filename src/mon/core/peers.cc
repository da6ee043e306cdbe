#include "mon/core/peers.h"

#include <algorithm>
#include <tuple>

#include "base/assert.h"

namespace synod {
namespace {
constexpr size_t peers_max = 64;  // strangers may call; only so many are remembered
}

void PeerTable::on_probe(TimePoint now, const Source& source, const Probe& probe) {
  std::erase_if(peers_, [&](const auto& item) {
    // A lost directory comes back under the same name with another id: the older voice is gone.
    const bool replaced = item.second.probe.name == probe.name && item.first != source.member;
    return replaced && now > item.second.heard + silence_max_;
  });
  if (peers_.size() >= peers_max && peers_.count(source.member) == 0) return;
  SYNOD_ASSERT(source.member, "a probe comes from a member");
  Peer& peer = peers_[source.member];
  SYNOD_ASSERT(peer.heard <= now, "time does not go back between two probes");
  peer = Peer{source.member, source, probe, now};
}

const Peer* PeerTable::find(MemberId id) const {
  const auto it = peers_.find(id);
  return it == peers_.end() ? nullptr : &it->second;
}

bool PeerTable::is_reachable(MemberId id, TimePoint now) const {
  const Peer* peer = find(id);
  return peer != nullptr && now <= peer->heard + silence_max_;
}

const Peer* PeerTable::find_reachable_name(const std::string& name, TimePoint now) const {
  const Peer* found = nullptr;
  for (const auto& [id, peer] : peers_) {
    if (peer.probe.name != name || !is_reachable(id, now)) continue;
    if (found == nullptr || peer.heard > found->heard) found = &peer;
  }
  return found;
}

std::vector<const Peer*> PeerTable::reachable(TimePoint now) const {
  std::vector<const Peer*> found;
  for (const auto& [id, peer] : peers_) {
    if (now <= peer.heard + silence_max_) found.push_back(&peer);
  }
  return found;
}

const Peer* best_provider(const std::vector<const Peer*>& candidates, Version committed, MemberId last_failed) {
  const Peer* best = nullptr;
  auto rank = [&](const Peer* peer) {
    return std::tuple(peer->id != last_failed, peer->probe.state != MemberState::leader, peer->probe.committed.version);
  };
  for (const Peer* peer : candidates) {
    const MemberState state = peer->probe.state;
    const bool can_serve = state == MemberState::leader || state == MemberState::peon ||
                           state == MemberState::probing || state == MemberState::electing;
    if (!can_serve || peer->probe.committed.version <= committed) continue;
    if (best == nullptr || rank(peer) > rank(best)) best = peer;
  }
  return best;
}

}  // namespace synod
