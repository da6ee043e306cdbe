#include "tools/store_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <sstream>

#include "tools/command_line.h"

namespace synod {
namespace {

namespace po = boost::program_options;

struct Command {
  const char* name;
  const char* arguments;
  size_t argument_count;
  bool writes;
  const char* what;
};

constexpr Command commands[] = {
    {"compare", "A B", 2, false, "names the keys in which the stores of two directories differ"},
    {"list", "DIR", 1, false, "prints the keys, one a line"},
    {"get", "DIR KEY", 2, false, "prints the value of one key"},
    {"dump", "DIR", 1, false, "prints KEY<TAB>VALUE for every key"},
    {"stats", "DIR", 1, false, "prints first_committed, last_committed, keys, and bytes of keys and values"},
    {"digest", "DIR", 1, false, "prints the digest of all keys and values, and the version that they are of"},
    {"set", "DIR KEY VALUE --accept-risk", 3, true, "stores VALUE under KEY"},
    {"rm", "DIR KEY --accept-risk", 2, true, "removes KEY"},
};

po::options_description described_options() {
  po::options_description options("Options (before or after the command)");
  auto add = options.add_options();
  add("accept-risk", "needed by set and rm, after which the store differs from its peers' until it is repaired");
  add("help", "print this and exit");
  add("version", "print the commit that this was built from and exit");
  return options;
}

Status usage_error(std::string what) { return {Code::invalid_argument, std::move(what) + "; see synod-store --help"}; }

}  // namespace

Result<StoreOptions> parse_store_options(const std::vector<std::string>& arguments) {
  const Result<CommandLine> line = parse_command_line(arguments, described_options());
  if (!line) return usage_error(line.error().message());
  StoreOptions options{line->has("help"), line->has("version"), {}, line->arguments};
  if (options.help || options.version) return options;
  if (options.arguments.empty()) return usage_error("no command given");
  options.command = options.arguments.front();
  options.arguments.erase(options.arguments.begin());

  const auto* command = std::find_if(std::begin(commands), std::end(commands),
                                     [&](const Command& c) { return options.command == c.name; });
  if (command == std::end(commands)) return usage_error(fmt::format("unknown command '{}'", options.command));
  const size_t count = options.arguments.size();
  if (count != command->argument_count) {
    return usage_error(fmt::format("too {} arguments: synod-store {} {}",
                                   count < command->argument_count ? "few" : "many", command->name,
                                   command->arguments));
  }
  const bool accepts_risk = line->has("accept-risk");
  if (command->writes && !accepts_risk) {
    return usage_error(
        fmt::format("{} changes one member's store behind the cluster's back: add --accept-risk", command->name));
  }
  if (!command->writes && accepts_risk) return usage_error(fmt::format("{} takes no --accept-risk", command->name));
  return options;
}

std::string store_help_text() {
  std::ostringstream text;
  text << "synod-store: looks into the data directory of a stopped monitor\n\n"
       << "Usage: synod-store [OPTION]... COMMAND ARGUMENT...\n\n";
  for (const Command& command : commands) {
    text << fmt::format("  {:<32} {}\n", fmt::format("{} {}", command.name, command.arguments), command.what);
  }
  text << '\n' << described_options();
  text << R"(
All commands are about the replicated space, which is the same on all members at the same version: kv/k/KEY holds a
user's key; kv/, monmap/ and paxos/ hold what belongs to it. Keys and values are printed, and taken, with the escapes of
synod export: \t \n \r \\ and \xHH for any byte. Arguments that start with - go behind --.

compare prints "differs KEY", "only-in A KEY" and "only-in B KEY", where A and B stand for the first and the second
directory. Where their versions differ, it rolls the older one forward in memory with the newer one's log; it says on
standard error what it compared.

A directory that a running monitor uses is refused. All commands but set and rm leave every byte of it as it is.

Exit codes: 0 ok, identical; 1 different, or no such key; 2 error.
)";
  return text.str();
}

}  // namespace synod
