#include "tools/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <sstream>

#include "msg/transport.h"
#include "tools/command_line.h"

namespace synod {
namespace {

namespace po = boost::program_options;

struct Command {
  const char* name;
  const char* usage;
  size_t min_arguments;
  size_t max_arguments;
  std::vector<const char*> options;  // of its own
};

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"status", "[--wait-quorum N]", 0, 0, {"wait-quorum"}},
      {"put", "KEY VALUE", 2, 2, {}},
      {"get", "KEY [--consistency C]", 1, 1, {"consistency"}},
      {"del", "KEY", 1, 1, {}},
      {"range", "KEY [END] | --prefix P [--limit N] [--consistency C]", 0, 2, {"prefix", "limit", "consistency"}},
      {"export", "[--prefix P] [--consistency C]", 0, 0, {"prefix", "consistency"}},
      {"leader", "transfer NAME", 2, 2, {}},
      {"import", "FILE|- [--batch N]", 1, 1, {"batch"}},
      {"scrub", "", 0, 0, {}},
  };
  return all;
}

po::options_description described_options() {
  po::options_description options("Options (before or after the command)");
  const auto text = [] { return po::value<std::string>(); };
  auto add = options.add_options();
  add("mons", text()->value_name("HOST:PORT,..."), "the monitors, asked in this order (default: $SYNOD_MONS)");
  add("format", text()->value_name("plain|json"), "of the results (default: plain)");
  add("timeout", text()->value_name("S"),
      "seconds that one request may take (default: 5); export and range send one request a page, import one a batch, "
      "and status --wait-quorum and scrub wait as long in all (scrub without it: 600)");
  add("wait-quorum", text()->value_name("N"), "status: wait until N members are in quorum; exit 3 when the time is up");
  add("consistency", text()->value_name("C"),
      "get, range, export: 'linearizable' sees every write that was acknowledged before; 'serializable' is answered by "
      "one monitor alone, also without a quorum, and may be stale (default: linearizable)");
  add("prefix", text()->value_name("P"), "range, export: the keys that start with P");
  add("limit", text()->value_name("N"), "range: at most N keys; 0: all (default: 0)");
  add("batch", text()->value_name("N"), "import: at most N keys, and 512 KiB, in one request (default: 256)");
  add("help", "print this and exit");
  add("version", "print the commit that this was built from and exit");
  return options;
}

Status usage_error(std::string what) { return {Code::invalid_argument, std::move(what) + "; see synod --help"}; }

Result<uint64_t> parse_count(const std::string& option, const std::string& text, uint64_t least) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least) {
    return usage_error(fmt::format("--{} takes a number from {}, not '{}'", option, least, text));
  }
  return number;
}

