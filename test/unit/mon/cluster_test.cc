// Whole clusters under virtual time: what a cluster does when members and links fail. No sleep, no socket, no file.
#include "test/sim/cluster.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "test/unit/mon/builders.h"

namespace synod::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

CoreOptions small_log() { return test::soon_trimmed(2000); }

// A follower of the present leader.
std::string a_peon(Cluster& cluster) {
  const std::string leader = cluster.leader();
  for (const std::string& name : cluster.running()) {
    if (name != leader) return name;
  }
  return "";
}

void put_many(Cluster& cluster, const std::string& to, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    ASSERT_TRUE(cluster.put(to, fmt::format("key-{:04}", i), std::string(300, 'v') + std::to_string(i)).is_ok()) << i;
  }
}

struct Formed : testing::TestWithParam<size_t> {};

TEST_P(Formed, a_cluster_forms_elects_one_leader_and_serves_everywhere) {
  Cluster cluster(GetParam(), 1);
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(GetParam()); }));
  for (const std::string& name : cluster.names()) {
    EXPECT_TRUE(cluster.put(name, "key-" + name, "value-" + name).is_ok());
  }
  for (const std::string& name : cluster.names()) {
    for (const std::string& key : cluster.names()) {
      const Result<std::string> value = cluster.get(name, "key-" + key);
      ASSERT_TRUE(value.has_value()) << value.error().to_string();
      EXPECT_EQ(*value, "value-" + key);
    }
  }
  cluster.run_for(seconds(1));
  EXPECT_EQ(cluster.differences(), "");
}
INSTANTIATE_TEST_SUITE_P(sizes, Formed, testing::Values(1, 2, 3, 5));

TEST(ClusterTest, the_loss_of_the_leader_costs_no_acknowledged_write_and_another_takes_over) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cluster cluster(3, seed);
    cluster.start_all();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
    const std::string first = cluster.leader();
    put_many(cluster, first, 0, 5);
    cluster.cut_power(first);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(2); }, seconds(3))) << "seed " << seed;
    EXPECT_NE(cluster.leader(), first);
    put_many(cluster, cluster.leader(), 5, 5);
    cluster.start(first);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(5))) << "seed " << seed;
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(cluster.get(first, fmt::format("key-{:04}", i)).has_value()) << "seed " << seed << " key " << i;
    }
    EXPECT_EQ(cluster.differences(), "");
  }
}

TEST(ClusterTest, a_member_that_returns_causes_no_election) {
  Cluster cluster(3, 4);
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
  const std::string leader = cluster.leader();
  const std::string peon = a_peon(cluster);
  cluster.kill(peon);
  put_many(cluster, leader, 0, 3);
  cluster.start(peon);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(5)));
  EXPECT_EQ(cluster.leader(), leader);
}

TEST(ClusterTest, a_minority_neither_writes_nor_reads_linearizably_but_serves_what_it_has) {
  Cluster cluster(3, 5);
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
  const std::string leader = cluster.leader();
  ASSERT_TRUE(cluster.put(leader, "key", "value").is_ok());
  for (const std::string& name : cluster.names()) {
    if (name != leader) cluster.kill(name);
  }
  cluster.run_for(seconds(3));
  EXPECT_EQ(cluster.put(leader, "key", "other", 1000).code(), Code::unavailable);
  EXPECT_EQ(cluster.get(leader, "key", Consistency::linearizable, 1000).error().code(), Code::unavailable);
  const Result<std::string> stale = cluster.get(leader, "key", Consistency::serializable, 1000);
  ASSERT_TRUE(stale.has_value());
  EXPECT_EQ(*stale, "value");
}

TEST(ClusterTest, a_leader_that_is_cut_off_answers_no_stale_read) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(3, seed);
    cluster.start_all();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
    const std::string before = cluster.leader();
    ASSERT_TRUE(cluster.put(before, "key", "old").is_ok());
    cluster.isolate(before);
    std::string after;
    ASSERT_TRUE(cluster.run_until(
        [&] {
          for (const std::string& name : cluster.names()) {
            if (name != before && cluster.has_lease(name)) after = name;
          }
          return !after.empty();
        },
        seconds(5)));
    ASSERT_TRUE(cluster.put(after, "key", "new").is_ok());
    const Result<std::string> value = cluster.get(before, "key", Consistency::linearizable, 500);
    EXPECT_TRUE(!value.has_value() || *value == "new") << "seed " << seed;
  }
}

