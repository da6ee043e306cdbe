// Clusters of which members lost their directories: they come back as learners, and all goes on without their votes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "test/sim/cluster.h"
#include "test/unit/mon/builders.h"

namespace synod::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

CoreOptions small_log() { return test::soon_trimmed(400); }

struct WipedCluster {
  explicit WipedCluster(uint64_t seed, const CoreOptions& options = small_log(), size_t size = 3)
      : cluster(size, seed, options) {
    cluster.start_all();
    EXPECT_TRUE(cluster.run_until([&] { return cluster.has_quorum(size); }));
    leader = cluster.leader();
    for (const std::string& name : cluster.names()) {
      if (name != leader) lost = name;
    }
  }
  void put(int from, int count) {
    for (int i = from; i < from + count; ++i) {
      ASSERT_TRUE(cluster.put(voter(), fmt::format("key-{:04}", i), test::noise(i, 300)).is_ok()) << i;
    }
  }
  std::string voter() const { return cluster.leader().empty() ? leader : cluster.leader(); }
  void wipe(const std::string& name) {
    cluster.wipe(name);
    lost = name;
  }
  void start() { cluster.start(lost); }
  MemberState state() const { return cluster.monitor(lost).state(); }
  bool is_level() const {
    const std::string name = cluster.leader();
    return !name.empty() && state() == MemberState::learner &&
           cluster.monitor(lost).committed() == cluster.monitor(name).committed();
  }
  // The member that is lost from the beginning.
  bool lose_and_return() {
    wipe(lost);
    start();
    return wait_until_level();
  }
  bool wait_until_level(Duration limit = seconds(60)) {
    return cluster.run_until([&] { return is_level(); }, limit);
  }
  StatusReply status(const std::string& of) {
    ClientRequest request;
    request.timeout_ms = 1000;
    request.body = StatusRequest{};
    return std::get<StatusReply>(cluster.call(of, request).body);
  }

  Cluster cluster;
  std::string leader;
  std::string lost;
};

TEST(LearnerClusterTest, a_member_whose_directory_was_lost_copies_the_store_and_follows_the_log_without_a_vote) {
  WipedCluster was(9);
  was.put(0, 60);
  ASSERT_TRUE(was.lose_and_return());
  was.put(60, 20);
  ASSERT_TRUE(was.wait_until_level());
  EXPECT_TRUE(was.cluster.has_quorum(2));
  EXPECT_EQ(was.cluster.read_identity(was.lost).promised, ProposalNumber());
  EXPECT_EQ(was.cluster.differences(), "");
}

TEST(LearnerClusterTest, an_idle_cluster_levels_it_too_from_the_log_alone_if_nothing_is_trimmed) {
  WipedCluster was(10, CoreOptions());
  was.put(0, 5);
  ASSERT_TRUE(was.lose_and_return());
  EXPECT_EQ(was.cluster.oracles().counters()[Rare::sync_started], 0U);
  EXPECT_EQ(was.cluster.differences(), "");
}

TEST(LearnerClusterTest, whoever_copies_in_an_idle_cluster_is_level_without_a_write) {
  WipedCluster was(13);
  was.put(0, 60);
  was.wipe(was.lost);
  was.cluster.run_for(seconds(60));
  was.start();
  ASSERT_TRUE(was.wait_until_level());
  EXPECT_EQ(was.cluster.oracles().counters()[Rare::learner_copied_a_store], 1U);
  EXPECT_EQ(was.cluster.differences(), "");
}

TEST(LearnerClusterTest, a_lost_leader_is_replaced_and_comes_back_as_a_learner) {
  WipedCluster was(11);
  was.put(0, 60);
  was.wipe(was.leader);
  ASSERT_TRUE(was.cluster.run_until([&] { return was.cluster.has_quorum(2); }));
  was.start();
  ASSERT_TRUE(was.wait_until_level());
  was.put(60, 5);
  ASSERT_TRUE(was.wait_until_level());
  EXPECT_EQ(was.cluster.differences(), "");
}

