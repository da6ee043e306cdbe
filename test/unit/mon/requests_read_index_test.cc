// Linearizable reads at a member that does not lead, the leader's part in them, and requests to hand over.
#include <gtest/gtest.h>

#include "test/unit/mon/requests_driver.h"

namespace synod {
namespace {

using test::a;
using test::b;
using test::c;
using test::genesis;
using test::history;
using test::pn;
using test::put;
using test::read;
using test::transfer;
using Driver = test::RequestsDriver;
using Serving = test::ServingDriver;

Position position(uint64_t version) { return {Version(version), genesis().hash}; }

TEST(ReadIndexTest, a_peon_asks_how_far_the_log_is_waits_until_it_sees_that_far_and_reads_for_itself) {
  Driver driver;
  driver.follow_b();
  driver.request(1, read());
  const auto ask = driver.paxos.take<ReadIndex>(b);
  ASSERT_TRUE(ask.has_value());
  EXPECT_EQ(driver.paxos.count<Forward>(b), 0U);
  driver.index_from(b, ask->id, position(7));
  EXPECT_EQ(driver.count<RangeTask>(), 0U) << "version 7 is not visible here yet";
  driver.visible = Version(6);
  driver.tick();
  EXPECT_EQ(driver.count<RangeTask>(), 0U);
  driver.visible = Version(7);
  driver.tick();
  ASSERT_EQ(driver.count<RangeTask>(), 1U);
  driver.complete();
  EXPECT_EQ(driver.code_of(1), Code::ok);
}

TEST(ReadIndexTest, an_index_that_was_asked_for_before_a_read_arrived_does_not_serve_it) {
  Driver driver;
  driver.follow_b();
  driver.visible = Version(9);
  driver.request(1, read());
  const auto first = driver.paxos.take<ReadIndex>(b);
  driver.request(2, read());
  driver.request(3, read());
  EXPECT_EQ(driver.paxos.count<ReadIndex>(b), 0U) << "one question at a time";
  driver.index_from(b, first->id, position(7));
  EXPECT_EQ(driver.count<RangeTask>(), 1U);
  const auto second = driver.paxos.take<ReadIndex>(b);
  ASSERT_TRUE(second.has_value());
  EXPECT_GT(second->id, first->id);
  EXPECT_EQ(driver.paxos.count<ReadIndex>(b), 0U) << "one question for all that wait";
  driver.index_from(b, second->id, position(8));
  EXPECT_EQ(driver.count<RangeTask>(), 3U);
}

TEST(ReadIndexTest, answers_to_other_questions_and_of_others_than_the_leader_are_ignored) {
  Driver driver;
  driver.follow_b();
  driver.visible = Version(9);
  driver.request(1, read());
  const auto ask = driver.paxos.take<ReadIndex>(b);
  driver.index_from(c, ask->id, position(7));
  driver.index_from(b, ask->id + 1, position(7));
  EXPECT_EQ(driver.count<RangeTask>(), 0U);
}

TEST(ReadIndexTest, a_lost_answer_is_asked_for_again_and_another_leader_is_asked_anew) {
  Driver driver;
  driver.follow_b();
  ClientRequest patient = read();
  patient.timeout_ms = 5000;
  driver.request(1, patient);
  const auto first = driver.paxos.take<ReadIndex>(b);
  driver.pass(driver.options.lease / 2);
  const auto second = driver.paxos.take<ReadIndex>(b);
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(first->id, second->id);
  driver.pass(driver.options.lease / 2);
  driver.paxos.forget_sent();
  driver.paxos.receive(c, Lease{pn(2, c), 1, genesis(), Version(1), {a, c}});
  driver.tick();
  EXPECT_EQ(driver.paxos.count<ReadIndex>(c), 1U);
  driver.visible = Version(9);
  driver.index_from(b, second->id, position(7));
  EXPECT_EQ(driver.count<RangeTask>(), 0U) << "b may have lost its lease before it could know";
}

TEST(ReadIndexTest, without_a_leader_the_read_waits_and_is_given_up_in_time) {
  Driver driver;
  driver.request(1, read());
  EXPECT_EQ(driver.paxos.count<ReadIndex>(b), 0U);
  driver.pass(std::chrono::milliseconds(900));
  EXPECT_EQ(driver.code_of(1), Code::unavailable);
}

TEST(ReadIndexTest, a_leader_answers_with_what_is_committed_and_only_under_its_lease) {
  Serving driver;
  driver.index_asked_by(c, 5);
  EXPECT_EQ(driver.paxos.take<ReadIndexReply>(c)->committed, driver.paxos.paxos().log().committed());
  driver.paxos.pass(driver.options.lease * 19 / 20 - Duration(1));
  driver.index_asked_by(c, 6);
  EXPECT_EQ(driver.paxos.count<ReadIndexReply>(c), 1U);
  driver.paxos.forget_sent();
  driver.paxos.pass(Duration(1));
  driver.index_asked_by(c, 7);
  EXPECT_EQ(driver.paxos.count<ReadIndexReply>(c), 0U) << "the lease ended at this very moment";
}

TEST(ReadIndexTest, a_leader_answers_no_index_before_a_value_of_its_own_pn_is_committed) {
  Driver driver;
  driver.paxos.become_leader(history(1, pn(1, c)), false);
  driver.paxos.grant(b);
  driver.index_asked_by(c, 5);
  EXPECT_EQ(driver.paxos.count<ReadIndexReply>(c), 0U);
  driver.commit();
  ASSERT_EQ(driver.paxos.count<ReadIndexReply>(c), 1U) << "the question waited";
  EXPECT_EQ(driver.paxos.take<ReadIndexReply>(c)->committed.version, Version(1));
}

// ---------------------------------------------------------------------------------------------- hand-over

TEST(TransferTest, the_client_hears_of_the_new_leader_and_what_waited_is_passed_on) {
  Serving driver;
  const ProposalNumber before = driver.paxos.paxos().leader_pn();
  driver.request(1, transfer("b"));
  driver.paxos.tick();
  driver.request(2, put());
  EXPECT_EQ(driver.paxos.count<HandOver>(b), 1U);
  EXPECT_TRUE(driver.answers.empty());
  const Position at = driver.paxos.paxos().log().committed();
  driver.paxos.receive(b, Collect{pn(before.round + 1, b), at, before});
  driver.paxos.receive(b, Lease{pn(before.round + 1, b), 1, at, Version(1), {a, b}});
  driver.is_leader_connected = true;
  driver.tick();
  ASSERT_EQ(driver.code_of(1), Code::ok);
  EXPECT_EQ(std::get<TransferReply>(driver.answers_to(1).front().reply.body).leader, "b");
  EXPECT_EQ(driver.paxos.count<Forward>(b), 1U);
}

TEST(TransferTest, a_transfer_that_another_member_won_or_that_nobody_took_up_is_told_so) {
  for (const bool another_wins : {false, true}) {
    Serving driver;
    const ProposalNumber before = driver.paxos.paxos().leader_pn();
    driver.request(1, transfer("b"));
    driver.paxos.tick();
    const Position at = driver.paxos.paxos().log().committed();
    if (another_wins) {
      driver.paxos.receive(c, Lease{pn(before.round + 1, c), 1, at, Version(1), {a, c}});
      driver.tick();
      EXPECT_EQ(driver.code_of(1), Code::refused);
    } else {
      driver.pass(std::chrono::milliseconds(4500));
      EXPECT_EQ(driver.code_of(1), Code::unknown_outcome);
    }
    EXPECT_EQ(driver.requests.count(), 0U);
  }
}

TEST(TransferTest, bad_targets_are_refused_at_once_and_a_second_transfer_waits_for_the_first) {
  Serving driver;
  driver.request(1, transfer("nobody"));
  driver.request(2, transfer("a"));
  driver.request(3, transfer("c"));
  EXPECT_EQ(driver.code_of(1), Code::invalid_argument);
  EXPECT_EQ(driver.code_of(2), Code::refused);
  EXPECT_EQ(driver.code_of(3), Code::refused) << "not reachable";
  driver.request(4, transfer("b"));
  driver.request(5, transfer("b"));
  EXPECT_TRUE(driver.answers_to(4).empty());
  EXPECT_TRUE(driver.answers_to(5).empty());
}

TEST(TransferTest, a_peon_passes_it_on) {
  Driver driver;
  driver.follow_b();
  driver.request(1, transfer("c"));
  EXPECT_EQ(driver.paxos.count<Forward>(b), 1U);
}

TEST(TransferTest, a_status_request_that_was_passed_on_is_refused) {
  Serving driver;
  ClientRequest status;
  status.timeout_ms = 1000;
  status.body = StatusRequest{};
  driver.forwarded(c, 8, status);
  EXPECT_EQ(driver.paxos.take<ForwardReply>(c)->reply.status.code(), Code::invalid_argument);
}

}  // namespace
}  // namespace synod
