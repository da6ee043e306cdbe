#include "tools/store_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <sstream>

#include "tools/command_line.h"

namespace synod {
namespace {

namespace po = boost::program_options;

struct Command {
  const char* name;
  const char* arguments;
  size_t argument_count;
  std::vector<const char*> options;
  const char* what;
};

const Command commands[] = {
    {"compare", "A B [--quick]", 2, {"quick"}, "names the keys in which the stores of two directories differ"},
    {"list", "DIR", 1, {}, "prints the keys, one a line"},
    {"get", "DIR KEY", 2, {}, "prints the value of one key"},
    {"dump", "DIR", 1, {}, "prints KEY<TAB>VALUE for every key"},
    {"stats", "DIR", 1, {}, "prints first_committed, last_committed, keys, and bytes of keys and values"},
    {"digest", "DIR", 1, {}, "prints the digest of all keys and values, and the version that they are of"},
    {"sync",
     "SRC DST",
     2,
     {"delta", "chunk-bytes", "window", "stop-after-chunk", "resume", "trace-sync", "format"},
     "copies the store of SRC to DST, a new directory or an older copy"},
    {"set", "DIR KEY VALUE --accept-risk", 3, {"accept-risk"}, "stores VALUE under KEY"},
    {"rm", "DIR KEY --accept-risk", 2, {"accept-risk"}, "removes KEY"},
};

po::options_description described_options() {
  po::options_description options("Options (before or after the command)");
  auto add = options.add_options();
  add("accept-risk", "needed by set and rm, after which the store differs from its peers' until it is repaired");
  add("quick",
      "compare: trust the digests that the last scrub has stored with both, and read only what differs in them");
  add("delta", "sync: DST may be an older copy, of which only what differs is replaced");
  add("chunk-bytes", po::value<std::string>()->value_name("N"),
      "sync: keys and values in a chunk, bytes (1..8388608, default 1048576); a larger key goes alone");
  add("window", po::value<std::string>()->value_name("N"),
      "sync: chunks that are made durable together (1..64, default 4)");
  add("stop-after-chunk", po::value<std::string>()->value_name("N"),
      "sync: end once chunk N of the copy is durable, with exit code 4");
  add("resume", "sync: go on with a copy that was begun");
  add("trace-sync", "sync: tell every event on standard error, each as one line");
  add("format", po::value<std::string>()->value_name("F"), "sync: plain or json (default plain)");
  add("help", "print this and exit");
  add("version", "print the commit that this was built from and exit");
  return options;
}

Status usage_error(std::string what) { return {Code::invalid_argument, std::move(what) + "; see synod-store --help"}; }

Status assign_number(const std::string& name, const std::string& text, uint64_t most, auto& to) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > most) {
    return usage_error(most == UINT64_MAX
                           ? fmt::format("--{} takes a number from 1, not '{}'", name, text)
                           : fmt::format("--{} takes a number from 1 to {}, not '{}'", name, most, text));
  }
  to = static_cast<std::remove_reference_t<decltype(to)>>(number);
  return Status::ok();
}

Status assign_option(const std::string& name, const std::string& value, StoreSyncOptions& sync) {
  if (name == "chunk-bytes") return assign_number(name, value, 8 << 20, sync.chunk_bytes);
  if (name == "window") return assign_number(name, value, 64, sync.window);
  if (name == "stop-after-chunk") return assign_number(name, value, UINT64_MAX, sync.stop_after_chunk);
  if (name == "resume") sync.resume = true;
  if (name == "delta") sync.delta = true;
  if (name == "trace-sync") sync.trace = true;
  if (name == "format") {
    if (value != "plain" && value != "json") {
      return usage_error(fmt::format("--format takes plain or json, not '{}'", value));
    }
    sync.as_json = value == "json";
  }
  return Status::ok();
}

}  // namespace

Result<StoreOptions> parse_store_options(const std::vector<std::string>& arguments) {
  const Result<CommandLine> line = parse_command_line(arguments, described_options());
  if (!line) return usage_error(line.error().message());
  StoreOptions options{line->has("help"), line->has("version"), {}, line->arguments, line->has("quick"), {}};
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
  const auto takes = [&](const std::string& name) {
    return std::find(command->options.begin(), command->options.end(), name) != command->options.end();
  };
  for (const auto& [name, value] : line->options) {
    if (!takes(name)) return usage_error(fmt::format("{} takes no --{}", command->name, name));
    SYNOD_RETURN_IF_ERROR(assign_option(name, value, options.sync));
  }
  if (takes("accept-risk") && !line->has("accept-risk")) {
    return usage_error(
        fmt::format("{} changes one member's store behind the cluster's back: add --accept-risk", command->name));
  }
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
standard error what it compared. It reads every key and value from disk. With --quick it does not: it compares the digests
of ranges that the members' last scrub has stored, if that was the same one and both stores are of one history since, and
says that it trusted them; it reads the ranges in which they differ. A and B may also be stores by themselves, as
DIR/evidence is, which a repair leaves.

sync copies by the protocol that members sync with, from one snapshot and in chunks, each of them durable with what says
how far the copy is; it verifies the copy before it counts. The copy is a data directory without identity, as compare
takes it: no member's, and none starts on it. Until it is complete it is refused with "unfinished sync at chunk N". With
--resume a sync goes on with it, also from another source, which must be as far as the copy; without it DST must not be
there or be empty. With --delta it may also be a copy that is complete and older: ranges of keys are compared, and what
differs is moved; the old store stays as it is until the new one is verified. What is told at the end is what this run has moved: chunks, the number of the first one, keys, bytes
of keys and values; base_version is the oldest state that the copy was taken from.

A directory that a running monitor uses is refused. All commands but set, rm, and sync of its DST leave every byte of it
as it is.

Exit codes: 0 ok, identical; 1 different, or no such key; 2 error; 4 stopped after --stop-after-chunk; 130 interrupted.
)";
  return text.str();
}

}  // namespace synod
