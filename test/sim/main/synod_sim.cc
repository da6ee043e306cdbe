// The deterministic simulator: runs seeds, each in a process of its own, and tells what came out.
#include <fmt/format.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/mutant.h"
#include "test/sim/main/options.h"
#include "test/sim/mutants/mutants.h"
#include "test/sim/run/minimise.h"
#include "test/sim/run/runner.h"
#include "tools/main.h"
#include "tools/progress.h"

namespace synod::sim {
namespace {

constexpr uint64_t both_every = 20;         // seeds of the default profile: the 20th, the 40th, ...
constexpr uint64_t rare_asked_from = 1000;  // seeds
constexpr uint64_t sync_points_asked_from = 4000;
constexpr size_t shrink_runs_max = 200;
constexpr int exit_violations = 1;

Scenario scenario_of(const SimOptions& options, uint64_t seed) {
  // The same for each command, so that a replay is of the run that failed.
  const bool is_both = options.profile == Profile::standard && seed % both_every == 0;
  return expand(seed, options.members, std::chrono::minutes(options.minutes),
                is_both ? Profile::both : options.profile);
}

std::string replay_command(const SimOptions& options, uint64_t seed) {
  std::string command = fmt::format("synod-sim replay --seed {} --members {} --minutes {} --trace", seed,
                                    options.members, options.minutes);
  if (options.profile != Profile::standard) command += fmt::format(" --profile {}", profile_name(options.profile));
  if (options.mutant != nullptr) command += fmt::format(" --mutant {}", options.mutant);
  return command;
}

class Campaign {
 public:
  explicit Campaign(const SimOptions& options)
      : options_(options), progress_(::isatty(STDERR_FILENO) != 0, options.seeds) {}

  int run() {
    const uint64_t end = options_.first_seed + options_.seeds;
    uint64_t next = options_.first_seed;
    while (next < end || !running_.empty()) {
      while (next < end && running_.size() < options_.jobs) start(next++);
      finish();
    }
    progress_.clear();
    report();
    fmt::print("{} seeds, {} violations\n", options_.seeds, violations_);
    return violations_ == 0 ? exit_ok : exit_violations;
  }

 private:
  struct Started {
    uint64_t seed = 0;
    RunningRun run;
  };

  void start(uint64_t seed) {
    const Scenario scenario = scenario_of(options_, seed);
    RunOptions run_options;
    running_.push_back({seed, start_isolated(scenario, run_options)});
  }

  // The oldest one, so that the output is in the order of the seeds.
  void finish() {
    const Started started = running_.front();
    running_.pop_front();
    const RunResult result = finish_isolated(started.run);
    ++done_;
    counters_.add(result.counters);
    requests_ += result.requests;
    faults_ += result.faults;
    progress_.show(done_, fmt::format("seed {}, {} violations", started.seed, violations_));
    if (!result.violation.empty()) {
      ++violations_;
      progress_.clear();
      fmt::print("seed {}: {}\n  {}\n", started.seed, result.violation, replay_command(options_, started.seed));
    }
    if (options_.hash) {
      fmt::print("{} {:016x} {} {}\n", started.seed, result.hash, result.requests, result.faults);
    }
    std::fflush(stdout);
  }

  void report() {
    fmt::print("{} requests, {} faults\n", requests_, faults_);
    for (size_t i = 0; i < rare_names.size(); ++i) {
      const uint64_t count = counters_.all()[i];
      fmt::print("{:>10} {}\n", count, rare_names[i]);
      if (count > 0 || options_.seeds < rare_asked_from) continue;
      if (!can_occur(static_cast<Rare>(i), options_.profile)) continue;
      fmt::print("  never occurred in {} seeds: such a run proves too little\n", options_.seeds);
      ++violations_;
    }
    if (is_of_syncs(options_.profile)) report_sync_points();
  }

  void report_sync_points() {
    size_t reached = 0;
    size_t all = 0;
    std::string missing;
    for (size_t i = 0; i < sync_points; ++i) {
      if (!can_be_reached(sync_point(i), options_.profile == Profile::sync_delta)) continue;
      ++all;
      if (counters_.at_sync_points()[i] > 0) {
        ++reached;
      } else {
        missing += fmt::format("  never {}\n", to_string(sync_point(i)));
      }
    }
    fmt::print("syncs were broken off at {} of {} points\n", reached, all);
    if (options_.seeds < sync_points_asked_from || missing.empty()) return;
    fmt::print("{}", missing);
    ++violations_;
  }

