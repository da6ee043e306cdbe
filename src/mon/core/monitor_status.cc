// What a monitor says of itself and of the others.
#include <fmt/format.h>

#include <algorithm>

#include "mon/core/monitor.h"

namespace synod {

MemberState Monitor::state() const {
  if (identity_.formation != FormationState::formed || is_forming_store_) {
    return formation_.is_outsider() ? MemberState::outsider : MemberState::forming;
  }
  if (!is_member() && !is_learner()) return MemberState::outsider;
  if (learner_) return MemberState::learner;
  if (is_marked_ || !paxos_) return MemberState::syncing;
  if (paxos_->is_leader()) return MemberState::leader;
  if (paxos_->is_peon()) return MemberState::peon;
  return paxos_->is_electing() ? MemberState::electing : MemberState::probing;
}

std::string Monitor::trace_prefix() const {
  return fmt::format("mon.{}@{}(e{} c {}..{})", identity_.name, to_string(state()), epoch(), last_first_.value(),
                     last_committed_.version.value());
}

std::string Monitor::waits_for_copy() const {
  std::string text = "must copy a peer's store, and no provider answers";
  if (requester_) {
    const SyncProgress& progress = requester_->progress();
    text = fmt::format("copies the store of {}: {} chunks, {} keys", progress.provider, progress.chunks, progress.keys);
  } else if (copy_) {
    text += fmt::format("; {} chunks, {} keys are there", copy_->chunks, copy_->keys);
  }
  if (copies_made_ > 0) text += "; it was overtaken: " + overtaken();
  if (!copy_given_up_.empty()) text += "; it began from the start again: " + copy_given_up_;
  return is_learner() ? text + "; it has no vote, since its member id is new" : text;
}

std::string Monitor::waits_for(TimePoint now) const {
  switch (state()) {
    case MemberState::forming:
    case MemberState::outsider: return formation_.waits_for();
    case MemberState::syncing: return waits_for_copy();
    case MemberState::learner:
      return fmt::format(
          "has no vote: {} is member id {} of this cluster, and this directory, which is new or was "
          "lost, has member id {}; members cannot be replaced yet. It follows the log",
          identity_.name, to_string(monmap_->find_name(identity_.name)->id), to_string(identity_.id));
    case MemberState::probing:
    case MemberState::electing: break;
    case MemberState::leader:
      if (!paxos_->has_lease(now)) return "no majority of the members grants the leader's lease";
      [[fallthrough]];
    case MemberState::peon:
      return disk_hangs(now) ? fmt::format("its own disk hangs: {} writes wait for it", pending_writes_.size()) : "";
  }
  std::string silent;
  for (const Member& member : monmap_->members) {
    if (member.id == identity_.id || peers_.is_reachable(member.id, now)) continue;
    silent += (silent.empty() ? "" : ", ") + member.name;
  }
  return silent.empty() ? "no leader yet" : "no leader; not reachable: " + silent;
}

StatusReply Monitor::status(TimePoint now) const {
  StatusReply reply;
  if (monmap_) reply.fsid = monmap_->fsid;
  reply.answered_by = identity_.name;
  reply.state = state();
  reply.detail = waits_for(now);
  if (paxos_) {
    reply.epoch = epoch();
    if (const Member* leader = monmap_->find(paxos_->leader())) reply.leader = leader->name;
    const std::set<MemberId> quorum = paxos_->quorum(now);
    for (const Member& member : monmap_->members) {
      if (quorum.count(member.id) > 0) reply.quorum.push_back(member.name);
    }
  }
  auto add = [&](const std::string& name, MemberId id, const std::string& address) {
    MemberStatus status;
    status.name = name;
    status.id = id;
    status.address = address;
    status.has_vote = !monmap_ || monmap_->is_voter(id);
    const bool is_self = id == identity_.id;
    status.reachable = is_self || peers_.is_reachable(id, now);
    const Peer* peer = peers_.find(id);
    if (is_self || peer != nullptr) {
      const Probe probe = is_self ? make_probe() : peer->probe;
      status.state = probe.state;
      status.first = probe.first;
      status.committed = probe.committed.version;
      status.sync = probe.sync;
      status.alarm = probe.alarm;
    }
    reply.members.push_back(std::move(status));
  };
  if (monmap_) {
    for (const Member& member : monmap_->members) add(member.name, member.id, member.address);
    for (const Peer* learner : learners(now)) add(learner->probe.name, learner->id, learner->probe.address);
  } else {
    for (const InitialMember& member : initial_members_) {
      const Peer* peer = peers_.find_reachable_name(member.name, now);
      add(member.name,
          member.name == identity_.name ? identity_.id
          : peer != nullptr             ? peer->id
                                        : MemberId(),
          member.address);
    }
  }
  reply.holds = hold_statuses(now);
  // Whoever answers is listed, also when it is no member.
  if (monmap_ && !is_member()) add(identity_.name, identity_.id, address_);
  return reply;
}

}  // namespace synod
