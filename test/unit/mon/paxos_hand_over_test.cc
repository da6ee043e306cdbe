// Leadership that is handed over: by the leader, at the target, and what the voters make of it. And hung disks.
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
using test::PaxosDriver;
using test::pn;

Status hand_over(PaxosDriver& driver, const std::string& name) {
  Status status;
  driver.perform([&](Effects& out) { status = driver.paxos().hand_over_to(driver.now(), name, out); });
  return status;
}

// Follows the leader b of pn 1, and has granted it a lease.
void follow_b(PaxosDriver& driver) {
  driver.receive(b, Lease{pn(1, b), 1, genesis(), Version(1), {a, b}});
  driver.forget_sent();
}

// ---------------------------------------------------------------------------------------------- the leader

TEST(PaxosHandOver, a_leader_with_nothing_in_flight_gives_up_its_lease_and_tells_the_level_target) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  ASSERT_TRUE(driver.paxos().has_lease(driver.now()));
  ASSERT_TRUE(hand_over(driver, "b").is_ok());
  driver.tick();
  EXPECT_EQ(driver.take<HandOver>(b)->pn, number);
  EXPECT_FALSE(driver.paxos().is_leader());
  EXPECT_FALSE(driver.paxos().has_lease(driver.now()));
}

TEST(PaxosHandOver, no_grant_under_a_pn_that_was_given_up_makes_a_lease_again) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  driver.pass(driver.lease() / 2);
  driver.tick();
  const std::optional<Lease> asked = driver.take<Lease>(b);
  ASSERT_TRUE(asked.has_value());
  ASSERT_TRUE(hand_over(driver, "b").is_ok());
  driver.tick();
  const Position at = driver.paxos().log().committed();
  driver.receive(b, LeaseAck{number, asked->sequence, at, at});
  driver.receive(c, LeaseAck{number, asked->sequence, at, at});
  EXPECT_FALSE(driver.paxos().is_leader());
  EXPECT_FALSE(driver.paxos().has_lease(driver.now()));
}

TEST(PaxosHandOver, what_is_in_flight_is_committed_first_and_nothing_new_is_proposed) {
  PaxosDriver driver;
  driver.become_leader();
  const Position proposed = driver.propose("x");
  ASSERT_TRUE(hand_over(driver, "b").is_ok());
  driver.tick();
  EXPECT_EQ(driver.count<HandOver>(b), 0U);
  EXPECT_TRUE(driver.paxos().is_leader());
  EXPECT_TRUE(driver.paxos().is_draining());
  driver.accept_all(b);
  EXPECT_EQ(driver.paxos().log().committed(), proposed);
  EXPECT_EQ(driver.count<HandOver>(b), 1U);
}

TEST(PaxosHandOver, a_target_that_does_not_become_level_in_time_is_given_up_and_the_leader_goes_on) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  driver.pass(driver.lease() / 2);
  driver.tick();
  const uint64_t sequence = driver.take<Lease>(c)->sequence;
  driver.receive(c, LeaseAck{number, sequence, genesis(), genesis(), true});
  ASSERT_TRUE(hand_over(driver, "c").is_ok());
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(driver.paxos().is_handing_over());
    EXPECT_TRUE(driver.paxos().can_propose()) << "not before the target follows";
    driver.grant(b);
    driver.pass(driver.lease() / 4);
    driver.tick();
  }
  EXPECT_FALSE(driver.paxos().is_handing_over());
  EXPECT_TRUE(driver.paxos().has_lease(driver.now()));
  EXPECT_EQ(driver.count<HandOver>(c), 0U);
}

TEST(PaxosHandOver, a_target_is_a_reachable_voter_other_than_the_leader_and_one_at_a_time) {
  Monmap monmap = test::monmap_of(3);
  monmap.members.push_back({"d", d, "host-d:1003", MemberRole::learner});
  PaxosDriver driver({.monmap = monmap});
  driver.become_leader();
  EXPECT_EQ(hand_over(driver, "nobody").code(), Code::invalid_argument);
  EXPECT_EQ(hand_over(driver, "a").code(), Code::refused);
  EXPECT_EQ(hand_over(driver, "d").code(), Code::refused);
  EXPECT_EQ(hand_over(driver, "c").code(), Code::refused) << "it has granted nothing";
  EXPECT_FALSE(driver.paxos().is_handing_over());
  driver.propose("x");
  EXPECT_TRUE(hand_over(driver, "b").is_ok());
  EXPECT_EQ(hand_over(driver, "b").code(), Code::exhausted);
}

TEST(PaxosHandOver, who_has_handed_over_promises_to_the_target_at_once_and_stands_again_only_after_a_lease) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  ASSERT_TRUE(hand_over(driver, "b").is_ok());
  driver.tick();
  driver.pass(driver.lease() - Duration(1));
  driver.tick();
  EXPECT_EQ(driver.count<Propose>(b), 0U);
  driver.receive(b, Collect{pn(number.round + 1, b), driver.paxos().log().committed(), number});
  EXPECT_EQ(driver.count<Last>(b), 1U);
}

// A sync makes Paxos anew; the evaluator, which remembers values in flight by their term, lives on.
TEST(PaxosTerm, terms_go_on_where_those_of_an_earlier_object_ended) {
  PaxosDriver driver;
  driver.paxos().continue_terms(7);
  driver.become_leader();
  EXPECT_EQ(driver.paxos().term(), 8U);
}

// ---------------------------------------------------------------------------------------------- the target

