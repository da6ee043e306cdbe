// Elections and phase 1, one member at a time: pre-vote, promises, and what a new leader recovers.
#include <gtest/gtest.h>

#include "test/unit/mon/paxos_driver.h"

namespace synod {
namespace {

using test::a;
using test::b;
using test::c;
using test::d;
using test::describe;
using test::empty_log;
using test::entry_on;
using test::genesis;
using test::history;
using test::log_with;
using test::PaxosDriver;
using test::pn;
using test::under;

using Lines = std::vector<std::string>;

std::vector<std::string> texts(const std::vector<LogEntry>& entries) {
  std::vector<std::string> found;
  for (const LogEntry& entry : entries) {
    const Result<Transaction> transaction = Transaction::decode(entry.value);
    found.emplace_back(transaction->is_empty() ? "(empty)" : Bytes(transaction->ops().front().value.view()));
  }
  return found;
}

// ---------------------------------------------------------------------------------------------- pre-vote

TEST(PaxosPreVote, a_member_without_a_leader_grants_a_candidate_that_is_level_and_obliges_itself_to_nothing) {
  PaxosDriver driver;
  const Effects out = driver.receive(b, Propose{pn(1, b), Version(0)});
  const auto reply = driver.take<ProposeReply>(b);
  ASSERT_TRUE(reply.has_value());
  EXPECT_TRUE(reply->granted);
  EXPECT_FALSE(out.promise.has_value());
  EXPECT_EQ(driver.paxos().promised(), ProposalNumber());
}

TEST(PaxosPreVote, a_member_under_a_lease_denies_another_candidate) {
  PaxosDriver driver;
  driver.receive(c, Lease{pn(1, c), 1, genesis(), Version(1), {c}});
  driver.pass(driver.lease() - std::chrono::nanoseconds(1));
  driver.receive(b, Propose{pn(2, b), Version(0)});
  EXPECT_FALSE(driver.take<ProposeReply>(b)->granted) << "stickiness: the leader may live";
  driver.pass(std::chrono::nanoseconds(1));
  driver.receive(b, Propose{pn(2, b), Version(0)});
  EXPECT_TRUE(driver.take<ProposeReply>(b)->granted) << "the grant has ended";
}

TEST(PaxosPreVote, a_candidate_that_is_behind_is_denied) {
  PaxosDriver driver({.log = log_with(history(2, pn(1, c)), 2)});
  driver.receive(b, Propose{pn(5, b), Version(1)});
  EXPECT_FALSE(driver.take<ProposeReply>(b)->granted);
}

TEST(PaxosPreVote, a_pn_that_is_not_above_the_promise_is_denied_and_the_promise_is_told) {
  PaxosDriver driver({.promised = pn(7, c)});
  for (const ProposalNumber& asked : {pn(6, b), pn(7, b)}) {
    driver.receive(b, Propose{asked, Version(0)});
    const auto reply = driver.take<ProposeReply>(b);
    EXPECT_FALSE(reply->granted);
    EXPECT_EQ(reply->promised, pn(7, c));
  }
}

TEST(PaxosPreVote, a_candidate_for_somebody_elses_pn_is_not_answered) {
  PaxosDriver driver;
  driver.receive(b, Propose{pn(1, c), Version(0)});
  EXPECT_TRUE(driver.sent().empty());
}

TEST(PaxosPreVote, a_member_in_its_quiet_period_denies_all_and_does_not_stand_itself) {
  PaxosDriver driver({.promised = pn(1, c), .quiet = std::chrono::seconds(1)});
  driver.pass(std::chrono::milliseconds(999));
  driver.receive(b, Propose{pn(2, b), Version(0)});
  EXPECT_FALSE(driver.take<ProposeReply>(b)->granted);
  driver.tick();
  EXPECT_TRUE(driver.sent().empty()) << "it may have granted a lease before it was stopped";
  driver.pass(std::chrono::milliseconds(1));
  driver.tick();
  EXPECT_EQ(driver.count<Propose>(b), 1U);
}

TEST(PaxosPreVote, a_candidate_learns_of_a_higher_promise_and_asks_above_it_the_next_time) {
  PaxosDriver driver;
  const ProposalNumber first = driver.become_candidate();
  driver.receive(b, ProposeReply{first, false, pn(9, c)});
  driver.pass(driver.lease());
  driver.tick();  // its time is up
  const ProposalNumber second = driver.become_candidate();
  EXPECT_EQ(second, pn(10, a));
}

TEST(PaxosPreVote, a_candidate_collects_with_a_majority_and_not_below) {
  PaxosDriver driver({.size = 5});
  const ProposalNumber number = driver.become_candidate();
  driver.receive(b, ProposeReply{number, true, {}});
  driver.receive(b, ProposeReply{number, true, {}});
  EXPECT_EQ(driver.count<Collect>(b), 0U) << "one voter counts once";
  driver.receive(c, ProposeReply{pn(number.round + 1, a), true, {}});
  EXPECT_EQ(driver.count<Collect>(b), 0U) << "a vote for another pn does not count";
  driver.receive(d, ProposeReply{number, true, {}});
  EXPECT_EQ(driver.count<Collect>(b), 1U);
}

TEST(PaxosPreVote, votes_of_learners_and_of_strangers_do_not_count) {
  Monmap monmap = test::monmap_of(3);
  monmap.members.push_back({"d", d, "host-d:1003", MemberRole::learner});
  PaxosDriver driver({.monmap = monmap});
  const ProposalNumber number = driver.become_candidate();
  driver.receive(test::stranger, ProposeReply{number, true, {}});
  driver.receive(d, ProposeReply{number, true, {}});
  EXPECT_EQ(driver.count<Collect>(b), 0U);
  EXPECT_TRUE(driver.paxos().is_electing());
}

TEST(PaxosPreVote, a_learner_is_neither_promised_to_nor_followed) {
  Monmap monmap = test::monmap_of(3);
  monmap.members.push_back({"d", d, "host-d:1003", MemberRole::learner});
  PaxosDriver driver({.monmap = monmap});
  driver.receive(d, Propose{pn(5, d), Version(0)});
  driver.receive(d, Collect{pn(5, d), genesis()});
  driver.receive(d, Begin{entry_on(genesis(), pn(5, d), "x"), genesis()});
  driver.receive(d, Lease{pn(5, d), 1, genesis(), Version(1), {d}});
  EXPECT_TRUE(driver.sent().empty());
  EXPECT_EQ(driver.paxos().promised(), ProposalNumber());
  EXPECT_EQ(driver.paxos().leader(), MemberId());
}

TEST(PaxosPreVote, nobody_stands_while_it_is_told_not_to) {
  PaxosDriver driver;
  driver.pass(5 * driver.lease());
  driver.tick(false);
  EXPECT_TRUE(driver.sent().empty());
}

// ---------------------------------------------------------------------------------------------- promises

TEST(PaxosPromise, a_promise_is_written_and_told_only_when_it_is_durable) {
  PaxosDriver driver;
  driver.hold_disk();
  const Effects out = driver.receive(b, Collect{pn(1, b), genesis()});
  EXPECT_EQ(out.promise, pn(1, b));
  EXPECT_TRUE(out.messages.empty());
  ASSERT_EQ(out.messages_when_durable.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Last>(out.messages_when_durable[0].message));
  EXPECT_TRUE(driver.sent().empty());
  driver.release_disk();
  EXPECT_EQ(driver.count<Last>(b), 1U);
}

TEST(PaxosPromise, a_lower_pn_is_refused_with_the_promise_and_the_same_pn_is_answered_again) {
  PaxosDriver driver({.promised = pn(5, b)});
  driver.receive(c, Collect{pn(4, c), genesis()});
  EXPECT_EQ(driver.take<Refuse>(c)->promised, pn(5, b));
  EXPECT_EQ(driver.count<Last>(c), 0U);
  const Effects out = driver.receive(b, Collect{pn(5, b), genesis()});
  EXPECT_FALSE(out.promise.has_value());
  EXPECT_EQ(driver.count<Last>(b), 1U) << "its first answer may have been lost";
}

TEST(PaxosPromise, a_grant_forbids_to_promise_to_another_member_but_not_to_the_leader_itself) {
  PaxosDriver driver;
  driver.receive(c, Lease{pn(1, c), 1, genesis(), Version(1), {c}});
  driver.receive(b, Collect{pn(9, b), genesis()});
  const auto refuse = driver.take<Refuse>(b);
  ASSERT_TRUE(refuse.has_value());
  EXPECT_EQ(refuse->promised, pn(1, c));
  EXPECT_EQ(driver.paxos().promised(), pn(1, c));
  driver.receive(c, Collect{pn(9, c), genesis()});
  EXPECT_EQ(driver.count<Last>(c), 1U);
}

TEST(PaxosPromise, a_member_in_its_quiet_period_goes_on_under_the_pn_promised_last_and_no_other) {
  PaxosDriver driver({.promised = pn(3, b), .quiet = std::chrono::seconds(1)});
  driver.receive(c, Collect{pn(4, c), genesis()});
  driver.receive(c, Lease{pn(4, c), 1, genesis(), Version(1), {c}});
  driver.receive(c, Begin{entry_on(genesis(), pn(4, c), "x"), genesis()});
  EXPECT_EQ(driver.count<Last>(c) + driver.count<LeaseAck>(c) + driver.count<Accept>(c), 0U);
  driver.receive(b, Lease{pn(3, b), 1, genesis(), Version(1), {b}});
  EXPECT_EQ(driver.count<LeaseAck>(b), 1U);
}

TEST(PaxosPromise, the_promise_at_start_is_the_higher_of_the_identitys_and_the_logs) {
  PaxosDriver driver({.promised = pn(3, b), .log = log_with({entry_on(genesis(), pn(5, c), "x")}, 0)});
  EXPECT_EQ(driver.paxos().promised(), pn(5, c)) << "an acceptance is also a promise";
  driver.receive(b, Collect{pn(4, b), genesis()});
  EXPECT_EQ(driver.count<Refuse>(b), 1U);
}

TEST(PaxosPromise, last_tells_each_accepted_entry_with_the_pn_that_it_was_accepted_under) {
  const std::vector<LogEntry> entries = history(3, pn(2, b));
  PaxosDriver driver({.promised = pn(4, c), .log = log_with(entries, 1)});
  driver.receive(c, Collect{pn(6, c), entries[0].position()});
  const auto last = driver.take<Last>(c);
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->pn, pn(6, c));
  EXPECT_EQ(last->committed, entries[0].position());
  EXPECT_EQ(last->accepted, (std::vector<LogEntry>{entries[1], entries[2]})) << "under pn 2, not 6 and not 4";
}

TEST(PaxosPromise, a_leader_that_promises_a_higher_pn_of_another_leads_no_more) {
  PaxosDriver driver;
  const ProposalNumber own = driver.become_leader();
  driver.pass(3 * driver.lease());  // nobody grants, nor does it itself
  driver.receive(b, Collect{pn(own.round + 1, b), genesis()});
  EXPECT_FALSE(driver.paxos().is_leader());
  EXPECT_EQ(driver.count<Last>(b), 1U);
}

// ---------------------------------------------------------------------------------------------- recovery

TEST(PaxosRecovery, a_collect_needs_the_promises_of_a_majority_the_own_one_included) {
  PaxosDriver driver;
  driver.hold_disk();
  const ProposalNumber number = driver.become_collecting();
  driver.receive(b, Last{number, Version(1), genesis(), {}});
  driver.receive(c, Last{number, Version(1), genesis(), {}});
  EXPECT_FALSE(driver.paxos().is_leader()) << "its own promise is not durable";
  driver.release_disk();
  EXPECT_TRUE(driver.paxos().is_leader());
}

TEST(PaxosRecovery, a_last_of_another_pn_or_of_a_stranger_is_no_promise) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_collecting();
  driver.receive(b, Last{pn(number.round - 1, a), Version(1), genesis(), {}});
  driver.receive(test::stranger, Last{number, Version(1), genesis(), {}});
  EXPECT_FALSE(driver.paxos().is_leader());
}

