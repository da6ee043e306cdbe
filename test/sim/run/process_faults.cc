#include "test/sim/run/process_faults.h"

namespace synod::sim {

using std::chrono::milliseconds;

void ProcessFaults::perform(const Fault& fault, const std::string& name, SeededRandom& random) {
  switch (fault.type) {
    case FaultType::pause: pause(fault, name); return;
    case FaultType::power_cut_inside_a_write: cut_power_inside_a_write(fault, name, random); return;
    case FaultType::power_cut_of_many: cut_power_of_many(fault, name, random); break;
    case FaultType::kill: cluster_.kill(name); break;
    default: cluster_.cut_power(name, random.pick(every_power_cut)); break;
  }
  restarts_.start_later(name, fault.length);
  course_.end_later(fault);
}

void ProcessFaults::pause(const Fault& fault, const std::string& name) {
  const bool had_lease = cluster_.is_running(name) && cluster_.has_lease(name);
  cluster_.pause(name);
  course_.undo_later(fault, [this, name] { cluster_.resume(name); });
  const bool is_longer = fault.length > cluster_.options().lease;
  if (had_lease && is_longer) cluster_.oracles().counters().count(Rare::lease_expired_in_a_pause);
}

void ProcessFaults::cut_power_of_many(const Fault& fault, const std::string& name, SeededRandom& random) {
  size_t cut = 0;
  for (const std::string& each : cluster_.names()) {
    if (each != name && !random.chance(60)) continue;
    cluster_.cut_power(each, random.pick(every_power_cut));
    restarts_.start_later(each, random.between(milliseconds(100), fault.length));
    ++cut;
  }
  const bool is_majority = 2 * cut > cluster_.names().size();
  if (is_majority) cluster_.oracles().counters().count(Rare::power_cut_of_a_majority);
}

void ProcessFaults::cut_power_inside_a_write(const Fault& fault, const std::string& name, SeededRandom& random) {
  // Half of them where it is rare and matters: around the next new log, or the next move to a new store.
  const uint64_t within = fault.amount % 4;
  if (within >= 2) {
    armed_[name] = {within == 2 ? ".log" : "/CURRENT_STORE", random.between(1, 12)};
    course_.end_later(fault);
    return;
  }
  MemberDisk& disk = *cluster_.member(name).disk;
  disk.freeze_at_call(disk.changes() + random.between(1, 60));
  course_.undo_later(fault, [this, name] { cluster_.member(name).disk->freeze_at_call(0); });
}

void ProcessFaults::on_disk(const std::string& member, const DiskEvent& event) {
  const auto armed = armed_.find(member);
  if (armed == armed_.end() || event.call != DiskCall::create) return;
  if (event.path.find(armed->second.path) == std::string::npos) return;
  cluster_.member(member).disk->freeze_at_call(event.number + armed->second.calls);
  armed_.erase(armed);
}

}  // namespace synod::sim