Result<Duration> parse_timeout(const std::string& text) {
  constexpr double longest_s = 86'400;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds >= 0.001 && seconds <= longest_s)) {
    return usage_error(fmt::format("--timeout takes seconds from 0.001 to {}, not '{}'", longest_s, text));
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Result<std::vector<std::string>> parse_monitors(const std::string& text) {
  std::vector<std::string> monitors;
  std::istringstream parts(text + ",");
  for (std::string part; std::getline(parts, part, ',');) {
    if (Result<Address> address = parse_address(part); !address) return usage_error(address.error().message());
    if (std::find(monitors.begin(), monitors.end(), part) == monitors.end()) monitors.push_back(part);
  }
  return monitors;
}

template <class T>
Status assign(T& to, Result<T> from) {
  if (!from) return from.error();
  to = *std::move(from);
  return Status::ok();
}

Status assign_choice(const std::string& name, const std::string& value, Options& options) {
  if (name == "format" && (value == "plain" || value == "json")) {
    options.format = value == "json" ? Format::json : Format::plain;
    return Status::ok();
  }
  if (name == "consistency" && (value == "linearizable" || value == "serializable")) {
    options.consistency = value == "serializable" ? Consistency::serializable : Consistency::linearizable;
    return Status::ok();
  }
  return usage_error(fmt::format("--{} takes {}, not '{}'", name,
                                 name == "format" ? "plain or json" : "linearizable or serializable", value));
}

Status assign_option(const std::string& name, const std::string& value, Options& options) {
  if (name == "mons") return assign(options.monitors, parse_monitors(value));
  if (name == "timeout") return assign(options.timeout, parse_timeout(value));
  if (name == "limit") return assign(options.limit, parse_count(name, value, 0));
  if (name == "batch") return assign(options.batch_keys, parse_count(name, value, 1));
  if (name == "format" || name == "consistency") return assign_choice(name, value, options);
  if (name == "prefix") {
    options.prefix = value;
    return Status::ok();
  }
  Result<uint64_t> count = parse_count(name, value, 1);
  if (!count) return count.error();
  options.wait_quorum = *count;
  return Status::ok();
}

Status check_command(const Options& options, const CommandLine& line) {
  if (options.command.empty()) return usage_error("no command given");
  const auto& all = commands();
  const auto command =
      std::find_if(all.begin(), all.end(), [&](const Command& c) { return options.command == c.name; });
  if (command == all.end()) return usage_error(fmt::format("unknown command '{}'", options.command));
  for (const auto& [name, value] : line.options) {
    if (name == "mons" || name == "format" || name == "timeout") continue;
    const auto& own = command->options;
    if (std::find(own.begin(), own.end(), name) == own.end()) {
      return usage_error(fmt::format("{} takes no option --{}", command->name, name));
    }
  }
  const size_t count = options.arguments.size();
  const bool is_range = options.command == "range";
  const size_t least = is_range && !options.prefix ? 1 : command->min_arguments;
  const size_t most = is_range && options.prefix ? 0 : command->max_arguments;
  if (count < least || count > most) {
    return usage_error(fmt::format("too {} arguments: synod {}{}{}", count < least ? "few" : "many", command->name,
                                   *command->usage == '\0' ? "" : " ", command->usage));
  }
  if (options.command == "leader" && options.arguments[0] != "transfer") {
    return usage_error(fmt::format("unknown command 'leader {}'", options.arguments[0]));
  }
  if (options.monitors.empty()) return usage_error("no monitor given: use --mons HOST:PORT,... or set SYNOD_MONS");
  return Status::ok();
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments, const std::string& default_monitors) {
  Result<CommandLine> line = parse_command_line(arguments, described_options());
  if (!line) return usage_error(line.error().message());
  Options options;
  options.help = line->has("help");
  options.version = line->has("version");
  if (options.help || options.version) return options;
  for (const auto& [name, value] : line->options) SYNOD_RETURN_IF_ERROR(assign_option(name, value, options));
  if (!line->arguments.empty()) options.command = line->arguments.front();
  if (options.command == "scrub" && !line->has("timeout")) options.timeout = std::chrono::minutes(10);
  if (options.monitors.empty() && !default_monitors.empty()) {
    SYNOD_RETURN_IF_ERROR(assign(options.monitors, parse_monitors(default_monitors)));
  }
  if (line->arguments.size() > 1) options.arguments.assign(line->arguments.begin() + 1, line->arguments.end());
  SYNOD_RETURN_IF_ERROR(check_command(options, *line));
  return options;
}

std::string help_text() {
  std::ostringstream text;
  text << "synod: the client of a Synod cluster\n\nUsage: synod [OPTION]... COMMAND [ARGUMENT]...\n\n";
  for (const Command& command : commands()) text << "  synod " << command.name << ' ' << command.usage << '\n';
  text << '\n' << described_options();
  text << R"(
Commands
  status  the cluster and its members; exit 0 with a quorum, 3 without one
  put     stores VALUE under KEY; a VALUE of - is read from standard input, to its end
  get     prints the value and a newline
  del     removes KEY; exit 1 if it does not exist
  range   prints the keys from KEY up to END (not included; without END: to the last one), or those that start with P
  export  prints all keys; pages may be of different revisions while others write
  leader transfer
          has the leader hand over to the member NAME, once that one is level; no request fails
  import  stores what range and export print. A file is checked as a whole before anything is stored; of what comes
          through a pipe, the lines before a malformed one may be stored.
  scrub   has the members read their stores from their disks and compare them now. One line for each: NAME, its version,
          keys, digest, and 'same', 'different' or 'no report'; of one that is different, the keys and what it does about
          it. Exit 0 if all are the same, 1 if one is different, 3 if one did not report.

Put, del and each batch of import are sent again until they are answered or the time is up, and are done once at most.

Range and export print, and import reads, one line KEY<TAB>VALUE for each key, in which \t \n \r \\ stand for a tab, a
newline, a carriage return and a backslash, and \xHH for any byte. In JSON a key or value that is not UTF-8 is an object
{"escaped": TEXT} with that form. Arguments that start with - go behind --.

Exit codes: 0 ok; 1 not found, or different; 2 usage, or input that cannot be read; 3 no quorum or no answer in time,
and certainly not done; 4 outcome unknown: it may have been done, or be done yet; 5 refused by the cluster; 130 interrupted.
)";
  return text.str();
}

}  // namespace synod
