// The bugs that the nearest ancestor had in recovering uncommitted values (Ceph's monitor, 2013 and 2014), one test for
// each, as far as they can exist here.
#include <gtest/gtest.h>

#include "test/unit/mon/paxos_driver.h"

namespace synod {
namespace {

using test::a;
using test::b;
using test::c;
using test::entry_on;
using test::genesis;
using test::history;
using test::log_with;
using test::PaxosDriver;
using test::pn;
using test::under;

// Bug 1. The pn of an uncommitted value was reported as the newly promised one, so the order of arrival decided.
TEST(PaxosHistory, bug_1_the_pn_of_an_uncommitted_value_is_not_the_pn_promised_since) {
  const LogEntry older = entry_on(genesis(), pn(1, b), "older");
  PaxosDriver driver({.promised = pn(3, c), .log = log_with({older}, 0)});
  driver.receive(b, Collect{pn(8, b), genesis()});
  const auto last = driver.take<Last>(b);
  ASSERT_EQ(last->accepted.size(), 1U);
  EXPECT_EQ(last->accepted[0].pn, pn(1, b));

  // And a leader chooses by it, whichever promise arrives first.
  const LogEntry newer = entry_on(genesis(), pn(2, c), "newer");
  for (const bool b_is_first : {true, false}) {
    PaxosDriver leader({.size = 5});
    const ProposalNumber number = leader.become_candidate();
    for (MemberId voter : {b, c}) leader.receive(voter, ProposeReply{number, true, {}});
    const Last from_b{number, Version(1), genesis(), {older}};
    const Last from_c{number, Version(1), genesis(), {newer}};
    leader.receive(b_is_first ? b : c, b_is_first ? from_b : from_c);
    leader.receive(b_is_first ? c : b, b_is_first ? from_c : from_b);
    EXPECT_EQ(leader.take<Begin>(b)->entry.position(), newer.position());
  }
}

// Bug 2. A value for 100 blocked learning one for 101 of the same pn.
TEST(PaxosHistory, bug_2_a_value_for_one_version_does_not_block_the_next_of_the_same_pn) {
  const std::vector<LogEntry> tail = history(3, pn(2, c));
  PaxosDriver driver({.log = log_with({tail[0]}, 0)});
  driver.become_leader(tail, false);
  EXPECT_EQ(driver.begins(b), (std::vector<uint64_t>{1, 2, 3}));
}

TEST(PaxosHistory, bug_2_a_value_is_forgotten_once_it_is_committed) {
  const std::vector<LogEntry> entries = history(2, pn(2, b));
  PaxosDriver driver({.promised = pn(2, b), .log = log_with({entries[0]}, 0)});
  driver.receive(b, Commit{pn(2, b), entries[0].position()});
  driver.receive(c, Collect{pn(8, c), genesis()});
  EXPECT_TRUE(driver.take<Last>(c)->accepted.empty());
}

// Bug 3. A peon that is ahead of or behind the leader: its uncommitted value counts only where it chains after the
// leader has caught up.
TEST(PaxosHistory, bug_3_an_uncommitted_value_of_a_peon_that_is_behind_is_not_recovered_at_the_wrong_version) {
  const std::vector<LogEntry> chosen = history(2, pn(3, c), "chosen");
  PaxosDriver driver({.promised = pn(3, c), .log = log_with(chosen, 2)});
  // b has committed nothing and accepted a value for 1 that was overruled.
  const ProposalNumber number = driver.become_collecting();
  driver.forget_sent();
  driver.receive(b, Last{number, Version(1), genesis(), history(2, pn(1, b), "overruled")});
  ASSERT_TRUE(driver.paxos().is_leader());
  driver.grant(b);
  EXPECT_EQ(driver.paxos().serving_from(), Version(3)) << "an empty value of its own, and nothing of b's";
}

TEST(PaxosHistory, bug_3_an_uncommitted_value_of_a_peon_that_is_ahead_is_recovered_after_catching_up) {
  const std::vector<LogEntry> entries = history(3, pn(3, c));
  PaxosDriver driver;
  const ProposalNumber number = driver.become_collecting();
  driver.forget_sent();
  driver.receive(b, Last{number, Version(1), entries[1].position(), {entries[2]}});
  EXPECT_EQ(driver.begins(b), std::vector<uint64_t>{});
  driver.receive(b, Entries{Version(1), Version(1), {entries[0], entries[1]}});
  EXPECT_EQ(driver.begins(b), std::vector<uint64_t>{3});
  EXPECT_EQ(driver.take<Begin>(b)->entry, under(entries[2], number));
}

// Bug 4. What a leader took over from one peon moved it on, and left an earlier peon without a contiguous log, which
// then failed at the next begin. Here each peer is served from where it says it is.
TEST(PaxosHistory, bug_4_a_leader_that_caught_up_late_in_phase_1_serves_the_earlier_peon_from_its_own_position) {
  const std::vector<LogEntry> entries = history(3, pn(3, c));
  PaxosDriver driver({.size = 5});
  const ProposalNumber number = driver.become_candidate();
  for (MemberId voter : {b, c}) driver.receive(voter, ProposeReply{number, true, {}});
  driver.receive(b, Last{number, Version(1), genesis(), {}});  // b is behind
  driver.receive(c, Last{number, Version(1), entries[2].position(), {}});
  driver.receive(c, Entries{Version(1), Version(1), entries});
  ASSERT_TRUE(driver.paxos().is_leader());

  // b cannot place the begin for 4: it fetches what it lacks, tells its position, and is served.
  PaxosDriver peon({.self = b});
  const Begin begin = *driver.take<Begin>(b);
  EXPECT_EQ(begin.entry.version, Version(4));
  peon.receive(a, begin);
  EXPECT_EQ(peon.take<Fetch>(a)->from, Version(1));
  peon.receive(a, Entries{Version(1), Version(1), entries});
  std::optional<Gap> gap;
  while (auto next = peon.take<Gap>(a)) gap = next;
  ASSERT_TRUE(gap.has_value());
  EXPECT_EQ(gap->position, entries[2].position());
  driver.receive(b, *gap);
  peon.receive(a, *driver.take<Begin>(b));
  EXPECT_EQ(peon.count<Accept>(a), 1U);
}

// Bug 5. Sharing only at the end of the round dropped peons that could have been pulled forward. Here nobody is
// dropped: a promise of a member that is far behind counts, and it catches up by itself.
TEST(PaxosHistory, bug_5_the_promise_of_a_peon_that_is_behind_counts) {
  PaxosDriver driver({.promised = pn(3, c), .log = log_with(history(50, pn(3, c)), 50)});
  const ProposalNumber number = driver.become_collecting();
  driver.receive(b, Last{number, Version(1), genesis(), {}});
  EXPECT_TRUE(driver.paxos().is_leader());
}

// Bug 6. Off by one in the test whether logs touch.
TEST(PaxosHistory, bug_6_a_log_that_begins_with_the_very_next_version_is_contiguous) {
  const std::vector<LogEntry> entries = history(4, pn(3, c));
  for (const uint64_t first : {uint64_t{2}, uint64_t{3}}) {
    PaxosDriver driver({.promised = pn(3, c), .log = log_with({entries[0]}, 1)});
    const ProposalNumber number = driver.become_collecting();
    driver.receive(b, Last{number, Version(first), entries[3].position(), {}});
    EXPECT_EQ(driver.count<Fetch>(b), first == 2 ? 1U : 0U) << "first version " << first;
    EXPECT_EQ(driver.paxos().is_behind_trim(), first == 3) << "first version " << first;
  }
}

// Bug 7. A peon whose leader never issued a lease waited forever.
TEST(PaxosHistory, bug_7_a_peon_whose_leader_never_issues_a_lease_gives_up) {
  PaxosDriver driver;
  driver.receive(b, Begin{entry_on(genesis(), pn(1, b), "x"), genesis()});
  ASSERT_TRUE(driver.paxos().is_peon());
  driver.pass(driver.lease());
  driver.tick();
  EXPECT_FALSE(driver.paxos().is_peon());
  driver.pass(driver.lease());
  driver.tick();
  EXPECT_TRUE(driver.paxos().is_electing());
}

TEST(PaxosHistory, bug_7_a_member_that_promised_to_a_candidate_that_vanished_stands_itself) {
  PaxosDriver driver;
  driver.receive(b, Collect{pn(1, b), genesis()});
  driver.pass(driver.lease());
  driver.tick();
  EXPECT_TRUE(driver.paxos().is_electing());
}

// Bug 8. A missing pn fell back to the pn accepted last. Here each entry carries its pn, and none is ever made up: what
// is kept over a restart is told with the pn that it was accepted under (the store's tests show that it is kept).
TEST(PaxosHistory, bug_8_entries_accepted_under_different_pns_keep_them_over_a_restart) {
  const std::vector<LogEntry> entries = history(2, pn(1, c));
  PaxosDriver driver({.promised = pn(1, c), .log = log_with(entries, 0)});
  const Effects out = driver.receive(b, Begin{under(entries[0], pn(4, b)), genesis()});
  std::vector<LogEntry> stored = entries;
  for (const StoreWrite& write : out.writes) stored[0] = std::get<PutEntry>(write).entry;
  PaxosDriver restarted({.promised = *out.promise, .log = log_with(stored, 0)});
  restarted.receive(c, Collect{pn(9, c), genesis()});
  const auto last = restarted.take<Last>(c);
  ASSERT_EQ(last->accepted.size(), 2U);
  EXPECT_EQ(last->accepted[0].pn, pn(4, b));
  EXPECT_EQ(last->accepted[1].pn, pn(1, c));
}

}  // namespace
}  // namespace synod
