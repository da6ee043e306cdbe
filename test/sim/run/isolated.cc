// A run in a process of its own.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "base/codec.h"
#include "test/sim/run/runner.h"

namespace synod::sim {
namespace {

// Of a child: an event that never ends is a violation too, and so is one that waits for what never comes. A simulated
// minute takes about a second.
constexpr rlim_t cpu_seconds_per_minute = 60;
constexpr rlim_t seconds_per_minute = 5 * cpu_seconds_per_minute;

void limit_time(Duration simulated) {
  const auto minutes = static_cast<rlim_t>(simulated / std::chrono::minutes(1)) + 4;
  const rlimit limit{minutes * cpu_seconds_per_minute, minutes * cpu_seconds_per_minute};
  ::setrlimit(RLIMIT_CPU, &limit);
  ::alarm(static_cast<unsigned>(minutes * seconds_per_minute));
}

Bytes encode(const RunResult& result) {
  Bytes out;
  put_field(out, result.violation);
  for (const uint64_t number :
       {result.hash, result.requests, result.successes_during_faults, result.faults, result.events}) {
    put_fixed64(out, number);
  }
  for (const uint64_t count : result.counters.all()) put_fixed64(out, count);
  for (const uint64_t count : result.counters.at_sync_points()) put_fixed64(out, count);
  return out;
}

bool decode(ByteView bytes, RunResult& result) {
  Decoder in(bytes);
  result.violation = std::string(in.field());
  for (uint64_t* number :
       {&result.hash, &result.requests, &result.successes_during_faults, &result.faults, &result.events}) {
    *number = in.fixed64();
  }
  for (uint64_t& count : result.counters.all()) count = in.fixed64();
  for (uint64_t& count : result.counters.at_sync_points()) count = in.fixed64();
  return in.is_complete();
}

Bytes read_all(int descriptor) {
  Bytes bytes;
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(descriptor, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(got));
  }
}

}  // namespace

RunningRun start_isolated(const Scenario& scenario, const RunOptions& options) {
  int result_pipe[2];
  int error_pipe[2];
  SYNOD_ASSERT(::pipe(result_pipe) == 0 && ::pipe(error_pipe) == 0, "a process may open four more descriptors");
  std::fflush(stdout);
  const pid_t child = ::fork();
  SYNOD_ASSERT(child >= 0, "a process may start another one");
  if (child == 0) {
    ::close(result_pipe[0]);
    ::close(error_pipe[0]);
    ::dup2(error_pipe[1], STDERR_FILENO);
    limit_time(scenario.length);
    const Bytes result = encode(run(scenario, options));
    const bool is_written =
        ::write(result_pipe[1], result.data(), result.size()) == static_cast<ssize_t>(result.size());
    std::fflush(stdout);
    ::_exit(is_written ? 0 : 1);
  }
  ::close(result_pipe[1]);
  ::close(error_pipe[1]);
  return {child, result_pipe[0], error_pipe[0]};
}

RunResult finish_isolated(const RunningRun& running) {
  const Bytes errors = read_all(running.errors);
  const Bytes bytes = read_all(running.results);
  ::close(running.errors);
  ::close(running.results);
  int status = 0;
  while (::waitpid(running.process, &status, 0) < 0 && errno == EINTR) {
  }
  RunResult result;
  if (decode(bytes, result)) return result;
  result = RunResult();
  const std::string how = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status)) : "no result";
  const std::string said(errors.substr(0, errors.find('\n')));
  result.violation = fmt::format("the process ended with {}: {}", how, said);
  return result;
}

}  // namespace synod::sim