TEST(PaxosRecovery, with_nothing_to_recover_an_empty_value_of_its_own_pn_is_proposed) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader({}, false);
  const auto begin = driver.take<Begin>(b);
  ASSERT_TRUE(begin.has_value());
  EXPECT_EQ(begin->entry.pn, number);
  EXPECT_EQ(texts({begin->entry}), Lines{"(empty)"});
  EXPECT_FALSE(driver.paxos().can_propose()) << "it is not committed yet";
}

TEST(PaxosRecovery, the_whole_tail_is_proposed_again_under_the_own_pn) {
  const std::vector<LogEntry> tail = history(3, pn(1, c));
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader(tail, false);
  EXPECT_EQ(driver.begins(b), (std::vector<uint64_t>{1, 2, 3}));
  for (const LogEntry& entry : tail) EXPECT_EQ(driver.take<Begin>(b)->entry, under(entry, number));
  EXPECT_EQ(driver.paxos().serving_from(), Version(3)) << "no request before the tail is applied";
}

TEST(PaxosRecovery, of_two_values_for_one_version_the_one_of_the_higher_pn_is_recovered_from_whomever_it_comes) {
  const LogEntry older = entry_on(genesis(), pn(2, b), "older");
  const LogEntry newer = entry_on(genesis(), pn(3, c), "newer");
  PaxosDriver own_is_newer({.log = log_with({newer}, 0)});
  own_is_newer.become_leader({older}, false);
  EXPECT_EQ(texts({own_is_newer.take<Begin>(b)->entry}), Lines{"newer"});
  PaxosDriver own_is_older({.log = log_with({older}, 0)});
  own_is_older.become_leader({newer}, false);
  EXPECT_EQ(texts({own_is_older.take<Begin>(b)->entry}), Lines{"newer"});
}

