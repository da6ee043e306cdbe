// Leases and catching up, one member at a time.
#include <gtest/gtest.h>

#include "test/unit/mon/paxos_driver.h"

namespace synod {
namespace {

using test::a;
using test::b;
using test::c;
using test::d;
using test::entry_on;
using test::genesis;
using test::history;
using test::log_with;
using test::PaxosDriver;
using test::pn;

// ---------------------------------------------------------------------------------------------- leases

TEST(PaxosLease, there_is_none_before_a_value_of_its_own_pn_is_committed) {
  PaxosDriver driver;
  driver.become_leader({}, false);
  driver.grant(b);
  driver.grant(c);
  EXPECT_TRUE(driver.paxos().is_leader());
  EXPECT_FALSE(driver.paxos().has_lease(driver.now()))
      << "an earlier leader may have acknowledged what is not applied here";
  driver.accept_all(b);
  EXPECT_TRUE(driver.paxos().has_lease(driver.now()));
}

TEST(PaxosLease, there_is_none_before_the_whole_recovered_tail_is_committed) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader(history(2, pn(1, c)), false);
  driver.grant(b);
  driver.receive(b, Accept{number, driver.take<Begin>(b)->entry.position()});
  EXPECT_EQ(driver.chosen().size(), 1U);
  EXPECT_FALSE(driver.paxos().has_lease(driver.now()));
  driver.receive(b, Accept{number, driver.take<Begin>(b)->entry.position()});
  EXPECT_TRUE(driver.paxos().has_lease(driver.now()));
}

TEST(PaxosLease, it_counts_from_the_sending_less_the_drift_whenever_the_answer_comes) {
  PaxosDriver driver;
  driver.become_leader({}, false);
  driver.accept_all(b);
  const TimePoint asked = driver.now();
  driver.pass(std::chrono::milliseconds(400));
  driver.grant(b);
  driver.grant(c);
  const TimePoint end = asked + driver.lease() - driver.lease() / 20;
  EXPECT_TRUE(driver.paxos().has_lease(end - std::chrono::nanoseconds(1)));
  EXPECT_FALSE(driver.paxos().has_lease(end));
}

TEST(PaxosLease, a_leader_without_a_majority_loses_it_and_then_gives_up) {
  PaxosDriver driver;
  driver.become_leader();
  driver.pass(driver.lease() * 19 / 20);
  EXPECT_FALSE(driver.paxos().has_lease(driver.now()));
  for (int i = 0; i < 4 && driver.paxos().is_leader(); ++i) {
    driver.tick(false);
    driver.pass(driver.lease() / 2);
  }
  EXPECT_FALSE(driver.paxos().is_leader());
  EXPECT_EQ(driver.paxos().leader(), MemberId());
}

TEST(PaxosLease, a_leader_whose_lease_has_lapsed_sends_nothing_that_keeps_others_from_electing) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  const Position position = driver.propose("x");
  driver.forget_sent();
  driver.pass(driver.lease() * 19 / 20);
  driver.receive(b, Accept{number, position});
  driver.receive(b, Gap{number, genesis()});
  driver.tick(false);
  EXPECT_FALSE(driver.paxos().is_leader());
  EXPECT_TRUE(driver.sent().empty());
}

TEST(PaxosLease, a_new_leader_has_one_lease_to_get_its_first) {
  PaxosDriver driver;
  driver.become_leader({}, false);
  driver.pass(driver.lease() - Duration(1));
  driver.tick(false);
  EXPECT_TRUE(driver.paxos().is_leader());
  driver.pass(Duration(1));
  driver.tick(false);
  EXPECT_FALSE(driver.paxos().is_leader());
}

TEST(PaxosLease, an_acceptance_that_may_have_been_lost_is_said_again_with_the_answer_to_a_lease) {
  PaxosDriver driver;
  const LogEntry entry = entry_on(genesis(), pn(1, b), "x");
  driver.receive(b, Begin{entry, genesis()});
  driver.forget_sent();
  driver.receive(b, Lease{pn(1, b), 1, genesis(), Version(1), {b}});
  EXPECT_EQ(driver.take<Accept>(b)->position, entry.position());
  driver.hold_disk();
  const LogEntry next = entry_on(entry.position(), pn(1, b), "y");
  driver.receive(b, Begin{next, genesis()});
  driver.receive(b, Lease{pn(1, b), 2, genesis(), Version(1), {b}});
  EXPECT_EQ(driver.count<Accept>(b), 0U) << "not before it is durable";
}

