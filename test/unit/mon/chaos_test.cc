// Random faults, many seeds: kills, power cuts, partitions, hung disks, hand-overs and syncs under clients that write
// and read all the time. The oracles of the cluster run at every step (sim/cluster.h); here, what the clients saw is
// checked.
//
// SIM_SEEDS=N runs N seeds for each size instead of a few; SIM_FIRST=N begins with another one.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "test/sim/cluster.h"

namespace synod::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A register that one client writes, one number after the other, and that everybody reads. After a write of unknown
// outcome the client leaves the register: that write may still take effect. So a read must return at least what was
// known to be there when it began, and at most what had been begun when it ended.
struct Register {
  uint64_t key = 0;
  uint64_t begun = 0;
  uint64_t known = 0;  // acknowledged, or returned by a read
  bool is_left = false;
};

class Workload {
 public:
  explicit Workload(Cluster& cluster) : cluster_(cluster) { registers_.push_back({}); }

  void start() {
    write();
    for (int i = 0; i < 2; ++i) read();
  }
  void stop() { is_stopped_ = true; }
  bool is_idle() const { return running_ == 0; }
  uint64_t done() const { return done_; }
  const std::string& violation() const { return violation_; }

  // After the end: every register holds what was known of it.
  void verify() {
    for (const Register& reg : registers_) {
      const Result<std::string> value = cluster_.get("a", name(reg.key));
      if (!value && value.error().code() != Code::not_found) violation_ = value.error().to_string();
      const uint64_t number = value ? std::stoull(*value) : 0;
      if (number < reg.known || number > reg.begun) fail(reg, number, reg.known, "at the end");
    }
  }

 private:
  static std::string name(uint64_t key) { return fmt::format("register-{}", key); }

  std::string some_member() {
    const std::vector<std::string> names = cluster_.names();
    return names[cluster_.random().below(names.size())];
  }

  void fail(const Register& reg, uint64_t got, uint64_t least, const std::string& when) {
    violation_ = fmt::format("register {} had {} {}, not {}..{}", reg.key, got, when, least, reg.begun);
  }

  ClientRequest timed(uint32_t timeout_ms) {
    ClientRequest request;
    request.timeout_ms = timeout_ms;
    return request;
  }

  void submit(const std::string& to, ClientRequest request, std::function<void(const ClientReply*)> then) {
    ++running_;
    auto is_over = std::make_shared<bool>(false);
    const Duration patience = milliseconds(request.timeout_ms);
    cluster_.request(to, std::move(request), [this, is_over, then](const ClientReply& reply) {
      if (*is_over) return;
      *is_over = true;
      then(&reply);
      --running_;
    });
    cluster_.scheduler().call_after(patience, [this, is_over, then] {
      if (*is_over) return;
      *is_over = true;
      then(nullptr);
      --running_;
    });
  }

  void pause_and(std::function<void()> next) {
    if (is_stopped_) return;
    ++running_;
    cluster_.scheduler().call_after(milliseconds(static_cast<int64_t>(1 + cluster_.random().below(30))),
                                    [this, next = std::move(next)] {
                                      --running_;
                                      if (!is_stopped_) next();
                                    });
  }

  void write() {
    Register& reg = registers_.back();
    const size_t index = registers_.size() - 1;
    const uint64_t number = ++reg.begun;
    ClientRequest request = timed(1500);
    request.body = WriteRequest{{{WriteOp::Type::put, name(reg.key), SharedBytes(std::to_string(number))}}};
    submit(some_member(), std::move(request), [this, index, number](const ClientReply* reply) {
      Register& written = registers_[index];
      if (reply != nullptr && reply->status.is_ok()) {
        written.known = std::max(written.known, number);
        ++done_;
      } else if (reply != nullptr && reply->status.code() == Code::unavailable) {
        --written.begun;  // certainly not done: the number is used again
      } else {
        written.is_left = true;
        registers_.push_back({registers_.size(), 0, 0, false});
      }
      pause_and([this] { write(); });
    });
  }

  void read() {
    const size_t index = registers_.size() - 1 - cluster_.random().below(std::min<size_t>(registers_.size(), 3));
    const Register& reg = registers_[index];
    const uint64_t least = reg.known;
    ClientRequest request = timed(1500);
    const Bytes key = name(reg.key);
    request.body = RangeRequest{key, key + Bytes(1, '\0'), 1, Consistency::linearizable};
    submit(some_member(), std::move(request), [this, index, least](const ClientReply* reply) {
      if (reply != nullptr && reply->status.is_ok()) {
        const auto& range = std::get<RangeReply>(reply->body);
        const uint64_t number = range.items.empty() ? 0 : std::stoull(std::string(range.items[0].value.view()));
        Register& reg_now = registers_[index];
        if (number < least || number > reg_now.begun) fail(reg_now, number, least, "in a read");
        reg_now.known = std::max(reg_now.known, number);
        ++done_;
      }
      pause_and([this] { read(); });
    });
  }

