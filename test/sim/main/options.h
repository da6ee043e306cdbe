// The command line of synod-sim.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "test/sim/run/scenario.h"

namespace synod::sim {

struct SimOptions {
  enum class Command { run, replay, shrink, faults, mutants };
  Command command = Command::run;
  uint64_t first_seed = 1;  // run; otherwise the seed
  uint64_t seeds = 1;
  size_t members = 3;
  uint64_t minutes = 1;
  Profile profile = Profile::standard;
  bool hash = false;
  bool trace = false;
  std::optional<std::set<size_t>> only;  // these faults
  const char* mutant = nullptr;          // of all_mutants(); in a build that has them
  size_t jobs = 1;
  bool help = false;
  bool version = false;
};

Result<SimOptions> parse_sim_options(const std::vector<std::string>& words);
std::string sim_help();
const char* profile_name(Profile profile);

}  // namespace synod::sim