TEST(PaxosLease, news_of_an_earlier_leader_commit_what_this_one_has_recovered) {
  PaxosDriver driver;
  const std::vector<LogEntry> entries = history(1, pn(1, c));
  driver.become_leader(entries, false);
  driver.receive(c, Commit{pn(1, c), entries[0].position()});
  EXPECT_EQ(driver.paxos().log().committed(), entries[0].position());
  EXPECT_TRUE(driver.paxos().can_propose());
}

TEST(PaxosLease, a_leader_that_has_lost_its_majority_does_not_keep_itself_from_promising_to_another) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  driver.pass(driver.lease() * 2);
  driver.tick(false);
  driver.receive(b, Collect{pn(number.round + 1, b), genesis()});
  EXPECT_EQ(driver.count<Last>(b), 1U);
}

TEST(PaxosLease, a_leader_is_bound_by_its_own_grant_while_it_counts_on_it) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  ASSERT_TRUE(driver.paxos().has_lease(driver.now()));
  driver.receive(b, Collect{pn(number.round + 1, b), genesis()});
  driver.receive(b, Propose{pn(number.round + 1, b), Version(99)});
  EXPECT_EQ(driver.count<Last>(b), 0U);
  EXPECT_FALSE(driver.take<ProposeReply>(b)->granted);
  EXPECT_TRUE(driver.paxos().is_leader());
}

TEST(PaxosLease, grants_of_learners_and_strangers_make_no_majority) {
  Monmap monmap = test::monmap_of(3);
  monmap.members.push_back({"d", d, "host-d:1003", MemberRole::learner});
  PaxosDriver driver({.monmap = monmap});
  const ProposalNumber number = driver.become_leader({}, false);
  driver.accept_all(b);
  const uint64_t sequence = driver.take<Lease>(b)->sequence;
  for (const MemberId other : {d, test::stranger}) {
    driver.receive(other, LeaseAck{number, sequence, genesis(), genesis()});
  }
  EXPECT_FALSE(driver.paxos().has_lease(driver.now()));
  driver.receive(b, LeaseAck{pn(number.round - 1, a), sequence, genesis(), genesis()});
  EXPECT_FALSE(driver.paxos().has_lease(driver.now())) << "of another pn";
  driver.receive(b, LeaseAck{number, sequence, genesis(), genesis()});
  EXPECT_TRUE(driver.paxos().has_lease(driver.now()));
}

TEST(PaxosLease, it_is_renewed_before_it_ends_and_asked_of_learners_too) {
  Monmap monmap = test::monmap_of(3);
  monmap.members.push_back({"d", d, "host-d:1003", MemberRole::learner});
  PaxosDriver driver({.monmap = monmap});
  driver.become_leader();
  driver.pass(driver.lease() / 2);
  driver.tick();
  EXPECT_EQ(driver.count<Lease>(b), 1U);
  EXPECT_EQ(driver.count<Lease>(d), 1U);
}

TEST(PaxosLease, a_grant_is_told_only_when_the_promise_that_it_stands_on_is_durable) {
  PaxosDriver driver;
  driver.hold_disk();
  const Effects out = driver.receive(b, Lease{pn(1, b), 1, genesis(), Version(1), {b}});
  EXPECT_EQ(out.promise, pn(1, b));
  EXPECT_TRUE(out.messages.empty());
  driver.receive(b, Lease{pn(1, b), 2, genesis(), Version(1), {b}});
  EXPECT_EQ(driver.count<LeaseAck>(b), 0U) << "the promise is still on its way to the disk";
  driver.release_disk();
  EXPECT_EQ(driver.count<LeaseAck>(b), 2U);
  driver.hold_disk();
  driver.receive(b, Lease{pn(1, b), 3, genesis(), Version(1), {b}});
  EXPECT_EQ(driver.count<LeaseAck>(b), 3U) << "a renewal needs no write";
}

TEST(PaxosLease, a_lease_of_a_lower_pn_is_refused) {
  PaxosDriver driver({.promised = pn(5, c)});
  driver.receive(b, Lease{pn(4, b), 1, genesis(), Version(1), {b}});
  EXPECT_EQ(driver.take<Refuse>(b)->promised, pn(5, c));
  EXPECT_EQ(driver.count<LeaseAck>(b), 0U);
}

TEST(PaxosLease, a_peon_that_hears_no_lease_looks_for_another_leader) {
  PaxosDriver driver;
  driver.receive(b, Lease{pn(1, b), 1, genesis(), Version(1), {a, b}});
  EXPECT_TRUE(driver.paxos().is_peon());
  EXPECT_TRUE(driver.paxos().is_in_quorum(driver.now()));
  driver.pass(driver.lease() - std::chrono::nanoseconds(1));
  driver.tick();
  EXPECT_TRUE(driver.paxos().is_peon());
  driver.pass(std::chrono::nanoseconds(1));
  driver.tick();
  EXPECT_FALSE(driver.paxos().is_peon());
  EXPECT_EQ(driver.paxos().leader(), MemberId());
}

