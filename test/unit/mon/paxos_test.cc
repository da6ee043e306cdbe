// Phase 2, one member at a time: acceptor and leader.
#include <gtest/gtest.h>

#include "test/unit/mon/paxos_driver.h"

namespace synod {
namespace {

using test::a;
using test::b;
using test::c;
using test::describe;
using test::entry_on;
using test::genesis;
using test::history;
using test::log_with;
using test::PaxosDriver;
using test::pn;
using test::under;

using Lines = std::vector<std::string>;
using Versions = std::vector<uint64_t>;

// ---------------------------------------------------------------------------------------------- acceptor

TEST(PaxosAcceptor, an_acceptance_is_written_and_promised_and_told_only_when_both_are_durable) {
  PaxosDriver driver;
  driver.hold_disk();
  const LogEntry entry = entry_on(genesis(), pn(1, b), "x");
  const Effects out = driver.receive(b, Begin{entry, genesis()});
  EXPECT_EQ(describe(out.writes), Lines{"put 1 under 1.b"});
  EXPECT_TRUE(out.is_durable);
  EXPECT_EQ(out.promise, pn(1, b)) << "a lease under this pn must not outlive the memory of the promise";
  EXPECT_EQ(driver.count<Accept>(b), 0U);
  driver.release_disk();
  EXPECT_EQ(driver.take<Accept>(b)->position, entry.position());
}

TEST(PaxosAcceptor, a_duplicate_is_accepted_again_behind_the_first_write) {
  PaxosDriver driver;
  driver.hold_disk();
  const Begin begin{entry_on(genesis(), pn(1, b), "x"), genesis()};
  driver.receive(b, begin);
  const Effects out = driver.receive(b, begin);
  EXPECT_TRUE(out.messages.empty()) << "the first acceptance is not durable yet";
  EXPECT_TRUE(out.writes.empty());
  driver.release_disk();
  EXPECT_EQ(driver.count<Accept>(b), 2U);
}

TEST(PaxosAcceptor, to_accept_again_what_is_committed_is_a_promise_as_well) {
  const std::vector<LogEntry> old = history(1, pn(1, c));
  PaxosDriver driver({.promised = pn(1, c), .log = log_with(old, 1)});
  const Effects out = driver.receive(b, Begin{under(old[0], pn(2, b)), genesis()});
  EXPECT_EQ(out.promise, pn(2, b));
  EXPECT_EQ(driver.take<Accept>(b)->pn, pn(2, b));
  driver.receive(c, Begin{entry_on(old[0].position(), pn(1, c), "x"), genesis()});
  EXPECT_EQ(driver.take<Refuse>(c)->promised, pn(2, b));
}

TEST(PaxosAcceptor, a_begin_of_a_lower_pn_is_refused_and_of_another_members_pn_is_ignored) {
  PaxosDriver driver({.promised = pn(5, c)});
  driver.receive(b, Begin{entry_on(genesis(), pn(4, b), "x"), genesis()});
  EXPECT_EQ(driver.take<Refuse>(b)->promised, pn(5, c));
  driver.receive(b, Begin{entry_on(genesis(), pn(5, c), "x"), genesis()});
  EXPECT_TRUE(driver.sent().empty());
  EXPECT_TRUE(driver.paxos().log().accepted().empty());
}

TEST(PaxosAcceptor, a_begin_under_a_forbidden_pn_is_not_accepted) {
  PaxosDriver driver;
  driver.receive(c, Lease{pn(1, c), 1, genesis(), Version(1), {c}});
  driver.forget_sent();
  driver.receive(b, Begin{entry_on(genesis(), pn(2, b), "x"), genesis()});
  EXPECT_TRUE(driver.paxos().log().accepted().empty());
  EXPECT_EQ(driver.paxos().leader(), c);
}

TEST(PaxosAcceptor, an_acceptance_for_a_later_version_says_nothing_of_the_earlier_ones) {
  const std::vector<LogEntry> old = history(2, pn(1, c));
  PaxosDriver driver({.promised = pn(1, c), .log = log_with(old, 0)});
  driver.receive(b, Begin{under(old[1], pn(3, b)), genesis()});
  EXPECT_EQ(driver.count<Accept>(b), 0U) << "1 is held under pn 1 only";
  const auto gap = driver.take<Gap>(b);
  ASSERT_TRUE(gap.has_value());
  EXPECT_EQ(gap->position, genesis());
}

TEST(PaxosAcceptor, begins_behind_a_lost_one_report_the_gap_once) {
  const std::vector<LogEntry> entries = history(5, pn(1, b));
  PaxosDriver driver;
  driver.receive(b, Begin{entries[0], genesis()});
  for (size_t i = 2; i < 5; ++i) driver.receive(b, Begin{entries[i], genesis()});
  EXPECT_EQ(driver.count<Gap>(b), 1U);
  EXPECT_EQ(driver.take<Gap>(b)->position, entries[0].position());
  for (size_t i = 1; i < 5; ++i) driver.receive(b, Begin{entries[i], genesis()});
  EXPECT_EQ(driver.count<Accept>(b), 5U);
}

TEST(PaxosAcceptor, a_commit_of_what_is_held_is_applied_and_of_what_is_not_is_fetched) {
  const std::vector<LogEntry> entries = history(3, pn(1, b));
  PaxosDriver driver;
  driver.receive(b, Begin{entries[0], genesis()});
  driver.receive(b, Commit{pn(1, b), entries[0].position()});
  EXPECT_EQ(driver.chosen(), std::vector<LogEntry>{entries[0]});
  driver.receive(b, Commit{pn(1, b), entries[2].position()});
  const auto fetch = driver.take<Fetch>(b);
  ASSERT_TRUE(fetch.has_value());
  EXPECT_EQ(fetch->from, Version(2));
  EXPECT_EQ(fetch->to, Version(3));
}

TEST(PaxosAcceptor, a_commit_that_names_another_value_than_the_one_held_applies_nothing) {
  PaxosDriver driver;
  driver.receive(b, Begin{entry_on(genesis(), pn(1, b), "held"), genesis()});
  driver.receive(c, Commit{pn(2, c), entry_on(genesis(), pn(2, c), "chosen").position()});
  EXPECT_TRUE(driver.chosen().empty());
  EXPECT_EQ(driver.count<Fetch>(c), 1U);
}

TEST(PaxosAcceptor, a_commit_in_somebody_elses_name_is_ignored) {
  const LogEntry entry = entry_on(genesis(), pn(1, b), "x");
  PaxosDriver driver;
  driver.receive(b, Begin{entry, genesis()});
  driver.receive(c, Commit{pn(1, b), entry.position()});
  EXPECT_TRUE(driver.chosen().empty());
}

// ---------------------------------------------------------------------------------------------- leader

TEST(PaxosLeader, a_value_is_committed_by_a_majority_and_not_below) {
  PaxosDriver driver({.size = 5});
  const ProposalNumber number = driver.become_candidate();
  for (MemberId voter : {b, c}) driver.receive(voter, ProposeReply{number, true, {}});
  for (MemberId voter : {b, c}) driver.receive(voter, Last{number, Version(1), genesis(), {}});
  ASSERT_TRUE(driver.paxos().is_leader());
  const Begin begin = *driver.take<Begin>(b);
  driver.receive(b, Accept{number, begin.entry.position()});
  driver.receive(b, Accept{number, begin.entry.position()});
  EXPECT_TRUE(driver.chosen().empty()) << "two of five, one of them twice";
  driver.receive(test::stranger, Accept{number, begin.entry.position()});
  EXPECT_TRUE(driver.chosen().empty());
  driver.receive(c, Accept{number, begin.entry.position()});
  EXPECT_EQ(driver.chosen(), std::vector<LogEntry>{begin.entry});
  EXPECT_EQ(driver.take<Commit>(b)->committed, begin.entry.position());
}

TEST(PaxosLeader, its_own_acceptance_counts_when_it_is_durable_and_not_before) {
  PaxosDriver driver;
  driver.become_leader();
  driver.hold_disk();
  driver.propose("x");
  driver.accept_all(b);
  EXPECT_EQ(driver.chosen().size(), 1U) << "of two, of whom one has not written";
  driver.release_disk();
  EXPECT_EQ(driver.chosen().size(), 2U);
}

TEST(PaxosLeader, a_majority_of_others_commits_while_its_own_disk_is_slow) {
  PaxosDriver driver;
  driver.become_leader();
  const std::vector<LogEntry> before = driver.chosen();
  driver.grant(c);
  driver.hold_disk();
  const Position position = driver.propose("x");
  driver.receive(b, Accept{driver.paxos().leader_pn(), position});
  driver.receive(c, Accept{driver.paxos().leader_pn(), position});
  EXPECT_EQ(driver.paxos().log().committed(), position);
}

TEST(PaxosLeader, an_acceptance_counts_for_its_own_version_alone) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  const Position first = driver.propose("x");
  const Position second = driver.propose("y");
  driver.receive(b, Accept{number, second});
  EXPECT_EQ(driver.chosen().size(), 1U) << "y is accepted by two, x below it by one";
  driver.receive(b, Accept{number, first});
  EXPECT_EQ(driver.chosen().size(), 3U);
}

TEST(PaxosLeader, an_acceptance_counts_for_the_value_and_the_pn_that_it_names) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  const Position position = driver.propose("x");
  driver.receive(b, Accept{pn(number.round - 1, a), position});
  driver.receive(b, Accept{number, {position.version, genesis_hash(Fsid{{7}})}});
  EXPECT_EQ(driver.chosen().size(), 1U);
}