// It has what is committed, and no majority without it can do anything: that is the price of rule 1 of "Who counts".
TEST(LearnerClusterTest, one_voter_and_a_learner_are_no_majority) {
  WipedCluster was(12);
  was.put(0, 60);
  ASSERT_TRUE(was.lose_and_return());
  for (const std::string& name : was.cluster.names()) {
    if (name != was.lost && name != was.leader) was.cluster.kill(name);
  }
  was.cluster.run_for(seconds(5));
  EXPECT_EQ(was.cluster.put(was.leader, "key", "value", 1000).code(), Code::unavailable);
  EXPECT_EQ(was.cluster.put(was.lost, "key", "value", 1000).code(), Code::unavailable);
  EXPECT_EQ(was.state(), MemberState::learner);
}

TEST(LearnerClusterTest, a_restart_at_any_time_goes_on_where_it_was) {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    WipedCluster was(seed);
    was.put(0, 40);
    was.wipe(was.lost);
    was.start();
    const MemberId id = was.cluster.monitor(was.lost).id();
    for (int turn = 0; turn < 4; ++turn) {
      was.cluster.run_for(milliseconds(was.cluster.random().below(1500)));
      was.cluster.cut_power(was.lost, was.cluster.random().pick(every_power_cut));
      was.put(40 + 5 * turn, 5);
      was.start();
      EXPECT_EQ(was.cluster.monitor(was.lost).id(), id) << "seed " << seed;
    }
    ASSERT_TRUE(was.wait_until_level()) << "seed " << seed;
    EXPECT_EQ(was.cluster.differences(), "") << "seed " << seed;
  }
}

TEST(LearnerClusterTest, its_provider_lost_on_the_way_it_goes_on_with_another) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    WipedCluster was(seed, small_log(), 5);
    was.put(0, 60);
    was.wipe(was.lost);
    was.start();
    ASSERT_TRUE(was.cluster.run_until([&] { return was.cluster.monitor(was.lost).is_syncing(); })) << "seed " << seed;
    const std::string provider = was.status(was.lost).members.back().sync.provider;
    ASSERT_FALSE(provider.empty()) << "seed " << seed;
    was.cluster.kill(provider);
    ASSERT_TRUE(was.wait_until_level()) << "seed " << seed;
    was.cluster.start(provider);
    ASSERT_TRUE(was.cluster.run_until([&] { return was.cluster.has_quorum(4); })) << "seed " << seed;
    was.cluster.run_for(seconds(1));
    EXPECT_EQ(was.cluster.differences(), "") << "seed " << seed;
  }
}

TEST(LearnerClusterTest, lost_again_it_has_another_id_and_is_served_when_the_one_before_is_silent) {
  WipedCluster was(14);
  was.put(0, 40);
  ASSERT_TRUE(was.lose_and_return());
  const MemberId before = was.cluster.monitor(was.lost).id();
  ASSERT_TRUE(was.lose_and_return());
  EXPECT_NE(was.cluster.monitor(was.lost).id(), before);
  EXPECT_EQ(was.cluster.differences(), "");
}

TEST(LearnerClusterTest, behind_what_the_log_keeps_it_copies_again) {
  WipedCluster was(15);
  was.put(0, 40);
  ASSERT_TRUE(was.lose_and_return());
  const uint64_t syncs = was.cluster.oracles().counters()[Rare::learner_copied_a_store];
  was.cluster.run_for(seconds(60));  // its hold is over
  was.cluster.kill(was.lost);
  was.put(40, 60);
  was.start();
  ASSERT_TRUE(was.wait_until_level());
  EXPECT_EQ(was.cluster.oracles().counters()[Rare::learner_copied_a_store], syncs + 1);
  EXPECT_EQ(was.cluster.differences(), "");
}

TEST(LearnerClusterTest, its_hold_is_logged_and_ends_when_it_is_level) {
  WipedCluster was(16);
  was.put(0, 60);
  was.wipe(was.lost);
  was.start();
  std::vector<HoldStatus> holds;
  ASSERT_TRUE(was.cluster.run_until([&] {
    holds = was.status(was.leader).holds;
    return !holds.empty();
  }));
  EXPECT_EQ(holds[0].owner, was.lost);
  ASSERT_TRUE(was.wait_until_level());
  EXPECT_TRUE(was.cluster.run_until([&] { return was.status(was.leader).holds.empty(); }, seconds(5)));
}

