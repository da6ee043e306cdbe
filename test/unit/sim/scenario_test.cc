#include "test/sim/run/scenario.h"

#include <gtest/gtest.h>

#include "test/sim/run/minimise.h"

namespace synod::sim {
namespace {

std::string all_faults(const Scenario& scenario) {
  std::string text;
  for (const Fault& fault : scenario.faults) text += to_string(fault) + "\n";
  return text;
}

Scenario some_scenario(uint64_t seed) { return expand(seed, 3, std::chrono::minutes(1), Profile::standard); }

TEST(ScenarioTest, the_same_seed_gives_the_same_faults_and_another_one_others) {
  EXPECT_EQ(all_faults(some_scenario(7)), all_faults(some_scenario(7)));
  EXPECT_NE(all_faults(some_scenario(7)), all_faults(some_scenario(8)));
}

TEST(ScenarioTest, faults_are_in_order_of_time_and_within_the_run) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Scenario scenario = some_scenario(seed);
    ASSERT_FALSE(scenario.faults.empty()) << seed;
    for (size_t i = 0; i < scenario.faults.size(); ++i) {
      const Fault& fault = scenario.faults[i];
      EXPECT_EQ(fault.number, i);
      EXPECT_LT(fault.at, scenario.length);
      EXPECT_TRUE(fault.member < scenario.members || fault.member == leader_rank);
      // What belongs to scrubs is drawn apart, and stands behind the others.
      if (fault.type == FaultType::scrub || fault.type == FaultType::rot) continue;
      EXPECT_GE(fault.at, scenario.faults[i == 0 ? 0 : i - 1].at);
    }
  }
}

TEST(ScenarioTest, every_type_of_fault_is_drawn_in_some_run_and_every_class_is_off_in_some) {
  std::set<FaultType> drawn;
  std::map<FaultClass, int> off;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::set<FaultClass> classes;
    for (const Fault& fault : some_scenario(seed).faults) {
      drawn.insert(fault.type);
      classes.insert(class_of(fault.type));
    }
    for (size_t i = 0; i <= static_cast<size_t>(FaultClass::rot); ++i) {
      if (classes.count(static_cast<FaultClass>(i)) == 0) ++off[static_cast<FaultClass>(i)];
    }
  }
  EXPECT_EQ(drawn.size(), fault_types - 1);
  EXPECT_EQ(drawn.count(FaultType::sync_point), 0U) << "of the profiles of syncs";
  EXPECT_EQ(off.size(), static_cast<size_t>(FaultClass::rot) + 1);
}

TEST(ScenarioTest, a_minority_loses_its_memory_at_most) {
  for (const size_t members : {size_t{1}, size_t{2}, size_t{3}, size_t{5}}) {
    size_t most = 0;
    for (uint64_t seed = 1; seed <= 200; ++seed) {
      std::set<uint64_t> wiped;
      for (const Fault& fault : expand(seed, members, std::chrono::minutes(10), Profile::model).faults) {
        if (fault.type == FaultType::wipe) wiped.insert(fault.member);
      }
      most = std::max(most, wiped.size());
    }
    EXPECT_EQ(most, (members - 1) / 2);
  }
}

TEST(ScenarioTest, a_sync_is_no_slower_than_a_daemon_may_be_told) {
  std::set<bool> is_limited;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const uint64_t rate = some_scenario(seed).core.sync_rate;
    is_limited.insert(rate > 0);
    EXPECT_TRUE(rate == 0 || rate >= CoreOptions::sync_rate_min) << "seed " << seed << ": " << rate;
  }
  EXPECT_EQ(is_limited.size(), 2U);
}

TEST(ScenarioTest, all_that_is_rare_is_asked_for_but_of_a_store_in_memory_nothing_of_its_files) {
  size_t of_model = 0;
  for (size_t i = 0; i < rare_names.size(); ++i) {
    EXPECT_TRUE(can_occur(static_cast<Rare>(i), Profile::standard));
    EXPECT_TRUE(can_occur(static_cast<Rare>(i), Profile::both));
    if (can_occur(static_cast<Rare>(i), Profile::model)) ++of_model;
  }
  EXPECT_FALSE(can_occur(Rare::log_torn_by_a_power_cut, Profile::model));
  EXPECT_FALSE(can_occur(Rare::log_rotated_between_accept_and_commit, Profile::model));
  EXPECT_EQ(of_model, rare_names.size() - 2);
  EXPECT_TRUE(can_occur(Rare::log_torn_by_a_power_cut, Profile::sync));
  EXPECT_FALSE(can_occur(Rare::bridge_partition, Profile::sync_delta)) << "such runs are about other faults";
}

TEST(ScenarioTest, a_fault_left_out_changes_no_other) {
  const Scenario full = some_scenario(3);
  Scenario shorter = full;
  shorter.keep_faults({1, 4});
  ASSERT_EQ(shorter.faults.size(), 2U);
  EXPECT_EQ(to_string(shorter.faults[0]), to_string(full.faults[1]));
  EXPECT_EQ(shorter.faults[1].number, 4U);
}

TEST(MinimiseTest, finds_the_faults_that_a_failure_needs) {
  const Scenario scenario = some_scenario(3);
  ASSERT_GT(scenario.faults.size(), 12U);
  auto has = [](const Scenario& tried, size_t number) {
    for (const Fault& fault : tried.faults) {
      if (fault.number == number) return true;
    }
    return false;
  };
  auto needs_both = [&](const Scenario& tried) { return has(tried, 2) && has(tried, 11); };
  EXPECT_EQ(minimise(scenario, needs_both, 1000), (std::set<size_t>{2, 11}));
  auto needs_none = [](const Scenario&) { return true; };
  EXPECT_EQ(minimise(scenario, needs_none, 1000), std::set<size_t>{});
}

TEST(MinimiseTest, stops_after_so_many_runs) {
  size_t runs = 0;
  const Scenario scenario = some_scenario(3);
  const std::set<size_t> left = minimise(
      scenario,
      [&](const Scenario&) {
        ++runs;
        return false;
      },
      5);
  EXPECT_EQ(runs, 5U);
  EXPECT_EQ(left.size(), scenario.faults.size());
}

}  // namespace
}  // namespace synod::sim