TEST(PaxosLeader, it_proposes_up_to_its_window_and_goes_on_when_a_value_is_committed) {
  CoreOptions options;
  options.window = 2;
  PaxosDriver driver({.options = options});
  driver.become_leader();
  driver.propose("x");
  EXPECT_TRUE(driver.paxos().can_propose());
  driver.propose("y");
  EXPECT_FALSE(driver.paxos().can_propose());
  driver.accept_all(b);
  EXPECT_TRUE(driver.paxos().can_propose());
}

TEST(PaxosLeader, values_in_flight_chain_one_on_the_other) {
  PaxosDriver driver;
  driver.become_leader();
  const Position first = driver.propose("x");
  driver.propose("y");
  driver.take<Begin>(b);
  EXPECT_EQ(driver.take<Begin>(b)->entry.predecessor, first.hash);
}

TEST(PaxosLeader, a_refuse_with_a_higher_promise_makes_it_collect_again_above_and_keep_its_lease) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  const uint64_t term = driver.paxos().term();
  const Position in_flight = driver.propose("x");
  driver.forget_sent();
  driver.receive(c, Refuse{number, pn(number.round + 4, c)});
  const auto collect = driver.take<Collect>(b);
  ASSERT_TRUE(collect.has_value());
  EXPECT_EQ(collect->pn, pn(number.round + 5, a));
  EXPECT_FALSE(driver.paxos().has_lease(driver.now())) << "phase 1 is not through";
  EXPECT_GT(driver.paxos().term(), term) << "what was computed before is void";
  driver.receive(b, Last{collect->pn, Version(1), driver.paxos().log().committed(), {}});
  ASSERT_TRUE(driver.paxos().is_leader());
  const auto begin = driver.take<Begin>(b);
  EXPECT_EQ(begin->entry.position(), in_flight) << "its own value in flight is recovered";
  driver.receive(b, Accept{collect->pn, in_flight});
  EXPECT_TRUE(driver.paxos().has_lease(driver.now())) << "by the grant that b gave before";
}

