// One run: a scenario from formation to the comparison of the stores at its end.
#pragma once

#include <cstdint>
#include <string>

#include "test/sim/counters.h"
#include "test/sim/run/scenario.h"

namespace synod::sim {

struct RunResult {
  std::string violation;  // empty: none
  uint64_t hash = 0;      // of the trace
  uint64_t requests = 0;
  uint64_t successes_during_faults = 0;
  uint64_t faults = 0;
  uint64_t events = 0;
  Counters counters;
};

struct RunOptions {
  bool trace = false;  // to stdout
  // Of a simulated minute; fewer is a violation. Not asked for runs of less than a minute, or with faults left out.
  uint64_t successes_min = 200;
};

// A broken assertion ends the process: run what may be broken in a process of its own.
RunResult run(const Scenario& scenario, const RunOptions& options);

// The same in a child process, so that a crash is a violation like any other. A child's errors are few: they are read
// when it has ended.
struct RunningRun {
  int process = 0;
  int results = -1;  // descriptors
  int errors = -1;
};
RunningRun start_isolated(const Scenario& scenario, const RunOptions& options);
// Waits for its end.
RunResult finish_isolated(const RunningRun& running);

}  // namespace synod::sim
