#include "test/sim/run/restarts.h"

#include <fmt/format.h>

namespace synod::sim {

using std::chrono::milliseconds;

void Restarts::start_later(const std::string& name, Duration delay) {
  course_.later(delay, [this, name] {
    if (cluster_.is_running(name) || dead_.count(name) > 0) return;
    course_.note("start " + name);
    cluster_.start(name);
  });
}

void Restarts::on_exited(const std::string& name) {
  const Member& member = cluster_.member(name);
  course_.note(fmt::format("{} exited with {}: {}", name, member.exit_code, member.exit_reason));
  if (member.disk->is_frozen()) {
    course_.note(fmt::format("{} has lost its power inside a write", name));
    cluster_.oracles().counters().count(Rare::power_cut_inside_a_write);
    cut_power_if_frozen(name);
  }
  start_later(name, random_.between(milliseconds(200), milliseconds(2000)));
}

void Restarts::cut_power_if_frozen(const std::string& name) {
  if (cluster_.member(name).disk->is_frozen()) cluster_.cut_power(name, random_.pick(every_power_cut));
}

void Restarts::kill_for_good(const std::string& name) {
  course_.note("from now on, " + name + " is dead");
  dead_.insert(name);
  cluster_.cut_power(name);
}

void Restarts::start_all() {
  for (const std::string& name : cluster_.names()) {
    if (!cluster_.is_running(name) && dead_.count(name) == 0) cluster_.start(name);
  }
}

}  // namespace synod::sim