TEST(PaxosLeader, a_refuse_for_an_older_pn_or_without_a_higher_promise_changes_nothing) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  driver.receive(c, Refuse{pn(number.round - 1, a), pn(number.round + 4, c)});
  driver.receive(c, Refuse{number, number});
  EXPECT_TRUE(driver.paxos().is_leader());
  EXPECT_EQ(driver.paxos().leader_pn(), number);
}

TEST(PaxosLeader, a_member_that_returns_is_served_from_where_it_is_without_an_election) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  driver.propose("x");
  driver.propose("y");
  driver.accept_all(b);
  driver.propose("z");
  driver.forget_sent();
  driver.peer_connected(c);
  driver.tick();
  const auto lease = driver.take<Lease>(c);
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(driver.begins(c), Versions{}) << "it has not said how far it is";
  driver.receive(c, LeaseAck{number, lease->sequence, genesis(), genesis()});
  EXPECT_EQ(driver.begins(c), (Versions{1, 2, 3, 4}));
  EXPECT_EQ(driver.paxos().leader_pn(), number);
}

TEST(PaxosLeader, a_begin_that_was_lost_is_sent_again_after_a_lease_is_answered_without_it) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  const Position position = driver.propose("x");
  driver.forget_sent();
  driver.pass(driver.lease() / 2);
  driver.tick();
  const Position before = driver.paxos().log().committed();
  driver.receive(b, LeaseAck{number, driver.take<Lease>(b)->sequence, before, before});
  EXPECT_EQ(driver.begins(b), Versions{position.version.value()});
}