TEST(PaxosHandOver, the_target_collects_at_once_and_says_whose_leadership_it_was_given) {
  PaxosDriver driver;
  follow_b(driver);
  driver.receive(b, HandOver{pn(1, b)});
  const std::optional<Collect> collect = driver.take<Collect>(c);
  ASSERT_TRUE(collect.has_value());
  EXPECT_EQ(collect->pn, pn(2, a));
  EXPECT_EQ(collect->released, pn(1, b));
  driver.receive(b, Last{pn(2, a), Version(1), genesis(), {}});
  EXPECT_TRUE(driver.paxos().is_leader());
}

TEST(PaxosHandOver, only_the_leader_that_is_followed_can_hand_over) {
  PaxosDriver driver;
  follow_b(driver);
  driver.receive(c, HandOver{pn(1, b)});
  driver.receive(c, HandOver{pn(1, c)});
  driver.receive(b, HandOver{pn(0, b)});
  EXPECT_TRUE(driver.paxos().is_peon());
  EXPECT_EQ(driver.count<Collect>(c), 0U);
}

TEST(PaxosHandOver, a_target_whose_disk_hangs_does_not_take_over) {
  PaxosDriver driver;
  follow_b(driver);
  driver.set_disk_hangs(true);
  driver.receive(b, HandOver{pn(1, b)});
  EXPECT_EQ(driver.count<Collect>(c), 0U);
}

// ---------------------------------------------------------------------------------------------- the voters

TEST(PaxosHandOver, a_grant_does_not_bind_against_the_member_that_the_leadership_was_handed_to) {
  PaxosDriver driver;
  follow_b(driver);
  driver.receive(c, Collect{pn(2, c), genesis()});
  EXPECT_EQ(driver.count<Last>(c), 0U);
  driver.receive(c, Collect{pn(2, c), genesis(), pn(1, c)});
  EXPECT_EQ(driver.count<Last>(c), 0U) << "another member's leadership";
  driver.receive(c, Collect{pn(2, c), genesis(), pn(0, b)});
  EXPECT_EQ(driver.count<Last>(c), 0U) << "an earlier leadership";
  driver.receive(c, Collect{pn(2, c), genesis(), pn(1, b)});
  EXPECT_EQ(driver.count<Last>(c), 1U);
}

TEST(PaxosHandOver, a_member_that_was_just_started_waits_all_the_same) {
  PaxosDriver driver({.promised = pn(1, b), .quiet = std::chrono::seconds(1)});
  driver.receive(c, Collect{pn(2, c), genesis(), pn(1, b)});
  EXPECT_EQ(driver.count<Last>(c), 0U) << "what it granted in its earlier life is not known";
  follow_b(driver);
  driver.receive(b, HandOver{pn(1, b)});
  EXPECT_EQ(driver.count<Collect>(c), 0U);
}

// ---------------------------------------------------------------------------------------------- hung disks

TEST(PaxosHungDisk, a_member_whose_disk_hangs_neither_votes_nor_stands_nor_takes_values) {
  PaxosDriver driver;
  driver.set_disk_hangs(true);
  driver.pass(driver.lease());
  driver.tick();
  EXPECT_EQ(driver.count<Propose>(b), 0U);
  driver.receive(b, Propose{pn(1, b), Version(9)});
  EXPECT_FALSE(driver.take<ProposeReply>(b)->granted);
  const LogEntry entry = entry_on(genesis(), pn(1, b), "x");
  driver.receive(b, Begin{entry, genesis()});
  EXPECT_TRUE(driver.paxos().log().accepted().empty());
  driver.receive(b, Lease{pn(1, b), 1, genesis(), Version(1), {b}});
  EXPECT_TRUE(driver.take<LeaseAck>(b)->disk_hangs) << "its grant needs no write";
  driver.set_disk_hangs(false);
  driver.receive(b, Begin{entry, genesis()});
  EXPECT_EQ(driver.count<Accept>(b), 1U);
}

TEST(PaxosHungDisk, a_leader_sends_no_values_to_a_peon_whose_disk_hangs_and_goes_on_when_it_is_well_again) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  auto ack_by_c = [&](bool hangs) {
    driver.pass(driver.lease() / 2);
    driver.tick();
    driver.grant(b);
    const uint64_t sequence = driver.take<Lease>(c)->sequence;
    driver.receive(c, LeaseAck{number, sequence, genesis(), genesis(), hangs});
  };
  ack_by_c(true);
  driver.propose("x");
  driver.accept_all(b);
  EXPECT_EQ(driver.chosen().size(), 2U) << "it stalls nobody";
  EXPECT_TRUE(driver.begins(c).empty());
  driver.forget_sent();
  ack_by_c(false);
  EXPECT_EQ(driver.begins(c), (std::vector<uint64_t>{1, 2}));
}

TEST(PaxosHungDisk, of_the_level_peers_the_one_that_is_furthest_is_chosen_and_without_one_the_leader_goes_on) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  driver.pass(driver.lease() / 2);
  driver.tick();
  const uint64_t sequence = driver.take<Lease>(b)->sequence;
  const Position at = driver.paxos().log().committed();
  driver.receive(b, LeaseAck{number, sequence, at, at, true});
  driver.perform([&](Effects& out) { driver.paxos().hand_over_to_best(driver.now(), out); });
  EXPECT_FALSE(driver.paxos().is_handing_over());
  driver.receive(c, LeaseAck{number, sequence, at, at});
  driver.perform([&](Effects& out) { driver.paxos().hand_over_to_best(driver.now(), out); });
  driver.tick();
  EXPECT_EQ(driver.count<HandOver>(c), 1U);
}

}  // namespace
}  // namespace synod
