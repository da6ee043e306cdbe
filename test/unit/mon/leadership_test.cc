// Whole clusters under virtual time: how leadership moves, with and without a fault, and how long that takes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "test/sim/cluster.h"

namespace synod::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Leadership {
  explicit Leadership(size_t members, uint64_t seed) : size(members), cluster(members, seed) {
    cluster.start_all();
    EXPECT_TRUE(cluster.run_until([&] { return cluster.has_quorum(size); })) << "seed " << seed;
    leader = cluster.leader();
    for (const std::string& name : cluster.names()) {
      if (name != leader) peons.push_back(name);
    }
  }
  // Another member than `before` holds a valid lease.
  bool is_replaced(const std::string& before) {
    const std::vector<std::string> names = cluster.running();
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return name != before && cluster.monitor(name).has_lease(cluster.scheduler().now());
    });
  }
  void hang(const std::string& name, bool hung = true) { cluster.member(name).process->storage.set_hung(hung); }

  size_t size;
  Cluster cluster;
  std::string leader;
  std::vector<std::string> peons;
};

// Puts, one after the other, at one member; each has to be done.
class SteadyWriter {
 public:
  SteadyWriter(Cluster& cluster, std::string to) : cluster_(cluster), to_(std::move(to)) { put(); }
  void stop() { is_stopped_ = true; }
  uint64_t done() const { return done_; }
  const std::string& failure() const { return failure_; }

 private:
  void put() {
    ClientRequest request;
    request.timeout_ms = 5000;
    request.body = WriteRequest{{{WriteOp::Type::put, "key-" + to_, SharedBytes(std::to_string(done_))}}};
    cluster_.request(to_, std::move(request), [this](const ClientReply& reply) {
      if (!reply.status.is_ok()) failure_ = reply.status.to_string();
      ++done_;
      if (!is_stopped_ && failure_.empty()) put();
    });
  }

  Cluster& cluster_;
  std::string to_;
  bool is_stopped_ = false;
  uint64_t done_ = 0;
  std::string failure_;
};

TEST(LeadershipTest, a_hand_over_on_request_moves_it_at_once_and_fails_no_request) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Leadership was(seed % 2 == 0 ? 3 : 5, seed);
    Cluster& cluster = was.cluster;
    std::vector<std::unique_ptr<SteadyWriter>> writers;
    for (const std::string& name : cluster.names()) writers.push_back(std::make_unique<SteadyWriter>(cluster, name));
    cluster.run_for(milliseconds(300));
    const TimePoint begin = cluster.scheduler().now();
    const Result<std::string> moved = cluster.transfer(cluster.names()[seed % was.size], was.peons[0]);
    ASSERT_TRUE(moved.has_value()) << moved.error().to_string() << " seed " << seed;
    EXPECT_EQ(*moved, was.peons[0]);
    EXPECT_LT(cluster.scheduler().now() - begin, CoreOptions().lease / 2) << "no lease had to end; seed " << seed;
    ASSERT_TRUE(cluster.run_until([&] { return cluster.leader() == was.peons[0]; }, seconds(1))) << "seed " << seed;
    cluster.run_for(milliseconds(500));
    for (const auto& writer : writers) {
      EXPECT_GT(writer->done(), 10U);
      EXPECT_EQ(writer->failure(), "") << "seed " << seed;
      writer->stop();
    }
    cluster.run_for(seconds(1));
    EXPECT_EQ(cluster.differences(), "");
  }
}

TEST(LeadershipTest, a_hand_over_to_a_member_that_is_gone_is_refused_and_the_leader_goes_on) {
  Leadership was(3, 2);
  was.cluster.kill(was.peons[0]);
  was.cluster.run_for(seconds(2));
  const Result<std::string> moved = was.cluster.transfer(was.peons[1], was.peons[0]);
  ASSERT_FALSE(moved.has_value());
  EXPECT_EQ(moved.error().code(), Code::refused);
  EXPECT_EQ(was.cluster.leader(), was.leader);
  EXPECT_TRUE(was.cluster.put(was.leader, "key", "value").is_ok());
}

TEST(LeadershipTest, a_target_that_dies_as_it_is_told_costs_an_election_and_no_acknowledged_write) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Leadership was(3, seed);
    Cluster& cluster = was.cluster;
    ASSERT_TRUE(cluster.put(was.leader, "key", "value").is_ok());
    ClientRequest request;
    request.timeout_ms = 5000;
    request.body = TransferRequest{was.peons[0]};
    cluster.request(was.leader, std::move(request), [](const ClientReply&) {});
    cluster.run_for(milliseconds(static_cast<int64_t>(seed)));
    cluster.cut_power(was.peons[0]);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(2); }, seconds(5))) << "seed " << seed;
    EXPECT_EQ(*cluster.get(was.leader, "key"), "value") << "seed " << seed;
  }
}

