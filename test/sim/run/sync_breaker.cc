#include "test/sim/run/sync_breaker.h"

#include <fmt/format.h>

namespace synod::sim {

using std::chrono::milliseconds;

void SyncBreaker::perform(const Fault& fault) {
  points_.arm({fault.number, sync_point(fault.amount % sync_points), fault.amount / sync_points});
  course_.undo_later(fault, [this, number = fault.number] { points_.disarm(number); });
}

void SyncBreaker::on_sync_event(const std::string& member, const SyncEvent& event) {
  const auto hit = points_.on_event(member, event, [this] { return cluster_.leader(); });
  if (!hit) return;
  const std::string victim = name_of(hit->victim);
  if (victim.empty()) return;
  const ArmedSyncPoints::Armed& armed = hit->armed;
  ++cluster_.oracles().counters().at_sync_points()[number_of(armed.point)];
  course_.note(fmt::format("fault {}: {} [{}]", armed.fault, to_string(armed.point), victim));
  SeededRandom random(seed_, fmt::format("sync point {}", armed.fault));
  break_sync(victim, armed.point.how, random);
}

// Others know a learner by its id.
std::string SyncBreaker::name_of(const std::string& known_as) const {
  for (const std::string& name : cluster_.names()) {
    if (!cluster_.is_running(name)) continue;
    if (name == known_as || to_string(cluster_.monitor(name).id()) == known_as) return name;
  }
  return {};
}

void SyncBreaker::break_sync(const std::string& victim, SyncBreak how, SeededRandom& random) {
  Member& member = cluster_.member(victim);
  switch (how) {
    case SyncBreak::cut_before:
      member.process->transport.vanish();
      cut_power(victim, random);
      return;
    case SyncBreak::cut_after: cut_power(victim, random); return;
    case SyncBreak::cut_inside_a_write:
      member.disk->freeze_at_call(member.disk->changes() + random.between(1, 12));
      return;
    case SyncBreak::kill: kill(victim, random); return;
    case SyncBreak::pause:
      cluster_.pause(victim);
      course_.later(random.between(milliseconds(50), milliseconds(2500)), [this, victim] { cluster_.resume(victim); });
      return;
    case SyncBreak::cut_off: links_.cut_off(victim, random.between(milliseconds(50), milliseconds(3000))); return;
  }
}

void SyncBreaker::kill(const std::string& name, SeededRandom& random) {
  const Duration delay = random.exponential(milliseconds(2));
  course_.later(delay, [this, name] { cluster_.kill(name); });
  restarts_.start_later(name, delay + random.between(milliseconds(50), milliseconds(2500)));
}

// When the step that is under way is over.
void SyncBreaker::cut_power(const std::string& name, SeededRandom& random) {
  const PowerCut mode = random.pick(every_power_cut);
  course_.later(Duration(0), [this, name, mode] { cluster_.cut_power(name, mode); });
  restarts_.start_later(name, random.between(milliseconds(50), milliseconds(2500)));
}

}  // namespace synod::sim
