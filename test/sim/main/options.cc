#include "test/sim/main/options.h"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <charconv>
#include <sstream>
#include <thread>

#include "base/mutant.h"
#include "test/sim/mutants/mutants.h"
#include "tools/command_line.h"

namespace synod::sim {
namespace {

namespace po = boost::program_options;

po::options_description described_options() {
  po::options_description options("Options");
  auto add = options.add_options();
  add("first-seed", po::value<std::string>()->value_name("N"), "run: the first seed (default 1)");
  add("seeds", po::value<std::string>()->value_name("K"), "run: how many seeds (default 1)");
  add("seed", po::value<std::string>()->value_name("N"), "replay, shrink, faults: the seed");
  add("members", po::value<std::string>()->value_name("3|5"), "members of the cluster (default 3)");
  add("minutes", po::value<std::string>()->value_name("M"), "simulated minutes with faults, 1 to 1000 (default 1)");
  add("profile", po::value<std::string>()->value_name("NAME"),
      "default: LevelDB on a simulated disk, and every 20th seed as `both`; model: a store in memory, somewhat "
      "faster; both: LevelDB with what it has promised beside it, in memory, and each read and whatever a restart "
      "finds compared; sync, sync-delta: LevelDB, and faults at each point of store synchronizations");
  add("hash", "run: print SEED HASH REQUESTS FAULTS for each seed");
  add("trace", "replay: print every frame, write, fault and log line, in virtual time");
  add("only", po::value<std::string>()->value_name("N,N,..."), "replay: only these faults of the seed");
  if constexpr (has_mutants) {
    add("mutant", po::value<std::string>()->value_name("NAME"),
        "with this planted bug; the command mutants lists them");
  }
  add("jobs", po::value<std::string>()->value_name("N"), "runs at a time (default: the number of cores)");
  add("help", "print this and exit");
  add("version", "print the commit that this was built from and exit");
  return options;
}

Status parse_number(const std::string& name, const std::string& text, uint64_t min, uint64_t max, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= min && number <= max) return Status::ok();
  return {Code::invalid_argument, fmt::format("--{}: '{}' is not a number from {} to {}", name, text, min, max)};
}

Status parse_only(const std::string& text, std::set<size_t>& only) {
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) {
    uint64_t number = 0;
    SYNOD_RETURN_IF_ERROR(parse_number("only", part, 0, 1'000'000, number));
    only.insert(number);
  }
  return Status::ok();
}

Status parse_mutant(const std::string& value, SimOptions& options) {
  if constexpr (has_mutants) {
    for (const Mutant& mutant : all_mutants()) {
      if (value == mutant.name) options.mutant = mutant.name;
    }
  }
  if (options.mutant != nullptr) return Status::ok();
  return {Code::invalid_argument, fmt::format("--mutant: '{}' is none of those that the command mutants lists", value)};
}

Status parse_option(const std::string& name, const std::string& value, SimOptions& options) {
  uint64_t number = 0;
  if (name == "help") {
    options.help = true;
  } else if (name == "version") {
    options.version = true;
  } else if (name == "hash") {
    options.hash = true;
  } else if (name == "trace") {
    options.trace = true;
  } else if (name == "first-seed" || name == "seed") {
    SYNOD_RETURN_IF_ERROR(parse_number(name, value, 0, UINT64_MAX / 2, options.first_seed));
  } else if (name == "seeds") {
    SYNOD_RETURN_IF_ERROR(parse_number(name, value, 1, 100'000'000, options.seeds));
  } else if (name == "members") {
    SYNOD_RETURN_IF_ERROR(parse_number(name, value, 3, 5, number));
    if (number == 4) return {Code::invalid_argument, "--members: 3 or 5"};
    options.members = number;
  } else if (name == "minutes") {
    SYNOD_RETURN_IF_ERROR(parse_number(name, value, 1, 1000, options.minutes));
  } else if (name == "jobs") {
    SYNOD_RETURN_IF_ERROR(parse_number(name, value, 1, 1000, number));
    options.jobs = number;
  } else if (name == "only") {
    options.only.emplace();
    SYNOD_RETURN_IF_ERROR(parse_only(value, *options.only));
  } else if (name == "mutant") {
    return parse_mutant(value, options);
  } else if (name == "profile") {
    for (const Profile profile :
         {Profile::standard, Profile::model, Profile::both, Profile::sync, Profile::sync_delta}) {
      if (value != profile_name(profile)) continue;
      options.profile = profile;
      return Status::ok();
    }
    return {Code::invalid_argument,
            fmt::format("--profile: '{}' is none of default, model, both, sync, sync-delta", value)};
  }
  return Status::ok();
}

}  // namespace

const char* profile_name(Profile profile) {
  switch (profile) {
    case Profile::standard: return "default";
    case Profile::model: return "model";
    case Profile::both: return "both";
    case Profile::sync: return "sync";
    case Profile::sync_delta: return "sync-delta";
  }
  return "";
}

Result<SimOptions> parse_sim_options(const std::vector<std::string>& words) {
  const Result<CommandLine> line = parse_command_line(words, described_options());
  if (!line) return line.error();
  SimOptions options;
  options.jobs = std::max(1U, std::thread::hardware_concurrency());
  for (const auto& [name, value] : line->options) SYNOD_RETURN_IF_ERROR(parse_option(name, value, options));
  if (options.help || options.version) return options;
  const std::string command = line->arguments.empty() ? "" : line->arguments.front();
  if (line->arguments.size() != 1) {
    return Status(Code::invalid_argument, "one command is wanted: run, replay, shrink or faults; see --help");
  }
  if (command == "run") {
    options.command = SimOptions::Command::run;
    if (line->has("seed")) return Status(Code::invalid_argument, "run takes --first-seed and --seeds");
  } else if (command == "replay" || command == "shrink" || command == "faults") {
    options.command = command == "replay"   ? SimOptions::Command::replay
                      : command == "shrink" ? SimOptions::Command::shrink
                                            : SimOptions::Command::faults;
    if (!line->has("seed")) return Status(Code::invalid_argument, command + " needs --seed N");
  } else if (has_mutants && command == "mutants") {
    options.command = SimOptions::Command::mutants;
  } else {
    return Status(Code::invalid_argument, fmt::format("'{}' is none of run, replay, shrink, faults", command));
  }
  return options;
}

std::string sim_help() {
  std::ostringstream out;
  out << "synod-sim COMMAND [OPTIONS]: whole clusters in one thread, under virtual time, with faults from a seed\n\n"
         "Commands:\n"
         "  run      runs seeds; the last line is 'K seeds, V violations', and the exit code is 0 if V is 0, else 1\n"
         "  replay   runs one seed again, the same in every detail\n"
         "  shrink   finds the faults that a failing seed needs, and prints the command that replays it with these\n"
         "  faults   prints the faults of a seed\n"
      << (has_mutants ? "  mutants  prints the planted bugs\n" : "") << "\n"
      << described_options() << "\nA wrong command line exits with 2.\n";
  return out.str();
}

}  // namespace synod::sim