TEST(LeadershipTest, a_leader_whose_disk_hangs_hands_over_and_writes_go_on) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Leadership was(3, seed);
    Cluster& cluster = was.cluster;
    was.hang(was.leader);
    ASSERT_TRUE(cluster.put(was.leader, "key", "value").is_ok()) << "a majority is enough; seed " << seed;
    ASSERT_TRUE(cluster.run_until([&] { return was.is_replaced(was.leader); }, seconds(4))) << "seed " << seed;
    EXPECT_TRUE(cluster.put(cluster.leader(), "key", "other").is_ok()) << "seed " << seed;
    const std::string after = cluster.leader();
    was.hang(was.leader, false);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(5))) << "seed " << seed;
    EXPECT_EQ(cluster.leader(), after) << "it returns without an election; seed " << seed;
    EXPECT_EQ(*cluster.get(was.leader, "key"), "other");
    cluster.run_for(seconds(1));
    EXPECT_EQ(cluster.differences(), "");
  }
}

TEST(LeadershipTest, a_leader_whose_disk_hangs_without_anybody_to_hand_over_to_goes_on) {
  Leadership was(3, 5);
  for (const std::string& peon : was.peons) was.hang(peon);
  EXPECT_FALSE(was.cluster.put(was.leader, "key", "value", 100).is_ok());
  was.cluster.run_for(seconds(3));
  was.hang(was.leader);
  was.cluster.run_for(seconds(6));
  EXPECT_EQ(was.cluster.leader(), was.leader);
  for (const std::string& name : was.cluster.names()) was.hang(name, false);
  EXPECT_TRUE(was.cluster.run_until([&] { return was.cluster.has_quorum(3); }, seconds(5)));
}

TEST(LeadershipTest, a_peon_whose_disk_hangs_stalls_nobody_and_is_not_elected) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Leadership was(3, seed);
    Cluster& cluster = was.cluster;
    const std::string hung = was.peons[0];
    was.hang(hung);
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(cluster.put(was.leader, "key", std::to_string(i), 500).is_ok()) << "seed " << seed;
      cluster.run_for(milliseconds(60));
    }
    EXPECT_EQ(cluster.leader(), was.leader);
    cluster.kill(was.leader);
    cluster.run_for(seconds(4));
    EXPECT_EQ(cluster.leader(), "") << "no majority can promise durably; seed " << seed;
    cluster.start(was.leader);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(2); }, seconds(5))) << "seed " << seed;
    EXPECT_NE(cluster.leader(), hung) << "seed " << seed;
    was.hang(hung, false);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(5))) << "seed " << seed;
    EXPECT_EQ(*cluster.get(hung, "key"), "49");
  }
}

TEST(LeadershipTest, a_leader_that_hears_nobody_stops_keeping_the_others_from_electing) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Leadership was(3, seed);
    Cluster& cluster = was.cluster;
    // It is heard by all, and hears none.
    for (const std::string& peon : was.peons) {
      cluster.network().cut(cluster.member(peon).address, cluster.member(was.leader).address);
    }
    const CoreOptions options;
    EXPECT_TRUE(cluster.run_until([&] { return was.is_replaced(was.leader); },
                                  3 * options.lease + 2 * options.election_delay_max()))
        << "seed " << seed;
  }
}

TEST(LeadershipTest, a_member_that_returns_causes_no_election_and_no_failed_request) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Leadership was(3, seed);
    Cluster& cluster = was.cluster;
    SteadyWriter writer(cluster, was.leader);
    SteadyWriter other(cluster, was.peons[1]);
    const uint64_t round = cluster.monitor(was.leader).epoch();
    for (int i = 0; i < 3; ++i) {
      cluster.cut_power(was.peons[0]);
      cluster.run_for(milliseconds(static_cast<int64_t>(200 + cluster.random().below(2000))));
      cluster.start(was.peons[0]);
      ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(5))) << "seed " << seed;
    }
    EXPECT_EQ(cluster.leader(), was.leader) << "seed " << seed;
    EXPECT_EQ(cluster.monitor(was.leader).epoch(), round) << "seed " << seed;
    EXPECT_EQ(writer.failure() + other.failure(), "") << "seed " << seed;
    EXPECT_GT(writer.done(), 100U);
    writer.stop();
    other.stop();
    cluster.run_for(seconds(1));
  }
}

// Killed and cut off in turn. Virtual time, so the same in each run.
TEST(LeadershipTest, a_leader_that_is_lost_is_replaced_within_twice_the_lease_and_the_largest_random_delay) {
  const CoreOptions options;
  std::vector<Duration> took;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Leadership was(seed % 4 < 2 ? 3 : 5, seed);
    Cluster& cluster = was.cluster;
    cluster.run_for(milliseconds(static_cast<int64_t>(cluster.random().below(1000))));
    const TimePoint begin = cluster.scheduler().now();
    if (seed % 2 == 0) {
      cluster.kill(was.leader);
    } else {
      cluster.isolate(was.leader);
    }
    ASSERT_TRUE(cluster.run_until([&] { return was.is_replaced(was.leader); }, seconds(30))) << "seed " << seed;
    took.push_back(cluster.scheduler().now() - begin);
  }
  std::sort(took.begin(), took.end());
  const Duration p99 = took[took.size() * 99 / 100 - 1];
  RecordProperty("median_ms", static_cast<int>(to_milliseconds(took[took.size() / 2])));
  RecordProperty("p99_ms", static_cast<int>(to_milliseconds(p99)));
  EXPECT_LE(p99, 2 * (options.lease + options.election_delay_max()))
      << "median " << to_milliseconds(took[took.size() / 2]) << " ms, longest " << to_milliseconds(took.back())
      << " ms";
}

}  // namespace
}  // namespace synod::sim
