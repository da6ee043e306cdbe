// A new leader was asked for a hold while a value of its predecessor, which moved the trim floor past the version asked
// for, was recovered and not yet chosen: it logged a hold of what was trimmed.
#include <gtest/gtest.h>

#include "mon/core/sync/logged_holds.h"

namespace synod {
namespace {

constexpr MemberId requester(2);
constexpr TimePoint now{std::chrono::hours(1)};

struct Leader {
  Leader() {
    holds.begin_leadership(now);
    EXPECT_TRUE(holds.on_request(now, {42, requester, Version(137)}, Version(134)));
    EXPECT_EQ(holds.limit(Version(150)), Version(137));
  }
  // The predecessor's value is chosen.
  void learn_floor(Version floor) {
    LogChange change;
    change.trim_floor = floor;
    EXPECT_TRUE(holds.on_chosen(now, change, 0).empty());
    holds.check_invariants();
  }

  LoggedHolds holds{CoreOptions()};
};

TEST(HoldBelowARecoveredFloor, begins_at_the_floor) {
  Leader leader;
  leader.learn_floor(Version(141));
  ASSERT_EQ(leader.holds.due().size(), 1U);
  EXPECT_EQ(leader.holds.due()[0].version, Version(141));
  EXPECT_EQ(leader.holds.limit(Version(150)), Version(141));
}

TEST(HoldBelowARecoveredFloor, stays_there_when_it_is_renewed_and_logged_again) {
  Leader leader;
  leader.learn_floor(Version(141));
  leader.holds.on_proposed(leader.holds.due());
  LogChange change;
  change.holds = {{requester, 42, TrimHold::State::held, Version(141), 0, 0}};
  leader.holds.on_chosen(now, change, 0);
  const TimePoint later = now + std::chrono::seconds(6);
  EXPECT_FALSE(leader.holds.on_request(later, {42, requester, Version(137)}, Version(141)));
  leader.holds.tick(later);
  EXPECT_EQ(leader.holds.limit(Version(150)), Version(141));
  ASSERT_EQ(leader.holds.due().size(), 1U);
  EXPECT_EQ(leader.holds.due()[0].version, Version(141));
}

TEST(HoldBelowARecoveredFloor, is_not_moved_by_a_floor_below_it) {
  Leader leader;
  leader.learn_floor(Version(136));
  EXPECT_EQ(leader.holds.limit(Version(150)), Version(137));
}

}  // namespace
}  // namespace synod
