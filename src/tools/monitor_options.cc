#include "tools/monitor_options.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "tools/command_line.h"

namespace synod {
namespace {

namespace po = boost::program_options;

constexpr const char* usage =
    "usage: synod-mon --name NAME --data DIR --initial-members NAME=HOST:PORT,...\n"
    "\n"
    "Runs one member of a Synod cluster in the foreground, until SIGTERM. The same command line serves for the first\n"
    "start and for every restart: all first members are started with the same list, and form the cluster when each "
    "has\n"
    "heard of the others. One port serves members and clients. Logs go to stderr.\n"
    "\n"
    "Exit status: 0 stopped, 2 usage, 3 directory refused, 4 disk failure, 5 superseded.\n";

constexpr uint64_t mebibyte = 1 << 20;
constexpr uint64_t scrub_interval_seconds = 3600;

// The settings as they are typed; numbers are checked against their ranges before they are used.
struct Settings {
  std::string name, data, initial_members, config, log_level;
  uint64_t lease_ms = 0, log_retain_versions = 0, log_trim_min = 0;
  uint64_t max_value_bytes = 0, max_key_bytes = 0, sync_chunk_bytes = 0, sync_rate = 0, sync_hold_bytes = 0,
           scrub_interval = 0, scrub_rate = 0, write_buffer_bytes = 0;
  bool mirror_store = false, trace_sync = false;
};

po::options_description describe(Settings& settings) {
  const DaemonOptions defaults;
  const auto lease_ms = static_cast<uint64_t>(to_milliseconds(defaults.core.lease));
  po::options_description described("Options, on the command line or as NAME = VALUE lines of the INI file", 110, 60);
  auto number = [](uint64_t& target, uint64_t value) { return po::value(&target)->default_value(value); };
  described.add_options()                                                                        //
      ("name", po::value(&settings.name)->value_name("NAME"), "this member's name in the list")  //
      ("data", po::value(&settings.data)->value_name("DIR"),
       "its directory; made, with a new member id, if missing")  //
      ("initial-members", po::value(&settings.initial_members)->value_name("LIST"),
       "NAME=HOST:PORT,...: the first members, the same list for each of them")                               //
      ("config", po::value(&settings.config)->value_name("FILE"), "INI file; the command line wins over it")  //
      ("form", po::bool_switch(), "form a cluster of one member and exit when it exists; once")               //
      ("lease-ms", number(settings.lease_ms, lease_ms),
       "lease of the leader, milliseconds (100..60000); the same for all members")  //
      ("log-retain-versions", number(settings.log_retain_versions, defaults.core.log_retain_versions),
       "versions that the log keeps at least (1..1000000)")  //
      ("log-trim-min", number(settings.log_trim_min, defaults.core.log_trim_min),
       "trim when there are this many more (1..1000000)")  //
      ("max-value-bytes", number(settings.max_value_bytes, defaults.core.value_bytes_max),
       "largest value, bytes (1..4194304)")  //
      ("max-key-bytes", number(settings.max_key_bytes, defaults.core.key_bytes_max),
       "largest key, bytes (1..65536)")  //
      ("sync-chunk-bytes", number(settings.sync_chunk_bytes, defaults.core.sync_chunk_bytes),
       "size of a chunk of store synchronization, bytes (1024..8388608)")  //
      ("sync-rate", number(settings.sync_rate, defaults.core.sync_rate),
       "what this member sends to members that sync, all together, bytes per second (0: no limit, or "
       "16384..1000000000000)")  //
      ("sync-hold-bytes", number(settings.sync_hold_bytes, defaults.core.sync_hold_bytes),
       "what the log keeps at most for a member that syncs, bytes of values (65536..1000000000000)")  //
      ("scrub-interval", number(settings.scrub_interval, scrub_interval_seconds),
       "from one comparison of the members' stores, read from their disks, to the next, seconds "
       "(0: never by itself, or 1..31536000)")  //
      ("scrub-rate", number(settings.scrub_rate, defaults.core.scrub_rate),
       "what this member reads of its store for that, bytes per second (0: no limit, or 16384..1000000000000)")  //
      ("write-buffer-bytes", number(settings.write_buffer_bytes, defaults.database.write_buffer_bytes),
       "LevelDB's write buffer, bytes (65536..1073741824)")  //
      ("mirror-store", po::bool_switch(&settings.mirror_store),
       "for debugging: keep all of the store in memory, too, compare each operation, and stop at the first "
       "difference")  //
      ("trace-sync", po::bool_switch(&settings.trace_sync),
       "log every event of store synchronization, each as one line, at level info; doc/sync.md lists them")  //
      ("log-level", po::value(&settings.log_level)->value_name("LEVEL")->default_value("info"),
       "debug, info, warning, error or off")  //
      ("help", "print this")("version", "print the version, with the commit");
  return described;
}

Status check_range(const char* option, uint64_t value, uint64_t low, uint64_t high) {
  if (value >= low && value <= high) return Status::ok();
  return {Code::invalid_argument, fmt::format("--{} {} is not between {} and {}", option, value, low, high)};
}

Result<DaemonOptions> to_options(const Settings& settings, bool form) {
  for (const auto& [option, value] : {std::pair("name", &settings.name), std::pair("data", &settings.data),
                                      std::pair("initial-members", &settings.initial_members)}) {
    if (value->empty()) return Status(Code::invalid_argument, fmt::format("--{} is missing; see --help", option));
  }
  SYNOD_RETURN_IF_ERROR(check_range("lease-ms", settings.lease_ms, 100, 60'000));
  SYNOD_RETURN_IF_ERROR(check_range("log-retain-versions", settings.log_retain_versions, 1, 1'000'000));
  SYNOD_RETURN_IF_ERROR(check_range("log-trim-min", settings.log_trim_min, 1, 1'000'000));
  SYNOD_RETURN_IF_ERROR(check_range("max-value-bytes", settings.max_value_bytes, 1, 4 * mebibyte));
  SYNOD_RETURN_IF_ERROR(check_range("max-key-bytes", settings.max_key_bytes, 1, 65'536));
  SYNOD_RETURN_IF_ERROR(check_range("sync-chunk-bytes", settings.sync_chunk_bytes, 1024, 8 * mebibyte));
  if (settings.sync_rate != 0) {
    SYNOD_RETURN_IF_ERROR(check_range("sync-rate", settings.sync_rate, CoreOptions::sync_rate_min, 1'000'000'000'000));
  }
  SYNOD_RETURN_IF_ERROR(check_range("sync-hold-bytes", settings.sync_hold_bytes, 65'536, 1'000'000'000'000));
  SYNOD_RETURN_IF_ERROR(check_range("scrub-interval", settings.scrub_interval, 0, 31'536'000));
  if (settings.scrub_rate != 0) {
    SYNOD_RETURN_IF_ERROR(check_range("scrub-rate", settings.scrub_rate, 16'384, 1'000'000'000'000));
  }
  SYNOD_RETURN_IF_ERROR(check_range("write-buffer-bytes", settings.write_buffer_bytes, 65'536, 1024 * mebibyte));
  Result<std::vector<InitialMember>> members = parse_initial_members(settings.initial_members);
  if (!members) return Status(Code::invalid_argument, "--initial-members: " + members.error().message());
  const bool is_listed =
      std::any_of(members->begin(), members->end(), [&](const auto& m) { return m.name == settings.name; });
  if (!is_listed) {
    return Status(Code::invalid_argument, fmt::format("--name {} is not in the member list", settings.name));
  }
  DaemonOptions options;
  options.name = settings.name;
  options.data = settings.data;
  options.initial_members = *std::move(members);
  options.form = form;
  options.core.lease = std::chrono::milliseconds(settings.lease_ms);
  options.core.log_retain_versions = settings.log_retain_versions;
  options.core.log_trim_min = settings.log_trim_min;
  options.core.value_bytes_max = settings.max_value_bytes;
  options.core.key_bytes_max = settings.max_key_bytes;
  options.core.sync_chunk_bytes = settings.sync_chunk_bytes;
  options.core.sync_rate = settings.sync_rate;
  options.core.sync_hold_bytes = settings.sync_hold_bytes;
  options.core.scrub_interval = std::chrono::seconds(settings.scrub_interval);
  options.core.scrub_rate = settings.scrub_rate;
  options.database.write_buffer_bytes = settings.write_buffer_bytes;
  options.database.mirror = settings.mirror_store;
  options.trace_sync = settings.trace_sync;
  return options;
}

void read_config(const std::string& path, const po::options_description& described, po::variables_map& found,
                 bool& has_percent) {
  std::ifstream file(path);
  if (!file) throw po::error(fmt::format("cannot read the configuration file {}", path));
  std::istringstream text({std::istreambuf_iterator<char>(file), {}});
  has_percent |= text.view().find('%') != ByteView::npos;
  po::store(po::parse_config_file(text, described), found);
}

// Boost reports by exception. `has_percent`: see explain().
Result<MonitorOptions> parse(const std::vector<std::string>& words, bool& has_percent) {
  for (const std::string& word : words) has_percent |= word.find('%') != word.npos;
  Settings settings;
  const po::options_description described = describe(settings);
  po::variables_map found;
  using po::command_line_style::allow_guessing;
  using po::command_line_style::unix_style;
  const po::positional_options_description no_arguments;
  po::store(po::command_line_parser(words)
                .options(described)
                .positional(no_arguments)
                .style(unix_style & ~allow_guessing)
                .run(),
            found);
  MonitorOptions parsed;
  parsed.help = found.count("help") > 0;
  parsed.version = found.count("version") > 0;
  if (parsed.help || parsed.version) return parsed;
  if (found.count("config") > 0) {
    read_config(found["config"].as<std::string>(), described, found, has_percent);
  }
  po::notify(found);
  const Result<LogLevel> level = parse_log_level(settings.log_level);
  if (!level) return level.error();
  parsed.log_level = *level;
  Result<DaemonOptions> daemon = to_options(settings, found["form"].as<bool>());
  if (!daemon) return daemon.error();
  parsed.daemon = *std::move(daemon);
  return parsed;
}

}  // namespace

Result<MonitorOptions> parse_monitor_options(const std::vector<std::string>& words) {
  bool has_percent = false;
  try {
    return parse(words, has_percent);
  } catch (const po::error& error) {
    return Status(Code::invalid_argument, fmt::format("{}; see --help", explain(error, has_percent)));
  }
}

std::string monitor_help() {
  Settings settings;
  return fmt::format("{}\n{}", usage, fmt::streamed(describe(settings)));
}

}  // namespace synod