TEST(PaxosLeader, a_gap_is_filled_from_the_position_told) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  const Position first = driver.propose("x");
  driver.propose("y");
  driver.propose("z");
  driver.forget_sent();
  driver.receive(b, Gap{number, first});
  EXPECT_EQ(driver.begins(b), (Versions{first.version.value() + 1, first.version.value() + 2}));
}

TEST(PaxosLeader, a_peer_that_needs_more_than_is_at_hand_is_not_served_begins_that_it_cannot_take) {
  CoreOptions options;
  options.window = 1;
  PaxosDriver driver({.options = options});
  const ProposalNumber number = driver.become_leader();
  for (int i = 0; i < 10; ++i) {
    driver.propose("x");
    driver.accept_all(b);
  }
  driver.forget_sent();
  driver.receive(c, Gap{number, genesis()});
  EXPECT_EQ(driver.begins(c), Versions{});
}

// b has committed what this leader recovered and proposes again, so b accepts it no more; that it is chosen is enough.
TEST(PaxosLeader, a_value_in_flight_that_a_peer_has_committed_is_committed) {
  const std::vector<LogEntry> tail = history(2, pn(1, c));
  PaxosDriver driver({.promised = pn(1, c), .log = log_with(tail, 0)});
  const ProposalNumber number = driver.become_leader({}, false);
  const uint64_t sequence = driver.take<Lease>(b)->sequence;
  driver.receive(b, LeaseAck{number, sequence, genesis(), {Version(2), genesis_hash(Fsid{{7}})}});
  EXPECT_TRUE(driver.chosen().empty()) << "of another history";
  driver.receive(b, LeaseAck{number, sequence, tail[1].position(), tail[1].position()});
  EXPECT_EQ(driver.paxos().log().committed(), tail[1].position());
}

TEST(PaxosLeader, a_value_that_a_peer_says_to_hold_is_not_sent_again_though_only_its_acceptance_counts) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  const Position position = driver.propose("x");
  driver.forget_sent();
  driver.pass(driver.lease() / 2);
  driver.tick();
  driver.receive(b, LeaseAck{number, driver.take<Lease>(b)->sequence, position, driver.paxos().log().committed()});
  EXPECT_EQ(driver.begins(b), Versions{}) << "its disk may be slow";
  EXPECT_EQ(driver.paxos().log().committed().version, position.version.previous());
  driver.receive(b, Accept{number, position});
  EXPECT_EQ(driver.paxos().log().committed(), position);
}

}  // namespace
}  // namespace synod
