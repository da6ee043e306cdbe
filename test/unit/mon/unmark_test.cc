// A member whose sync failed, when nobody is ahead of it any more: it goes on with its old store.
#include "test/unit/mon/monitor_driver.h"

namespace synod {
namespace {

using test::b;
using test::c;
using test::history;
using test::pn;

struct Marked : test::MonitorDriver {
  Marked() : MonitorDriver(true) {}
  Output tick() { return MonitorDriver::tick(CoreOptions().lease); }
};

bool takes_mark_away(const Output& out) {
  return out.is_durable && test::describe(out.writes) == std::vector<std::string>{"erase local monitor_synchronizing"};
}

TEST(Unmark, a_marked_member_that_is_the_furthest_of_a_majority_takes_part_again_once_that_is_durable) {
  Marked marked;
  marked.hear(b, 1, 3);
  const Output out = marked.tick();
  ASSERT_TRUE(takes_mark_away(out));
  EXPECT_EQ(marked.monitor.state(), MemberState::syncing);
  EXPECT_FALSE(takes_mark_away(marked.tick())) << "once";
  marked.step(StoreProgress{out.step, out.step});
  EXPECT_EQ(marked.monitor.state(), MemberState::probing);
  EXPECT_EQ(marked.monitor.committed(), history(5, pn(1, b))[4].position());
}

TEST(Unmark, the_copy_goes_with_the_mark_and_not_before_that_is_durable) {
  Marked marked;
  marked.hear(b, 1, 3);
  const Output out = marked.tick();
  ASSERT_TRUE(takes_mark_away(out));
  EXPECT_TRUE(out.tasks.empty());
  const Output after = marked.step(StoreProgress{out.step, out.step});
  ASSERT_EQ(after.tasks.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<DiscardCopyTask>(after.tasks[0].task));
  marked.step(TaskDone{after.tasks[0].id, CopyDiscarded{}});
}

TEST(Unmark, not_while_somebody_is_ahead_and_not_without_a_majority) {
  Marked ahead;
  ahead.hear(b, 1, 3);
  ahead.hear(c, 1, 9);
  const Output out = ahead.tick();
  EXPECT_FALSE(takes_mark_away(out));
  EXPECT_TRUE(ahead.monitor.is_syncing()) << "it copies from the one that is ahead";
  Marked alone;
  EXPECT_FALSE(takes_mark_away(alone.tick()));
}

TEST(Unmark, a_member_that_is_behind_is_never_copied_from) {
  Marked marked;
  marked.hear(b, 1, 3);
  marked.hear(c, 1, 9, MemberState::syncing);
  const Output out = marked.tick();
  EXPECT_FALSE(marked.monitor.is_syncing());
  EXPECT_FALSE(takes_mark_away(out)) << "c knows of more";
}

}  // namespace
}  // namespace synod
