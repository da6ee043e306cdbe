// Becoming part of a cluster: when it is formed for the first time, or later, as a learner.
#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "mon/core/monitor.h"

namespace synod {

// "Formed" is recorded after the store is there, so a formed member always has one. That of a learner begins like all
// others: with the member list, which is the genesis.
void Monitor::form(Monmap monmap, Output& out) {
  SYNOD_ASSERT(identity_.formation != FormationState::formed && !is_forming_store_, "I-7: a member is formed once");
  SYNOD_ASSERT(monmap.find_name(identity_.name) != nullptr, "I-1: a member belongs to a cluster that has its name");
  for (Member& member : monmap.members) {
    if (member.name == identity_.name && SYNOD_MUTANT("learner-votes")) member.id = identity_.id;
  }
  is_forming_store_ = true;
  Identity formed = identity_;
  formed.formation = FormationState::formed;
  formed.monmap = monmap.encode();
  form_task_ = run_task(FormTask{formed.encode(), {Version(), genesis_hash(monmap.fsid)}, monmap.encode()}, out);
  monmap_ = std::move(monmap);
  identity_ = std::move(formed);
}

void Monitor::on_formed(TimePoint now, Formed& formed, Output& out) {
  SYNOD_ASSERT(is_forming_store_ && !paxos_, "I-7: nobody takes part before the store is there");
  SYNOD_ASSERT(formed.log.applied.version == Version() && formed.log.accepted.empty(), "I-7: a new log is empty");
  is_forming_store_ = false;
  last_committed_ = formed.log.applied;
  last_first_ = formed.log.first;
  start_log(now, std::move(formed.log), now);  // a new member has granted nothing yet
  formation_.announce(*monmap_, identity_.id, out);
  out.addresses = addresses();
  out.probe = make_probe();
  if (is_member()) {
    out.trace(LogLevel::info,
              fmt::format("formed cluster {} of {} members", to_string(monmap_->fsid), monmap_->members.size()));
  } else {
    out.trace(LogLevel::warning,
              fmt::format("follows cluster {} as a learner: there {} is member id {}, and member id {} has no vote",
                          to_string(monmap_->fsid), identity_.name, to_string(monmap_->find_name(identity_.name)->id),
                          to_string(identity_.id)));
  }
}

}  // namespace synod
