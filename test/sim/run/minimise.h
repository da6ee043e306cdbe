// Shortens the list of faults of a failing run to those that it needs (delta debugging: Zeller and Hildebrandt, 2002).
// Each fault has random numbers of its own, so leaving one out does not change the others.
#pragma once

#include <functional>
#include <set>

#include "test/sim/run/runner.h"

namespace synod::sim {

// Numbers of the faults without any of which the run would not fail, as far as `runs_max` runs can tell. `fails` says
// whether the scenario still fails; it is told only scenarios with fewer faults. REQUIRES: the full scenario fails.
std::set<size_t> minimise(const Scenario& scenario, const std::function<bool(const Scenario&)>& fails, size_t runs_max);

}  // namespace synod::sim