// b accepted x1 x2 x3 under pn 2, this member y1 under pn 3: nothing above x1 can have been chosen, whatever its pn is,
// once y1 is recovered.
TEST(PaxosRecovery, a_longer_tail_on_a_value_that_was_overruled_is_not_recovered) {
  PaxosDriver driver({.log = log_with({entry_on(genesis(), pn(3, c), "y1")}, 0)});
  driver.become_leader(history(3, pn(2, b), "x"), false);
  EXPECT_EQ(driver.begins(b), std::vector<uint64_t>{1});
  EXPECT_EQ(texts({driver.take<Begin>(b)->entry}), Lines{"y1"});
}

// x1 was accepted again under pn 4 here, while b holds it under pn 2 with x2 on it: the same x1, so x2 chains.
TEST(PaxosRecovery, a_tail_chains_by_hash_and_not_by_pn) {
  const std::vector<LogEntry> tail = history(2, pn(2, b), "x");
  PaxosDriver driver({.log = log_with({under(tail[0], pn(4, c))}, 0)});
  driver.become_leader(tail, false);
  EXPECT_EQ(driver.begins(b), (std::vector<uint64_t>{1, 2}));
}

// Version by version: at 1 the value is the same, at 2 the higher pn wins, at 3 only what chains on that.
TEST(PaxosRecovery, competing_tails_are_recovered_version_by_version) {
  const LogEntry one = entry_on(genesis(), pn(2, b), "one");
  const LogEntry two = entry_on(one.position(), pn(5, c), "two");
  const LogEntry three = entry_on(two.position(), pn(5, c), "three");
  const LogEntry rival_two = entry_on(one.position(), pn(2, b), "rival");
  const LogEntry rival_three = entry_on(rival_two.position(), pn(2, b), "rival");
  PaxosDriver driver({.log = log_with({under(one, pn(5, c)), two, three}, 0)});
  driver.become_leader({one, rival_two, rival_three}, false);
  std::vector<LogEntry> begun;
  while (auto begin = driver.take<Begin>(b)) begun.push_back(begin->entry);
  EXPECT_EQ(texts(begun), (Lines{"one", "two", "three"}));
}

