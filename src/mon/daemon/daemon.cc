#include "mon/daemon/daemon.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "mon/core/sync/requester.h"
#include "mon/daemon/executor.h"
#include "mon/daemon/store_engine.h"
#include "mon/daemon/store_threads.h"
#include "mon/service/monmap_service.h"
#include "msg/asio_loop.h"

namespace synod {
namespace {

class DeviceRandom : public Random {
 public:
  uint64_t next() override { return uint64_t{device_()} << 32 | device_(); }

 private:
  std::random_device device_;
};

// Why a directory cannot be used: an exit code and a sentence.
struct Refusal {
  int code;
  std::string why;
};

struct Opened {
  std::unique_ptr<DataDir> dir;
  std::unique_ptr<MonitorStore> store;
  MonitorStart start;
};

// The sentence for the crash report; one daemon runs in a process.
const Executor* reported_executor = nullptr;

void report_crash() {
  if (reported_executor == nullptr) return;
  std::fputs("last trace events:\n", stderr);
  for (const std::string& line : reported_executor->recent_trace()) std::fprintf(stderr, "  %s\n", line.c_str());
}

std::optional<Refusal> load_identity(const DaemonOptions& options, Random& random, Opened& opened) {
  Result<std::optional<Bytes>> record = opened.dir->read_identity();
  if (!record) return Refusal{exit_disk_failure, record.error().message()};
  Identity& identity = opened.start.identity;
  if (*record) {
    Result<Identity> decoded = Identity::decode(**record);
    if (!decoded) return Refusal{exit_disk_failure, options.data + ": " + decoded.error().message()};
    identity = *std::move(decoded);
  } else if (opened.dir->has_store()) {
    return Refusal{exit_directory_refused,
                   fmt::format("{} has a store and no identity: a member without its memory must not vote; move the "
                               "directory away and start again, to return as a new member id",
                               options.data)};
  } else {
    while (!identity.id) identity.id = MemberId(random.next());
    identity.name = options.name;
  }
  if (identity.name != options.name) {
    return Refusal{exit_directory_refused, fmt::format("{} is the directory of member '{}', not of '{}'", options.data,
                                                       identity.name, options.name)};
  }
  return std::nullopt;
}

std::optional<Refusal> check_formation(const DaemonOptions& options, const Identity& identity) {
  const bool is_formed = identity.formation == FormationState::formed;
  if (options.form && (is_formed || options.initial_members.size() != 1)) {
    return Refusal{exit_usage, is_formed ? fmt::format("--form: {} belongs to a cluster already", options.data)
                                         : "--form forms a cluster of one; --initial-members names more"};
  }
  if (!options.form && !is_formed && options.initial_members.size() == 1) {
    return Refusal{exit_usage,
                   fmt::format("{} belongs to no cluster, and the list has one member: form the cluster by running "
                               "once with --form",
                               options.data)};
  }
  return std::nullopt;
}

std::optional<Refusal> load_store(const DaemonOptions& options, Opened& opened) {
  Identity& identity = opened.start.identity;
  if (identity.formation != FormationState::formed) return std::nullopt;
  auto failed = [&](const Status& status) { return Refusal{exit_disk_failure, status.message()}; };
  Result<std::unique_ptr<KeyValueDB>> db = opened.dir->open_current(options.database);
  if (!db) return failed(db.error());
  opened.store = std::make_unique<MonitorStore>(*std::move(db));
  Result<LogState> log = opened.store->load_log();
  if (!log) return failed(log.error());
  const Result<std::optional<Bytes>> marker = opened.store->get_local(synchronizing_key);
  if (!marker) return failed(marker.error());
  const Result<std::optional<Bytes>> monmap = opened.store->new_reader()->get(monmap_key);
  if (!monmap) return failed(monmap.error());
  Result<Monmap> decoded = Monmap::decode(monmap->value_or(Bytes()));
  if (!decoded) return failed(Status(Code::corruption, options.data + ": " + decoded.error().message()));
  opened.start.is_marked = marker->has_value();
  opened.start.log = *std::move(log);
  opened.start.monmap = *std::move(decoded);
  return std::nullopt;
}

std::optional<Refusal> open_directory(const DaemonOptions& options, Random& random, Opened& opened) {
  Result<std::unique_ptr<DataDir>> dir = DataDir::open(options.data);
  if (!dir) return Refusal{exit_directory_refused, dir.error().message()};
  opened.dir = *std::move(dir);
  opened.start.options = options.core;
  opened.start.initial_members = options.initial_members;
  opened.start.may_form_alone = options.form;
  for (const InitialMember& member : options.initial_members) {
    if (member.name == options.name) opened.start.address = member.address;
  }
  if (auto refusal = load_identity(options, random, opened)) return refusal;
  if (auto refusal = check_formation(options, opened.start.identity)) return refusal;
  if (auto refusal = load_store(options, opened)) return refusal;
  // Counted and written twice before the first message (I-4).
  ++opened.start.identity.start_count;
  const Status written = opened.dir->write_identity(opened.start.identity.encode());
  if (!written.is_ok()) return Refusal{exit_directory_refused, written.message()};
  return std::nullopt;
}

int run_opened(const DaemonOptions& options, AsioLoop& loop, Random& random, Opened opened, const bool& is_stopped) {
  int exit_code = exit_stopped;
  auto on_exit = [&](int code, const std::string& reason) {
    log(LogLevel::error, "stops: {}", reason);
    exit_code = code;
    loop.stop();
  };
  StoreEngine engine(*opened.dir, std::move(opened.store), {options.database, options.core.answer_bytes_max});
  StoreThreads storage(engine, [&](std::function<void()> task) { loop.post(std::move(task)); });
  const std::string address = opened.start.address;
  Executor executor({loop, loop, random, loop, storage}, std::move(opened.start), options.messenger, on_exit);
  reported_executor = &executor;
  set_crash_reporter(report_crash);
  const Status started = executor.start();
  if (!started.is_ok()) {
    log(LogLevel::error, "stops: {}", started.message());
    exit_code = exit_usage;
  } else {
    log(LogLevel::info, "mon.{} member id {} listens at {}, directory {}", options.name,
        to_string(executor.monitor().id()), address, options.data);
  }
  std::function<void()> look_whether_formed = [&] {
    if (executor.monitor().state() == MemberState::leader) loop.stop();
    loop.call_at(loop.now() + std::chrono::milliseconds(10), look_whether_formed);
  };
  if (options.form) look_whether_formed();
  if (started.is_ok() && !is_stopped) loop.run();
  set_crash_reporter(nullptr);
  reported_executor = nullptr;
  return exit_code;
}

}  // namespace

int run_daemon(const DaemonOptions& options) {
  AsioLoop loop;
  bool is_stopped = false;
  // First of all, so that it ends in good order whenever it is told to.
  loop.on_signals({SIGTERM, SIGINT}, [&](int signal) {
    log(LogLevel::info, "stops: signal {}", signal);
    is_stopped = true;
    loop.stop();
  });
  DeviceRandom random;
  Opened opened;
  if (const auto refusal = open_directory(options, random, opened)) {
    log(LogLevel::error, "stops: {}", refusal->why);
    return refusal->code;
  }
  return run_opened(options, loop, random, std::move(opened), is_stopped);
}

}  // namespace synod
