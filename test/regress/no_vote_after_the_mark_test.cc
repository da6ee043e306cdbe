// Found by the simulator (3 members, 10 minutes, seed 10035 of its time): a candidate that was beyond the trim floor
// repeated its collect in the very step in which it marked its store for a sync, and so asked for votes as a member
// that was syncing by then.
#include "test/unit/mon/monitor_driver.h"

namespace synod::test {
namespace {

constexpr Duration tick = CoreOptions().lease / 4;

TEST(Regress, a_candidate_that_marks_its_store_asks_for_no_vote_any_more) {
  MonitorDriver candidate;
  for (int i = 0; i < 40 && candidate.monitor.state() != MemberState::electing; ++i) {
    candidate.hear(b, 1, 3);
    const Output out = candidate.tick(tick);
    const std::vector<Propose> asked = MonitorDriver::sent<Propose>(out);
    if (asked.empty()) continue;
    const Output collects = candidate.receive(b, ProposeReply{asked.front().pn, true, pn(1, b)});
    candidate.step(StoreProgress{collects.step, collects.step});
  }
  ASSERT_EQ(candidate.monitor.state(), MemberState::electing);
  candidate.hear(b, 1, 3);
  EXPECT_FALSE(MonitorDriver::sent<Collect>(candidate.tick(tick)).empty())
      << "nobody has answered, so each tick repeats it";

  candidate.hear(c, 9, 9);
  const Output marks = candidate.tick(tick);
  ASSERT_TRUE(candidate.monitor.is_syncing());
  EXPECT_TRUE(marks.is_durable);
  EXPECT_TRUE(MonitorDriver::sent<Collect>(marks).empty());
}

}  // namespace
}  // namespace synod::test
