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
#include "mon/daemon/executor.h"
#include "mon/daemon/open_files.h"
#include "mon/daemon/open_member.h"
#include "mon/daemon/store_engine.h"
#include "mon/daemon/store_threads.h"
#include "mon/daemon/unfinished_copy.h"
#include "msg/asio_loop.h"

namespace synod {
namespace {

class DeviceRandom : public Random {
 public:
  uint64_t next() override { return uint64_t{device_()} << 32 | device_(); }

 private:
  std::random_device device_;
};

// The sentence for the crash report; one daemon runs in a process.
const Executor* reported_executor = nullptr;

void report_crash() {
  if (reported_executor == nullptr) return;
  std::fputs("last trace events:\n", stderr);
  for (const std::string& line : reported_executor->recent_trace()) std::fprintf(stderr, "  %s\n", line.c_str());
}

int run_opened(const DaemonOptions& options, AsioLoop& loop, Random& random, DataDir& dir, OpenedMember opened,
               const bool& is_stopped) {
  int exit_code = exit_stopped;
  auto on_exit = [&](int code, const std::string& reason) {
    log(LogLevel::error, "stops: {}", reason);
    exit_code = code;
    loop.stop();
  };
  StoreEngine engine(dir, std::move(opened.store), {options.database, options.core.answer_bytes_max});
  if (opened.unfinished) engine.go_on_with(*std::move(opened.unfinished));
  StoreThreads storage(engine, [&](std::function<void()> task) { loop.post(std::move(task)); });
  const std::string address = opened.start.address;
  Executor executor({loop, loop, random, loop, storage}, std::move(opened.start), within_open_files(options.messenger),
                    on_exit);
  if (options.database.mirror) {
    log(LogLevel::warning, "mirrors its store in memory and compares every operation: for debugging");
  }
  if (options.trace_sync) {
    executor.trace_sync([&executor](const SyncEvent& event) {
      log(LogLevel::info, "{} {}", executor.monitor().trace_prefix(), to_string(event));
    });
  }
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

// What synod-store sync has begun is nobody's directory yet.
Status check_no_unfinished_sync(DataDir& dir) {
  const Result<std::optional<Bytes>> identity = dir.read_identity();
  if (!identity || *identity) return Status::ok();  // open_member says more
  const Result<std::optional<StoreHome::NewStore>> store = dir.open_unfinished({});
  if (!store || !*store) return Status::ok();
  const Result<std::optional<CopyRecord>> copy = decode_copy_record((*store)->record);
  return copy && *copy ? unfinished_sync(dir.path(), **copy) : Status::ok();
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
  auto refuse = [](int code, const std::string& why) {
    log(LogLevel::error, "stops: {}", why);
    return code;
  };
  Result<std::unique_ptr<DataDir>> dir = DataDir::open(options.data);
  if (!dir) return refuse(exit_directory_refused, dir.error().message());
  const Status is_free = check_no_unfinished_sync(**dir);
  if (!is_free.is_ok()) return refuse(exit_directory_refused, is_free.message());
  OpenedMember opened;
  if (const auto refusal = open_member(**dir, options, random, opened)) return refuse(refusal->code, refusal->why);
  return run_opened(options, loop, random, **dir, std::move(opened), is_stopped);
}

}  // namespace synod
