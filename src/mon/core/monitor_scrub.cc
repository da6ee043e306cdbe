// The Monitor's part in a scrub: what its own part (scrub/scrub.h) needs to know of the member, and a repair, which is
// a sync with some rules of its own.
#include <algorithm>

#include "base/assert.h"
#include "mon/core/monitor.h"

namespace synod {

// Those that can be heard and vote, this member included.
std::set<MemberId> Monitor::voting(TimePoint now) const {
  std::set<MemberId> members{identity_.id};
  for (const Peer* peer : reachable_voters(now)) {
    const MemberState state = peer->probe.state;
    if (state != MemberState::syncing && state != MemberState::outsider) members.insert(peer->id);
  }
  return members;
}

Scrub::View Monitor::scrub_view(TimePoint now) const {
  SYNOD_ASSERT(paxos_, "only who takes part scrubs");
  const MemberId leader = paxos_->is_leader() ? identity_.id : paxos_->leader();
  return {identity_.id, *monmap_, leader, paxos_->quorum(now), voting(now)};
}

Scrub::RunTask Monitor::scrub_tasks(Output& out) {
  return [this, &out](Task task) { return run_task(std::move(task), out); };
}

// What reads the disk for others gives way to clients.
void Monitor::on_cluster_commits(Duration mean) {
  provider_.on_cluster_commits(mean);
  scrub_.on_cluster_commits(mean);
}

void Monitor::tick_scrub(TimePoint now, Output& out) {
  if (!paxos_) return;
  scrub_.tick(now, scrub_view(now), out, scrub_tasks(out));
  if (!paxos_->is_leader() || now < repair_hand_over_again_ || !can_be_spared(now)) return;
  // Whoever is to be repaired leads no more. It may take a lease to find out that nobody follows.
  repair_hand_over_again_ = now + 3 * options_.lease;
  for (const Member& member : monmap_->members) {
    if (scrub_.repair()->agreeing.count(member.id) == 0 || connected_.count(member.id) == 0) continue;
    if (paxos_->hand_over_to(now, member.name, out).is_ok()) return;
  }
}

// ---------------------------------------------------------------------------------------------- repair

// It is to be repaired, and a quorum remains without it: I-24, once more, since time has passed since it was decided.
bool Monitor::can_be_spared(TimePoint now) const {
  if (!scrub_.repair()) return false;
  std::set<MemberId> remaining = voting(now);
  std::erase_if(remaining, [&](MemberId member) { return scrub_.repair()->agreeing.count(member) == 0; });
  return monmap_->is_majority(remaining);
}

void Monitor::begin_repair() {
  SYNOD_ASSERT(!is_marked_ && !repair_, "I-24: a repair is decided by who votes");
  repair_ = scrub_.repair();
  if (scrub_.is_unreadable()) is_delta_refuted_ = true;
}

// A repair is made by who has what the majority had; unless none of those is a member any more.
void Monitor::leave_out_those_who_differ(const std::optional<Repair>& repair,
                                         std::vector<const Peer*>& candidates) const {
  if (!repair) return;
  const auto agrees = [&](MemberId member) { return repair->agreeing.count(member) > 0; };
  const bool is_one_listed = std::any_of(monmap_->members.begin(), monmap_->members.end(),
                                         [&](const Member& member) { return agrees(member.id); });
  if (is_one_listed) std::erase_if(candidates, [&](const Peer* peer) { return !agrees(peer->id); });
}

// A quorum remained when the repair began. If it does not any more, and nobody is there who could heal this member,
// then what it has committed and others may lack is in its store alone, and it votes again, until it can be healed.
bool Monitor::is_needed_for_a_quorum(TimePoint now) const {
  if (now < copy_wait_until_ || !monmap_->is_majority(voting(now))) return false;
  std::vector<const Peer*> able = reachable_voters(now);
  leave_out_those_who_differ(repair_, able);
  return std::none_of(able.begin(), able.end(), [&](const Peer* peer) {
    return peer->probe.state != MemberState::syncing && peer->probe.committed.version >= last_committed_.version;
  });
}

// A provider is ahead of this; a repair may also be made by who is level.
Version Monitor::committed_to_beat(bool is_repair) const {
  const Version committed = last_committed_.version;
  return is_repair && committed > Version() ? committed.previous() : committed;
}

}  // namespace synod
