// A member whose sync failed, when nobody is ahead of it any more: it goes on with its old store.
#include <gtest/gtest.h>

#include "mon/core/monitor.h"
#include "test/unit/mon/paxos_driver.h"

namespace synod {
namespace {

using test::a;
using test::b;
using test::c;
using test::history;
using test::log_with;
using test::pn;

constexpr TimePoint start{std::chrono::hours(1)};

// Member a, marked, with five committed versions; it knows of the others what the test lets them say.
struct Marked {
  Marked() : monitor(made(), random, start) {}

  static MonitorStart made() {
    MonitorStart with;
    with.identity = {a, "a", 2, FormationState::formed, test::monmap_of(3).encode(), pn(1, b)};
    with.address = "host-a:1000";
    with.monmap = test::monmap_of(3);
    with.log = log_with(history(5, pn(1, b)), 5);
    with.is_marked = true;
    return with;
  }
  void hear(MemberId from, size_t committed, MemberState state = MemberState::probing) {
    Probe probe;
    probe.name = from == b ? "b" : "c";
    probe.state = state;
    probe.formation = FormationState::formed;
    probe.first = Version(1);
    probe.committed = history(9, pn(1, b))[committed - 1].position();
    step(PeerMessage{{test::fsid, from, 1}, probe});
    step(PeerConnected{from});
  }
  Output step(Input input) {
    Output out = monitor.step(now, std::move(input));
    monitor.check_invariants();
    return out;
  }
  Output tick() {
    now += CoreOptions().lease;
    return step(Tick{});
  }
  static bool takes_mark_away(const Output& out) {
    return out.is_durable &&
           test::describe(out.writes) == std::vector<std::string>{"erase local monitor_synchronizing"};
  }

  test::FixedRandom random;
  Monitor monitor;
  TimePoint now = start;
};

TEST(Unmark, a_marked_member_that_is_the_furthest_of_a_majority_takes_part_again_once_that_is_durable) {
  Marked marked;
  marked.hear(b, 3);
  const Output out = marked.tick();
  ASSERT_TRUE(Marked::takes_mark_away(out));
  EXPECT_EQ(marked.monitor.state(), MemberState::syncing);
  EXPECT_FALSE(Marked::takes_mark_away(marked.tick())) << "once";
  marked.step(StoreProgress{out.step, out.step});
  EXPECT_EQ(marked.monitor.state(), MemberState::probing);
  EXPECT_EQ(marked.monitor.committed(), history(5, pn(1, b))[4].position());
}

TEST(Unmark, not_while_somebody_is_ahead_and_not_without_a_majority) {
  Marked ahead;
  ahead.hear(b, 3);
  ahead.hear(c, 9);
  const Output out = ahead.tick();
  EXPECT_FALSE(Marked::takes_mark_away(out));
  EXPECT_TRUE(ahead.monitor.is_syncing()) << "it copies from the one that is ahead";
  Marked alone;
  EXPECT_FALSE(Marked::takes_mark_away(alone.tick()));
}

TEST(Unmark, a_member_that_is_behind_is_never_copied_from) {
  Marked marked;
  marked.hear(b, 3);
  marked.hear(c, 9, MemberState::syncing);
  const Output out = marked.tick();
  EXPECT_FALSE(marked.monitor.is_syncing());
  EXPECT_FALSE(Marked::takes_mark_away(out)) << "c knows of more";
}

}  // namespace
}  // namespace synod