  const SimOptions& options_;
  ProgressBar progress_;
  std::deque<Started> running_;
  Counters counters_;
  uint64_t done_ = 0;
  uint64_t violations_ = 0;
  uint64_t requests_ = 0;
  uint64_t faults_ = 0;
};

int replay(const SimOptions& options) {
  RunOptions run_options;
  run_options.trace = options.trace;
  // Of a process that breaks an assertion the last lines are those that are wanted.
  if (options.trace) std::setvbuf(stdout, nullptr, _IOLBF, 0);
  Scenario scenario = scenario_of(options, options.first_seed);
  if (options.only) {
    const size_t count = scenario.faults.size();
    if (!options.only->empty() && *options.only->rbegin() >= count) {
      fmt::print(stderr, "synod-sim: --only: seed {} has no fault {}; `synod-sim faults` lists its {}\n",
                 options.first_seed, *options.only->rbegin(), count);
      return exit_usage;
    }
    scenario.keep_faults(*options.only);
    run_options.successes_min = 0;
  }
  const RunResult result = finish_isolated(start_isolated(scenario, run_options));
  fmt::print("seed {}: {:016x} {} requests, {} while faults were active, {} faults, {} events\n", options.first_seed,
             result.hash, result.requests, result.successes_during_faults, result.faults, result.events);
  if (result.violation.empty()) return exit_ok;
  fmt::print("violation: {}\n", result.violation);
  return exit_violations;
}

int shrink(const SimOptions& options) {
  const Scenario scenario = scenario_of(options, options.first_seed);
  const RunOptions run_options{false, 0};
  auto fails = [&](const Scenario& shorter) {
    return !finish_isolated(start_isolated(shorter, run_options)).violation.empty();
  };
  if (!fails(scenario)) {
    fmt::print(stderr, "synod-sim: seed {} does not fail\n", options.first_seed);
    return exit_usage;
  }
  ProgressBar progress(::isatty(STDERR_FILENO) != 0, shrink_runs_max);
  uint64_t runs = 0;
  const std::set<size_t> needed = minimise(
      scenario,
      [&](const Scenario& shorter) {
        progress.show(++runs, fmt::format("{} faults", shorter.faults.size()));
        return fails(shorter);
      },
      shrink_runs_max);
  progress.clear();
  std::string list;
  for (const Fault& fault : scenario.faults) {
    if (needed.count(fault.number) == 0) continue;
    fmt::print("fault {}: {}\n", fault.number, to_string(fault));
    list += fmt::format("{}{}", list.empty() ? "" : ",", fault.number);
  }
  fmt::print("{} --only '{}'\n", replay_command(options, options.first_seed), list);
  return exit_ok;
}

int list_faults(const SimOptions& options) {
  for (const Fault& fault : scenario_of(options, options.first_seed).faults) {
    fmt::print("fault {}: {}\n", fault.number, to_string(fault));
  }
  return exit_ok;
}

int list_mutants() {
  if constexpr (has_mutants) {
    for (const Mutant& mutant : all_mutants()) fmt::print("{}: {}\n", mutant.name, mutant.breaks);
  }
  return exit_ok;
}

int dispatch(const SimOptions& options) {
  if constexpr (has_mutants) set_mutant(options.mutant);
  switch (options.command) {
    case SimOptions::Command::run: return Campaign(options).run();
    case SimOptions::Command::replay: return replay(options);
    case SimOptions::Command::shrink: return shrink(options);
    case SimOptions::Command::faults: return list_faults(options);
    case SimOptions::Command::mutants: return list_mutants();
  }
  return exit_usage;
}

}  // namespace
}  // namespace synod::sim

int main(int argc, char** argv) {
  using namespace synod;
  const std::vector<std::string> words(argv + 1, argv + argc);
  return run_tool("synod-sim", sim::parse_sim_options(words), sim::sim_help(), sim::dispatch);
}
