// The oracles' look at store synchronization: what a member has told of its copy, and the order of all events.
#include <fmt/format.h>

#include "test/sim/cluster.h"
#include "test/sim/oracles.h"

namespace synod::sim {

// What a requester has acknowledged is on its disk.
void Oracles::check_copy(const std::string& member, const MonitorStart& start, const Copy& before) {
  if (!start.is_marked) return;
  Copy& copy = members_[member].copy;
  if (start.copy) {
    copy.written = copy.acknowledged = start.copy->chunks;
    counters_.count(Rare::sync_resumed_after_restart);
  }
  if (copy.written >= before.acknowledged || !start.copy_given_up.empty()) return;
  violated(
      fmt::format("{} has acknowledged {} chunks of a copy, and has {}", member, before.acknowledged, copy.written));
}

void Oracles::on_sync_event(const std::string& member, const SyncEvent& event) {
  check(scrub_oracle_.on_sync_event(member, event));
  // A copy that is not kept may be gone before the next one is there.
  const bool is_dropped = event.kind == SyncEventKind::failed && event.chunks == 0;
  if (event.kind == SyncEventKind::copy_given_up || is_dropped) members_[member].copy = Copy();
  sync_order_.on_event(name_in_events(member), event);
  check_sync_order();
}

// As the others' events call it.
std::string Oracles::name_in_events(const std::string& member) const {
  const MemberId id = cluster_.monitor(member).id();
  return vote_oracle_.has_vote(id) ? member : to_string(id);
}

void Oracles::check_sync_order() {
  if (!sync_order_.violation().empty()) violated("events of syncs: " + sync_order_.violation());
}

}  // namespace synod::sim