// ---------------------------------------------------------------------------------------------- catching up

TEST(PaxosCatchUp, a_lagging_peon_fetches_in_pieces_and_then_tells_where_the_leader_goes_on) {
  const std::vector<LogEntry> entries = history(5, pn(2, b));
  PaxosDriver driver;
  driver.receive(b, Lease{pn(2, b), 1, entries[3].position(), Version(1), {b}});
  EXPECT_EQ(driver.take<Fetch>(b)->to, Version(4));
  driver.receive(b, Entries{Version(1), Version(1), {entries[0], entries[1]}});
  EXPECT_EQ(driver.chosen().size(), 2U);
  EXPECT_EQ(driver.count<Fetch>(b), 0U) << "the rest with the next tick";
  driver.tick();
  EXPECT_EQ(driver.take<Fetch>(b)->from, Version(3));
  driver.receive(b, Entries{Version(1), Version(3), {entries[2], entries[3]}});
  EXPECT_EQ(driver.take<Gap>(b)->position, entries[3].position());
  driver.receive(b, Begin{entries[4], entries[3].position()});
  EXPECT_EQ(driver.count<Accept>(b), 1U);
}

TEST(PaxosCatchUp, no_further_piece_is_fetched_while_those_before_wait_for_the_disk) {
  const std::vector<LogEntry> entries = history(4, pn(2, b));
  PaxosDriver driver;
  driver.receive(b, Lease{pn(2, b), 1, entries[3].position(), Version(1), {b}});
  EXPECT_EQ(driver.count<Fetch>(b), 1U);
  driver.forget_sent();
  driver.set_disk_busy();
  driver.receive(b, Entries{Version(1), Version(1), {entries[0], entries[1]}});
  EXPECT_EQ(driver.chosen().size(), 2U) << "what was asked for is taken";
  driver.pass(driver.lease() / 10);
  driver.tick();
  EXPECT_EQ(driver.count<Fetch>(b), 0U);
  driver.receive(b, Entries{Version(1), Version(3), {entries[2]}});
  EXPECT_EQ(driver.chosen().size(), 2U) << "nothing was asked for";
  driver.set_disk_hangs(false);
  driver.tick();
  EXPECT_EQ(driver.take<Fetch>(b)->from, Version(3));
  driver.receive(b, Entries{Version(1), Version(3), {entries[2], entries[3]}});
  EXPECT_EQ(driver.chosen().size(), 4U);
}

TEST(PaxosCatchUp, entries_that_do_not_chain_or_were_not_asked_for_are_not_learned) {
  const std::vector<LogEntry> entries = history(2, pn(2, b));
  PaxosDriver driver;
  driver.receive(b, Entries{Version(1), Version(1), entries});
  EXPECT_TRUE(driver.chosen().empty()) << "nothing was asked for";
  driver.receive(b, Lease{pn(2, b), 1, entries[1].position(), Version(1), {b}});
  driver.receive(c, Entries{Version(1), Version(1), entries});
  EXPECT_TRUE(driver.chosen().empty()) << "it was asked of b";
  driver.receive(b, Entries{Version(1), Version(1), {entries[1]}});
  EXPECT_TRUE(driver.chosen().empty());
}

TEST(PaxosCatchUp, an_answer_that_what_is_needed_is_trimmed_is_remembered_until_there_is_progress) {
  const std::vector<LogEntry> entries = history(5, pn(2, b));
  PaxosDriver driver;
  driver.receive(b, Lease{pn(2, b), 1, entries[4].position(), Version(1), {b}});
  driver.receive(b, Entries{Version(4), Version(1), {}});
  EXPECT_TRUE(driver.paxos().is_behind_trim());
  driver.receive(b, Lease{pn(2, b), 2, entries[4].position(), Version(1), {b}});
  driver.receive(b, Entries{Version(1), Version(1), entries});
  EXPECT_FALSE(driver.paxos().is_behind_trim());
}

TEST(PaxosCatchUp, an_answer_from_the_very_next_version_on_is_no_trim) {
  const std::vector<LogEntry> entries = history(3, pn(2, b));
  PaxosDriver driver({.log = log_with({entries[0]}, 1)});
  driver.receive(b, Lease{pn(2, b), 1, entries[2].position(), Version(2), {b}});
  EXPECT_FALSE(driver.paxos().is_behind_trim());
  driver.receive(b, Lease{pn(2, b), 2, entries[2].position(), Version(3), {b}});
  EXPECT_TRUE(driver.paxos().is_behind_trim());
}

}  // namespace
}  // namespace synod
