// The two sides of a lease.
#include "mon/core/consensus/lease.h"

#include <gtest/gtest.h>

#include "test/unit/mon/builders.h"

namespace synod {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::a;
using test::b;
using test::c;
using test::d;
using test::pn;

constexpr TimePoint start{std::chrono::hours(1)};
constexpr Duration length = milliseconds(950);

TEST(GrantTest, it_forbids_every_other_member_for_its_length_and_not_its_own_in_any_round) {
  Grant grant({}, start);
  EXPECT_FALSE(grant.forbids(pn(1, b), start));
  grant.give(pn(3, b), start + seconds(1));
  EXPECT_TRUE(grant.forbids(pn(9, c), start));
  EXPECT_TRUE(grant.forbids(pn(9, c), start + seconds(1) - Duration(1)));
  EXPECT_FALSE(grant.forbids(pn(9, c), start + seconds(1)));
  EXPECT_FALSE(grant.forbids(pn(3, b), start));
  EXPECT_FALSE(grant.forbids(pn(8, b), start)) << "the leader may collect again";
}

TEST(GrantTest, a_renewal_moves_the_end) {
  Grant grant({}, start);
  grant.give(pn(3, b), start + seconds(1));
  grant.give(pn(3, b), start + seconds(2));
  EXPECT_TRUE(grant.forbids(pn(4, c), start + seconds(1)));
}

TEST(GrantTest, in_the_quiet_period_after_a_start_only_the_pn_promised_last_may_go_on) {
  const Grant grant(pn(5, b), start + seconds(1));
  EXPECT_FALSE(grant.forbids(pn(5, b), start));
  EXPECT_TRUE(grant.forbids(pn(6, b), start)) << "the same member's next leadership may be of another life";
  EXPECT_TRUE(grant.forbids(pn(6, c), start + seconds(1) - Duration(1)));
  EXPECT_FALSE(grant.forbids(pn(6, c), start + seconds(1)));
}

TEST(LeaderLeaseTest, a_grant_counts_from_the_moment_at_which_it_was_asked_for) {
  LeaderLease lease;
  const uint64_t asked = lease.ask(start);
  lease.on_granted(b, asked, length);
  EXPECT_EQ(lease.granted(start + length - Duration(1)), std::set<MemberId>{b});
  EXPECT_TRUE(lease.granted(start + length).empty());
}

TEST(LeaderLeaseTest, a_late_answer_to_an_older_request_does_not_shorten_a_newer_grant) {
  LeaderLease lease;
  const uint64_t first = lease.ask(start);
  const uint64_t second = lease.ask(start + milliseconds(300));
  lease.on_granted(b, second, length);
  lease.on_granted(b, first, length);
  EXPECT_EQ(lease.granted(start + milliseconds(300) + length - Duration(1)).size(), 1U);
}

TEST(LeaderLeaseTest, an_answer_to_a_request_that_was_never_made_or_is_forgotten_counts_nothing) {
  LeaderLease lease;
  const uint64_t first = lease.ask(start);
  lease.on_granted(b, first + 1, length);
  EXPECT_TRUE(lease.granted(start).empty());
  for (int i = 0; i < 100; ++i) lease.ask(start + milliseconds(i));
  lease.on_granted(b, first, length);
  EXPECT_TRUE(lease.granted(start).empty());
}

TEST(LeaderLeaseTest, it_holds_while_a_majority_of_the_voters_grants_it) {
  Monmap monmap = test::monmap_of(3);
  monmap.members.push_back({"d", d, "host-d:1003", MemberRole::learner});
  LeaderLease lease;
  const uint64_t asked = lease.ask(start);
  lease.on_granted(a, asked, length);
  lease.on_granted(d, asked, length);
  lease.on_granted(test::stranger, asked, length);
  EXPECT_FALSE(lease.is_valid(start, monmap)) << "one voter, a learner and a stranger";
  lease.on_granted(b, asked, length);
  EXPECT_TRUE(lease.is_valid(start, monmap));
  EXPECT_FALSE(lease.is_valid(start + length, monmap));
}

// However late the message arrives, and with clocks that drift by less than what is stated: when the giver is free
// again, the leader has stopped counting.
TEST(LeaderLeaseTest, it_ends_at_the_leader_before_it_ends_at_the_giver) {
  for (int late = 0; late < 900; late += 100) {
    LeaderLease lease;
    const uint64_t asked = lease.ask(start);
    Grant grant({}, TimePoint());
    grant.give(pn(1, a), start + milliseconds(late) + seconds(1));
    lease.on_granted(b, asked, length);
    for (int at = 0; at < 3000; at += 50) {
      const TimePoint now = start + milliseconds(at);
      EXPECT_FALSE(lease.granted(now).count(b) > 0 && !grant.forbids(pn(2, c), now)) << late << " " << at;
    }
  }
}

}  // namespace
}  // namespace synod