TEST(PaxosRecovery, what_a_peer_has_committed_beyond_is_fetched_before_anything_is_proposed) {
  const std::vector<LogEntry> entries = history(3, pn(1, c));
  PaxosDriver driver;
  const ProposalNumber number = driver.become_collecting();
  driver.forget_sent();
  driver.receive(b, Last{number, Version(1), entries[2].position(), {}});
  EXPECT_FALSE(driver.paxos().is_leader());
  const auto fetch = driver.take<Fetch>(b);
  ASSERT_TRUE(fetch.has_value());
  EXPECT_EQ(fetch->from, Version(1));
  EXPECT_EQ(fetch->to, Version(3));
  driver.receive(b, Entries{Version(1), Version(1), entries});
  EXPECT_TRUE(driver.paxos().is_leader());
  EXPECT_EQ(driver.paxos().log().committed(), entries[2].position());
  EXPECT_EQ(driver.begins(b), std::vector<uint64_t>{4});
}

TEST(PaxosRecovery, phase_1_does_not_wait_for_a_busy_disk) {
  const std::vector<LogEntry> entries = history(1, pn(1, c));
  PaxosDriver driver;
  const ProposalNumber number = driver.become_collecting();
  driver.set_disk_busy();
  driver.receive(b, Last{number, Version(1), entries[0].position(), {}});
  EXPECT_EQ(driver.count<Fetch>(b), 1U);
  driver.receive(b, Entries{Version(1), Version(1), entries});
  EXPECT_TRUE(driver.paxos().is_leader());
}