  Cluster& cluster_;
  std::vector<Register> registers_;
  std::string violation_;
  bool is_stopped_ = false;
  int running_ = 0;
  uint64_t done_ = 0;
};

void repair(Cluster& cluster) {
  cluster.heal();
  for (const std::string& name : cluster.running()) cluster.member(name).process->storage.set_hung(false);
}

void disturb(Cluster& cluster) {
  SeededRandom& random = cluster.random();
  const std::vector<std::string> names = cluster.names();
  const std::string victim = names[random.below(names.size())];
  const std::string other = names[random.below(names.size())];
  switch (random.below(11)) {
    case 0: cluster.kill(victim); break;
    case 1: cluster.cut_power(victim); break;
    case 2: cluster.isolate(victim); break;
    case 3: cluster.network().cut(cluster.member(victim).address, cluster.member(other).address); break;
    case 4:
      for (const std::string& name : names) {
        if (random.chance(60)) cluster.cut_power(name);
      }
      break;
    case 5: cluster.heal(); break;
    case 6:
      if (cluster.member(victim).process != nullptr)
        cluster.member(victim).process->storage.set_hung(random.chance(50));
      break;
    case 7:
    case 8: {
      ClientRequest transfer;
      transfer.timeout_ms = 2000;
      transfer.body = TransferRequest{other};
      if (cluster.member(victim).process != nullptr) cluster.request(victim, std::move(transfer), [](const auto&) {});
      break;
    }
    default: repair(cluster); cluster.start_all();
  }
}

// A majority is enough, whichever it is and however far behind some of it are: the others stay dead.
void heal_a_majority(Cluster& cluster, size_t size, uint64_t seed) {
  std::vector<std::string> core = cluster.names();
  for (size_t i = core.size(); i > 1; --i) std::swap(core[i - 1], core[cluster.random().below(i)]);
  while (core.size() > size / 2 + 1) {
    cluster.cut_power(core.back());
    core.pop_back();
  }
  repair(cluster);
  for (const std::string& name : core) {
    if (cluster.member(name).process == nullptr) cluster.start(name);
  }
  // Not by their number: what a dead member granted counts for a moment.
  auto is_in_quorum = [&](const std::string& name) {
    const std::string leader = cluster.leader();
    return !leader.empty() &&
           cluster.monitor(leader).quorum(cluster.scheduler().now()).count(cluster.monitor(name).id()) > 0;
  };
  ASSERT_TRUE(cluster.run_until([&] { return std::all_of(core.begin(), core.end(), is_in_quorum); }, seconds(90)))
      << "no quorum of a majority; size " << size << " seed " << seed;
  const Status served = cluster.put(core.front(), "liveness", "a majority serves", 10000);
  ASSERT_TRUE(served.is_ok()) << served.to_string() << ", asked at " << core.front() << "; size " << size << " seed "
                              << seed;
}

void run_seed(size_t size, uint64_t seed) {
  CoreOptions options;
  options.log_retain_versions = 8;
  options.log_trim_min = 4;
  options.log_trim_max = 6;
  options.sync_chunk_bytes = 300;
  options.fetch_bytes = 100;
  options.window = 1 + seed % 8;
  Cluster cluster(size, seed, options);
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(size); })) << "size " << size << " seed " << seed;
  Workload workload(cluster);
  workload.start();
  for (int i = 0; i < 25; ++i) {
    cluster.run_for(milliseconds(static_cast<int64_t>(50 + cluster.random().below(1500))));
    disturb(cluster);
  }
  heal_a_majority(cluster, size, seed);
  if (testing::Test::HasFatalFailure()) return;
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(size); }, seconds(90)))
      << "no quorum of all; size " << size << " seed " << seed;
  workload.stop();
  ASSERT_TRUE(cluster.run_until([&] { return workload.is_idle(); }, seconds(5)));
  workload.verify();
  cluster.run_for(seconds(2));
  EXPECT_EQ(workload.violation(), "") << "size " << size << " seed " << seed;
  EXPECT_GT(workload.done(), 10U) << "size " << size << " seed " << seed;
  EXPECT_EQ(cluster.differences(), "") << "size " << size << " seed " << seed;
}

uint64_t setting(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::stoull(text);
}

struct Chaos : testing::TestWithParam<size_t> {};

TEST_P(Chaos, no_seed_loses_an_acknowledged_write_or_shows_a_stale_read) {
  const uint64_t first = setting("SIM_FIRST", 1);
  const uint64_t seeds = setting("SIM_SEEDS", 40);
  for (uint64_t seed = first; seed < first + seeds && !HasFailure(); ++seed) run_seed(GetParam(), seed);
}
INSTANTIATE_TEST_SUITE_P(sizes, Chaos, testing::Values(3, 5));

}  // namespace
}  // namespace synod::sim