TEST(ClusterTest, a_lagging_peon_catches_up_from_the_log) {
  Cluster cluster(3, 6);
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
  const std::string peon = a_peon(cluster);
  cluster.isolate(peon);
  put_many(cluster, cluster.leader(), 0, 100);
  cluster.heal();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(10)));
  const std::string leader = cluster.leader();
  ASSERT_TRUE(cluster.run_until(
      [&] { return cluster.monitor(peon).committed() == cluster.monitor(leader).committed(); }, seconds(5)));
  EXPECT_EQ(cluster.monitor(peon).first().value(), 1U) << "by the log, not by a sync";
  EXPECT_EQ(cluster.differences(), "");
}

TEST(ClusterTest, a_member_beyond_the_trim_floor_is_brought_back_by_a_sync) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(3, seed, small_log());
    cluster.start_all();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
    const std::string peon = a_peon(cluster);
    const std::string leader = cluster.leader();
    cluster.kill(peon);
    put_many(cluster, leader, 0, 60);
    ASSERT_GT(cluster.monitor(leader).first().value(), 20U);
    cluster.start(peon);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.monitor(peon).is_syncing(); }, seconds(5)));
    put_many(cluster, leader, 60, 20);  // while the sync runs
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(10))) << "seed " << seed;
    EXPECT_EQ(cluster.leader(), leader);
    put_many(cluster, peon, 80, 5);
    cluster.run_for(seconds(1));
    EXPECT_EQ(cluster.differences(), "");
  }
}

TEST(ClusterTest, a_sync_whose_ends_are_killed_again_and_again_still_ends_equal) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(3, seed, small_log());
    cluster.start_all();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
    const std::string peon = a_peon(cluster);
    cluster.kill(peon);
    put_many(cluster, cluster.leader(), 0, 60);
    cluster.start(peon);
    for (int round = 0; round < 4; ++round) {
      if (!cluster.run_until([&] { return cluster.monitor(peon).is_syncing(); }, seconds(10))) break;
      cluster.run_for(milliseconds(static_cast<int64_t>(cluster.random().below(60))));
      std::string victim = peon;
      if (round % 2 == 1) victim = cluster.names()[cluster.random().below(3)];
      cluster.cut_power(victim);
      cluster.start(victim);
    }
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(60))) << "seed " << seed;
    cluster.run_for(seconds(1));
    EXPECT_EQ(cluster.differences(), "") << "seed " << seed;
  }
}

TEST(ClusterTest, two_of_three_of_which_one_is_beyond_the_trim_floor_recover_without_a_leader) {
  Cluster cluster(3, 8, small_log());
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
  const std::string peon = a_peon(cluster);
  const std::string leader = cluster.leader();
  cluster.kill(peon);
  put_many(cluster, leader, 0, 60);
  cluster.run_for(seconds(1));
  std::string third;
  for (const std::string& name : cluster.names()) {
    if (name != peon && name != leader) third = name;
  }
  cluster.cut_power(leader);
  cluster.cut_power(third);
  cluster.start(peon);
  cluster.start(third);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(2); }, seconds(20)));
  put_many(cluster, peon, 60, 3);
  cluster.start(leader);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(20)));
  cluster.run_for(seconds(1));
  EXPECT_EQ(cluster.differences(), "");
}

TEST(ClusterTest, a_member_whose_directory_was_lost_has_no_vote_and_the_others_go_on) {
  Cluster cluster(3, 9);
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
  const std::string lost = a_peon(cluster);
  cluster.wipe(lost);
  cluster.start(lost);
  cluster.run_for(seconds(10));
  EXPECT_EQ(cluster.monitor(lost).state(), MemberState::learner);
  EXPECT_TRUE(cluster.has_quorum(2));
  EXPECT_TRUE(cluster.put(cluster.leader(), "key", "value").is_ok());
}

TEST(ClusterTest, wiped_members_never_form_a_second_cluster_while_a_formed_one_is_heard) {
  Cluster cluster(3, 10);
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
  cluster.wipe("a");
  cluster.wipe("b");
  cluster.start("a");
  cluster.start("b");
  cluster.run_for(seconds(20));
  EXPECT_EQ(cluster.monitor("a").state(), MemberState::learner);
  EXPECT_EQ(cluster.monitor("b").state(), MemberState::learner);
  EXPECT_EQ(cluster.put("c", "key", "value", 1000).code(), Code::unavailable);
}

TEST(ClusterTest, formation_that_is_broken_off_anywhere_completes_later) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Cluster cluster(3, seed);
    cluster.start_all();
    cluster.run_for(milliseconds(900 + static_cast<int64_t>(cluster.random().below(200))));
    const std::string victim = cluster.names()[seed % 3];
    cluster.cut_power(victim);
    cluster.run_for(milliseconds(static_cast<int64_t>(cluster.random().below(2000))));
    cluster.start(victim);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(20))) << "seed " << seed;
    EXPECT_EQ(cluster.differences(), "");
  }
}

}  // namespace
}  // namespace synod::sim
