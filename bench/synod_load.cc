// Load for a cluster, through the client library: see usage.
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <boost/program_options.hpp>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <latch>
#include <mutex>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/codec.h"
#include "bench/load_report.h"
#include "client/client.h"

namespace synod::bench {
namespace {

namespace po = boost::program_options;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr const char* usage =
    "usage: synod_load fill|run --mons HOST:PORT,... --keys N [OPTION...]\n"
    "\n"
    "fill  writes the keys number FIRST, FIRST + STEP, ... below N, each once, as fast as the cluster takes them, and\n"
    "      prints keys, bytes of keys and values, and seconds.\n"
    "run   reads and writes single keys among the first N, each with the same chance, until SECONDS have passed or\n"
    "      SIGTERM comes. With a rate, requests are due at even intervals, whatever became of those before; a "
    "request's\n"
    "      latency counts from when it was due, and at the end what was due is worked off. Each SIGUSR1 begins a new\n"
    "      phase. Prints counts, and percentiles of the latencies by phase and by second.\n"
    "\n"
    "Results are one line of JSON. A key has 32 bytes, and keys are scattered over the store; a value is random, as\n"
    "far as --random-percent says, and the same for the same seed and key. Each connection has one request under way.\n"
    "Exit status: 0 done, 1 not, 2 usage.\n";

struct Settings {
  std::string command;
  std::string mons;
  uint64_t keys = 0, first = 0, step = 1, batch = 1, seed = 0;
  uint32_t connections = 1, writes_percent = 0;
  size_t value_bytes = 0, random_percent = 100;
  double rate = 0, seconds = 0, timeout_s = 0;
};

po::options_description describe(Settings& settings) {
  po::options_description described("Options", 110, 60);
  described.add_options()                                                                                     //
      ("mons", po::value(&settings.mons)->value_name("LIST"), "the monitors, shared out to the connections")  //
      ("keys", po::value(&settings.keys)->value_name("N"), "how many keys there are")                         //
      ("value-bytes", po::value(&settings.value_bytes)->default_value(1024), "size of a value, bytes")        //
      ("random-percent", po::value(&settings.random_percent)->default_value(100),
       "of a value, 1 to 100; the rest repeats it, and compresses")                                                   //
      ("connections", po::value(&settings.connections)->default_value(16), "as many requests are under way at most")  //
      ("seed", po::value(&settings.seed)->default_value(1), "of the values, and of the order of a run")               //
      ("timeout", po::value(&settings.timeout_s)->default_value(5), "of one request, seconds")                        //
      ("first", po::value(&settings.first)->default_value(0), "fill: number of the first key")                        //
      ("step", po::value(&settings.step)->default_value(1), "fill: from one key's number to the next")                //
      ("batch", po::value(&settings.batch)->default_value(64), "fill: keys in one request")                           //
      ("writes", po::value(&settings.writes_percent)->default_value(50),
       "run: percent of the requests; the rest reads")  //
      ("rate", po::value(&settings.rate)->default_value(0),
       "run: requests per second in all; 0: as fast as answers come")                                 //
      ("seconds", po::value(&settings.seconds)->default_value(0), "run: how long; 0: until SIGTERM")  //
      ("help", "print this and exit");
  return described;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

// ---------------------------------------------------------------------------------------------- keys and values

Bytes key_of(uint64_t number) {
  Bytes encoded;
  put_fixed64(encoded, number);
  return fmt::format("{:016x}{:016}", checksum64(encoded), number);
}

SharedBytes value_of(const Settings& settings, uint64_t number) {
  Bytes origin;
  put_fixed64(origin, settings.seed);
  put_fixed64(origin, number);
  uint64_t state = checksum64(origin) | 1;
  Bytes value;
  value.reserve(settings.value_bytes + sizeof state);
  const size_t random_bytes = (settings.value_bytes * settings.random_percent + 99) / 100;
  while (value.size() < random_bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    put_fixed64(value, state);
  }
  value.resize(random_bytes);
  while (value.size() < settings.value_bytes) value += value;
  value.resize(settings.value_bytes);
  return SharedBytes(std::move(value));
}

WriteOp put_of(const Settings& settings, uint64_t number) {
  return {WriteOp::Type::put, key_of(number), value_of(settings, number)};
}

// Begins with another monitor for each connection.
Client make_client(const Settings& settings, uint32_t connection) {
  std::vector<std::string> monitors = split(settings.mons);
  std::rotate(monitors.begin(), monitors.begin() + connection % static_cast<uint32_t>(monitors.size()), monitors.end());
  return Client({std::move(monitors),
                 std::chrono::duration_cast<Duration>(std::chrono::duration<double>(settings.timeout_s)),
                 {}});
}

// One thread for each connection.
template <class Work>
void run_connections(const Settings& settings, Work work) {
  std::vector<std::jthread> threads;
  for (uint32_t i = 0; i < settings.connections; ++i) threads.emplace_back(work, i);
}

// ---------------------------------------------------------------------------------------------- fill

class Fill {
 public:
  explicit Fill(const Settings& settings) : settings_(settings) {}

  int run() {
    const auto start = std::chrono::steady_clock::now();
    run_connections(settings_, [this](uint32_t connection) { write_batches(connection); });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (!failure_.is_ok()) {
      fmt::print(stderr, "synod_load: {}\n", failure_.message());
      return 1;
    }
    fmt::print("{{\"keys\":{},\"bytes\":{},\"seconds\":{:.3f}}}\n", keys_.load(), bytes_.load(), seconds.count());
    return 0;
  }

 private:
  void write_batches(uint32_t connection) {
    Client client = make_client(settings_, connection);
    while (!has_failed_) {
      const uint64_t begin = settings_.first + next_batch_++ * settings_.batch * settings_.step;
      if (begin >= settings_.keys) return;
      WriteRequest request;
      uint64_t bytes = 0;
      for (uint64_t i = begin; i < settings_.keys && request.ops.size() < settings_.batch; i += settings_.step) {
        request.ops.push_back(put_of(settings_, i));
        bytes += request.ops.back().key.size() + request.ops.back().value.size();
      }
      keys_ += request.ops.size();
      bytes_ += bytes;
      const Result<WriteReply> reply = client.write(std::move(request));
      if (!reply) return fail(reply.error());
    }
  }
  void fail(const Status& reason) {
    const std::lock_guard lock(mutex_);
    if (failure_.is_ok()) failure_ = reason;
    has_failed_ = true;
  }

  const Settings& settings_;
  std::atomic<uint64_t> next_batch_ = 0, keys_ = 0, bytes_ = 0;
  std::atomic<bool> has_failed_ = false;
  std::mutex mutex_;
  Status failure_;
};

// ---------------------------------------------------------------------------------------------- run

class Load {
 public:
  explicit Load(const Settings& settings) : settings_(settings), ready_(settings.connections + 1) {}

  // REQUIRES: the signals are blocked in all threads.
  int run(const sigset_t& signals) {
    std::thread connections([this] { run_connections(settings_, [this](uint32_t connection) { work(connection); }); });
    ready_.arrive_and_wait();
    start_ = std::chrono::steady_clock::now();
    started_.count_down();
    LoadRun run;
    wait_for_end(signals, run.phases);
    run.length = end_ - start_;
    connections.join();
    run.requests = std::move(requests_);
    fmt::print("{}\n", json_of(run));
    return 0;
  }

 private:
  // Until the time is up or a signal ends it; notes where phases begin.
  void wait_for_end(const sigset_t& signals, std::vector<Duration>& phases) {
    const bool is_endless = settings_.seconds == 0;
    const SteadyTime until =
        start_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(settings_.seconds));
    for (;;) {
      const Duration left = is_endless ? std::chrono::hours(1) : until - std::chrono::steady_clock::now();
      if (left <= Duration()) break;
      const timespec wait{left / std::chrono::seconds(1), (left % std::chrono::seconds(1)).count()};
      const int signal = sigtimedwait(&signals, nullptr, &wait);
      if (signal == SIGUSR1) phases.push_back(std::chrono::steady_clock::now() - start_);
      if (signal == SIGTERM || signal == SIGINT) break;
    }
    const std::lock_guard lock(mutex_);
    end_ = std::chrono::steady_clock::now();
    is_over_ = true;
    over_.notify_all();
  }

  // When the next request is due; waits until then. Nothing: that is after the end. What was due before is worked off.
  std::optional<SteadyTime> next_due() {
    std::unique_lock lock(mutex_);
    if (settings_.rate == 0) return is_over_ ? std::nullopt : std::optional(std::chrono::steady_clock::now());
    const std::chrono::duration<double> offset(static_cast<double>(next_++) / settings_.rate);
    const SteadyTime due = start_ + std::chrono::duration_cast<Duration>(offset);
    over_.wait_until(lock, due, [this] { return is_over_; });
    return is_over_ && due > end_ ? std::nullopt : std::optional(due);
  }

  void work(uint32_t connection) {
    prctl(PR_SET_TIMERSLACK, 1000);  // nanoseconds: what is due begins then, not 50 us later
    Client client = make_client(settings_, connection);
    std::mt19937_64 random(settings_.seed * 1'000'003 + connection);
    // The connection and the session are there before the time runs.
    if (settings_.writes_percent > 0) {
      note_failure(perform(client, Kind::write, connection % settings_.keys));
    } else {
      note_failure(perform(client, Kind::read, connection % settings_.keys));
    }
    ready_.arrive_and_wait();
    started_.wait();
    std::vector<Request> requests;
    while (const std::optional<SteadyTime> due = next_due()) {
      const Kind kind = random() % 100 < settings_.writes_percent ? Kind::write : Kind::read;
      const Status status = perform(client, kind, random() % settings_.keys);
      requests.push_back({*due - start_, std::chrono::steady_clock::now() - *due, kind, note_failure(status)});
    }
    const std::lock_guard lock(mutex_);
    requests_.insert(requests_.end(), requests.begin(), requests.end());
  }

  Status perform(Client& client, Kind kind, uint64_t number) {
    if (kind == Kind::write) {
      WriteRequest request;
      request.ops.push_back(put_of(settings_, number));
      return client.write(std::move(request)).status();
    }
    const Bytes key = key_of(number);
    return client.range({.begin = key, .end = key + '\0', .limit = 1, .consistency = Consistency::linearizable})
        .status();
  }

  Outcome note_failure(const Status& status) {
    if (status.is_ok()) return Outcome::ok;
    if (shown_++ < 5) fmt::print(stderr, "synod_load: {}\n", status.to_string());
    return status.code() == Code::unknown_outcome ? Outcome::unknown : Outcome::failed;
  }

  const Settings& settings_;
  std::latch ready_;
  std::latch started_{1};
  SteadyTime start_, end_;
  std::atomic<int> shown_ = 0;
  std::mutex mutex_;  // of all below
  std::condition_variable over_;
  bool is_over_ = false;
  uint64_t next_ = 0;
  std::vector<Request> requests_;
};

// ---------------------------------------------------------------------------------------------- main

Status check(const Settings& settings) {
  const auto wrong = [](const char* what) {
    return Status(Code::invalid_argument, std::string(what) + "; see --help");
  };
  if (settings.command != "fill" && settings.command != "run") return wrong("the command is fill or run");
  if (split(settings.mons).empty()) return wrong("--mons is missing");
  if (settings.keys == 0) return wrong("--keys is missing");
  if (settings.connections == 0 || settings.connections > 1000) return wrong("--connections is not between 1 and 1000");
  if (settings.batch == 0 || settings.batch > write_ops_max) return wrong("--batch is not between 1 and 10000");
  if (settings.step == 0) return wrong("--step is 0");
  if (settings.random_percent < 1 || settings.random_percent > 100)
    return wrong("--random-percent is not between 1 and 100");
  if (settings.writes_percent > 100) return wrong("--writes is above 100");
  if (settings.rate < 0 || settings.seconds < 0 || settings.timeout_s <= 0)
    return wrong("a time or a rate is negative");
  return Status::ok();
}

int run(const Settings& settings) {
  if (settings.command == "fill") return Fill(settings).run();
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by all threads: only the main thread takes them
  return Load(settings).run(signals);
}

}  // namespace
}  // namespace synod::bench

int main(int argc, char** argv) {
  using namespace synod::bench;
  Settings settings;
  po::options_description options = describe(settings);
  po::options_description all;
  all.add(options).add_options()("command", po::value(&settings.command));
  try {
    po::variables_map found;
    po::store(po::command_line_parser(argc, argv)
                  .options(all)
                  .positional(po::positional_options_description().add("command", 1))
                  .run(),
              found);
    po::notify(found);
    if (found.count("help") > 0) {
      fmt::print("{}\n{}", usage, fmt::streamed(options));
      return 0;
    }
    const synod::Status status = check(settings);
    if (!status.is_ok()) throw po::error(status.message());
  } catch (const po::error& error) {
    fmt::print(stderr, "synod_load: {}\n", error.what());
    return 2;
  }
  return run(settings);
}