TEST(LearnerClusterTest, clients_wait_for_its_copy_as_for_that_of_a_member) {
  CoreOptions options = small_log();
  options.sync_rate = 8 << 10;
  options.sync_hold_bytes = 64 << 10;
  WipedCluster was(20, options);
  was.put(0, 200);
  was.wipe(was.lost);
  was.start();
  ASSERT_TRUE(was.cluster.run_until([&] { return was.state() == MemberState::syncing; }, seconds(10)));
  uint64_t longest_delay = 0;
  const TimePoint end = was.cluster.scheduler().now() + seconds(120);
  for (int i = 0; was.state() != MemberState::learner && was.cluster.scheduler().now() < end; ++i) {
    was.put(i % 200, 1);
    for (const HoldStatus& hold : was.status(was.leader).holds) longest_delay = std::max(longest_delay, hold.delay_ms);
  }
  EXPECT_GT(longest_delay, 20U) << "it is told";
  EXPECT_TRUE(was.wait_until_level());
}

TEST(LearnerClusterTest, the_others_list_it_under_its_own_id_beside_the_one_that_is_gone) {
  WipedCluster was(17);
  was.put(0, 20);
  const MemberId old = was.cluster.monitor(was.lost).id();
  ASSERT_TRUE(was.lose_and_return());
  was.cluster.run_for(seconds(4));
  const StatusReply status = was.status(was.leader);
  ASSERT_EQ(status.members.size(), 4U);
  EXPECT_EQ(status.voter_count(), 3U);
  const MemberStatus& learner = status.members.back();
  EXPECT_EQ(learner.name, was.lost);
  EXPECT_EQ(learner.id, was.cluster.monitor(was.lost).id());
  EXPECT_EQ(learner.state, MemberState::learner);
  EXPECT_EQ(learner.committed, was.cluster.monitor(was.leader).committed().version);
  EXPECT_TRUE(learner.reachable);
  for (const MemberStatus& member : status.members) {
    EXPECT_TRUE(member.id != old || !member.reachable);
  }
}

// About what is chosen in a tenth of a lease.
TEST(LearnerClusterTest, under_load_it_is_behind_by_a_part_of_a_lease) {
  WipedCluster was(18, CoreOptions());
  was.put(0, 20);
  ASSERT_TRUE(was.lose_and_return());
  uint64_t most = 0;
  std::map<TimePoint, Version> chosen;
  for (int i = 0; i < 400; ++i) {
    was.put(20 + i, 1);
    const TimePoint now = was.cluster.scheduler().now();
    chosen[now] = was.cluster.monitor(was.leader).committed().version;
    const auto due = chosen.upper_bound(now - CoreOptions().lease / 5);
    if (i < 100 || due == chosen.begin()) continue;
    const Version then = std::prev(due)->second;
    const Version has = was.cluster.monitor(was.lost).committed().version;
    if (has < then) most = std::max(most, then.value() - has.value());
  }
  EXPECT_EQ(most, 0U) << "versions that were chosen a fifth of a lease before, and it has not";
}

TEST(LearnerClusterTest, two_of_three_that_were_lost_follow_the_third_and_form_nothing) {
  WipedCluster was(19);
  was.put(0, 60);
  std::vector<std::string> lost;
  for (const std::string& name : was.cluster.names()) {
    if (name != was.leader) lost.push_back(name);
  }
  for (const std::string& name : lost) was.cluster.wipe(name);
  for (const std::string& name : lost) was.cluster.start(name);
  auto are_level = [&] {
    return std::all_of(lost.begin(), lost.end(), [&](const std::string& name) {
      const Monitor& monitor = was.cluster.monitor(name);
      return monitor.state() == MemberState::learner &&
             monitor.committed() == was.cluster.monitor(was.leader).committed();
    });
  };
  ASSERT_TRUE(was.cluster.run_until(are_level, seconds(60)));
  EXPECT_EQ(was.cluster.put(was.leader, "key", "value", 1000).code(), Code::unavailable);
  EXPECT_EQ(was.cluster.differences(), "");
}

}  // namespace
}  // namespace synod::sim