TEST(PaxosRecovery, a_lost_fetch_of_phase_1_is_repeated) {
  const std::vector<LogEntry> entries = history(1, pn(1, c));
  PaxosDriver driver;
  const ProposalNumber number = driver.become_collecting();
  driver.receive(b, Last{number, Version(1), entries[0].position(), {}});
  driver.forget_sent();
  for (int i = 0; i < 6; ++i) {
    driver.pass(driver.lease() / 5);
    driver.tick();
  }
  EXPECT_GE(driver.count<Fetch>(b), 1U);
  EXPECT_GE(driver.count<Collect>(c), 1U) << "and so is the collect, to whoever has not answered";
}

TEST(PaxosRecovery, a_collect_that_no_majority_answers_ends) {
  PaxosDriver driver;
  driver.become_collecting();
  driver.pass(2 * driver.lease());
  driver.tick(false);
  EXPECT_FALSE(driver.paxos().is_electing());
}

TEST(PaxosRecovery, a_refused_collect_ends_and_the_next_one_is_above_the_promise) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_collecting();
  driver.receive(b, Refuse{number, pn(20, c)});
  EXPECT_FALSE(driver.paxos().is_electing());
  EXPECT_EQ(driver.become_candidate(), pn(21, a));
}

TEST(PaxosRecovery, a_single_member_elects_itself_when_its_promise_is_durable) {
  PaxosDriver driver({.size = 1});
  driver.hold_disk();
  driver.pass(driver.lease());
  driver.tick();
  EXPECT_FALSE(driver.paxos().is_leader());
  driver.release_disk();
  EXPECT_TRUE(driver.paxos().is_leader());
  EXPECT_TRUE(driver.paxos().can_propose());
}

}  // namespace
}  // namespace synod
