#include "test/sim/sync_points.h"

#include <gtest/gtest.h>

#include <set>

#include "test/sim/run/scenario.h"

namespace synod::sim {
namespace {

std::string nobody() { return ""; }

SyncEvent event(SyncEventKind kind, const std::string& peer = "") {
  SyncEvent made;
  made.kind = kind;
  made.cookie = 7;
  made.peer = peer;
  return made;
}

TEST(SyncPointsTest, each_number_is_one_point_and_has_a_text_of_its_own) {
  std::set<std::string> texts;
  for (size_t number = 0; number < sync_points; ++number) {
    EXPECT_EQ(number_of(sync_point(number)), number);
    texts.insert(to_string(sync_point(number)));
  }
  EXPECT_EQ(texts.size(), sync_points);
  EXPECT_EQ(to_string(SyncPoint{SyncEventKind::chunk_sent, SyncRole::other, SyncBreak::cut_off}),
            "at [9] chunk-sent, cut off the other end");
}

TEST(SyncPointsTest, every_point_that_can_be_reached_is_armed_in_some_run_and_no_other) {
  for (const Profile profile : {Profile::sync, Profile::sync_delta}) {
    const bool is_delta = profile == Profile::sync_delta;
    std::set<size_t> armed;
    for (uint64_t seed = 1; seed <= 1000; ++seed) {
      const Scenario scenario = expand(seed, 3, std::chrono::minutes(1), profile);
      EXPECT_EQ(scenario.core.sync_delta, is_delta);
      for (const Fault& fault : scenario.faults) {
        if (fault.type == FaultType::sync_point) armed.insert(fault.amount % sync_points);
      }
    }
    for (size_t number = 0; number < sync_points; ++number) {
      EXPECT_EQ(armed.count(number) > 0, can_be_reached(sync_point(number), is_delta)) << number;
    }
  }
}

TEST(SyncPointsTest, is_hit_once_at_its_event_after_those_that_pass) {
  ArmedSyncPoints points;
  points.arm({3, {SyncEventKind::chunk_written, SyncRole::own, SyncBreak::kill}, 2});
  EXPECT_FALSE(points.on_event("b", event(SyncEventKind::chunk_sent, "c"), nobody));
  for (int passes = 0; passes < 2; ++passes) {
    EXPECT_FALSE(points.on_event("c", event(SyncEventKind::chunk_written), nobody));
  }
  const auto hit = points.on_event("c", event(SyncEventKind::chunk_written), nobody);
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->armed.fault, 3U);
  EXPECT_EQ(hit->victim, "c");
  EXPECT_FALSE(points.on_event("c", event(SyncEventKind::chunk_written), nobody));
}

TEST(SyncPointsTest, the_other_end_is_told_by_the_event_or_by_its_session) {
  ArmedSyncPoints points;
  points.arm({1, {SyncEventKind::chunk_sent, SyncRole::other, SyncBreak::kill}, 0});
  points.arm({2, {SyncEventKind::verified, SyncRole::other, SyncBreak::kill}, 0});
  EXPECT_FALSE(points.on_event("c", event(SyncEventKind::verified), nobody)) << "of no known session";
  EXPECT_FALSE(points.on_event("c", event(SyncEventKind::provider_chosen, "b"), nobody));
  EXPECT_EQ(points.on_event("b", event(SyncEventKind::chunk_sent, "c"), nobody)->victim, "c");
  EXPECT_EQ(points.on_event("c", event(SyncEventKind::verified), nobody)->victim, "b");
}

TEST(SyncPointsTest, what_is_for_the_leader_waits_until_there_is_one_and_what_is_disarmed_is_not_hit) {
  ArmedSyncPoints points;
  points.arm({1, {SyncEventKind::switched, SyncRole::leader, SyncBreak::pause}, 0});
  EXPECT_FALSE(points.on_event("c", event(SyncEventKind::switched), nobody));
  EXPECT_EQ(points.on_event("c", event(SyncEventKind::switched), [] { return std::string("a"); })->victim, "a");
  points.arm({2, {SyncEventKind::switched, SyncRole::own, SyncBreak::pause}, 0});
  points.disarm(2);
  EXPECT_FALSE(points.on_event("c", event(SyncEventKind::switched), nobody));
}

}  // namespace
}  // namespace synod::sim
