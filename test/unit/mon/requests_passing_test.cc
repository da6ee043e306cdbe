// Requests that one member passes on to the leader, and the limits.
#include <gtest/gtest.h>

#include "test/unit/mon/requests_driver.h"

namespace synod {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::a;
using test::b;
using test::c;
using test::put;
using test::read;
using test::transfer;
using Driver = test::RequestsDriver;
using Serving = test::ServingDriver;

// ---------------------------------------------------------------------------------------------- passing on

TEST(RequestsTest, a_peon_passes_requests_on_and_the_leaders_answer_goes_to_the_client) {
  Driver driver;
  driver.follow_b();
  driver.request(1, put());
  const auto forward = driver.paxos.take<Forward>(b);
  ASSERT_TRUE(forward.has_value());
  EXPECT_LE(forward->request.timeout_ms, 900U);
  driver.reply_from(c, forward->id, Status::ok());
  EXPECT_TRUE(driver.answers.empty()) << "c was not asked";
  driver.reply_from(b, forward->id, Status::ok());
  driver.reply_from(b, forward->id, Status::ok());
  EXPECT_EQ(driver.code_of(1), Code::ok);
  EXPECT_EQ(driver.answers[0].reply.id, 11U);
}

TEST(RequestsTest, a_leader_that_is_lost_while_it_has_a_write_leaves_it_unknown) {
  Driver driver;
  driver.follow_b();
  driver.request(1, put());
  const auto forward = driver.paxos.take<Forward>(b);
  driver.lose(b);
  EXPECT_EQ(driver.code_of(1), Code::unknown_outcome);
  driver.reply_from(b, forward->id, Status::ok());
  EXPECT_EQ(driver.answers.size(), 1U) << "too late, and answered already";
}

TEST(RequestsTest, a_copy_of_what_was_passed_on_is_neither_done_nor_answered) {
  Serving driver;
  driver.forwarded(b, 7, put());
  driver.forwarded(b, 7, put());
  driver.forwarded(b, 6, put());
  EXPECT_EQ(driver.requests.count(), 1U) << "a copy, and one that was overtaken";
  driver.forwarded(c, 7, put());
  driver.forwarded(b, 8, put());
  EXPECT_EQ(driver.requests.count(), 3U);
  driver.forwarded(b, 1, put(), 2);
  EXPECT_EQ(driver.requests.count(), 4U) << "b was started again, and counts from 1";
  driver.forwarded(b, 9, put(), 1);
  EXPECT_EQ(driver.requests.count(), 4U) << "of its earlier life";
}

TEST(RequestsTest, what_was_passed_on_to_an_earlier_life_of_the_leader_is_dropped) {
  Serving driver;
  driver.forwarded_under(ProposalNumber{}, b, 7, put(), 1);
  EXPECT_EQ(driver.requests.count(), 0U) << "that life may have done it";
  driver.forwarded(b, 8, put());
  EXPECT_EQ(driver.requests.count(), 1U);
}

TEST(RequestsTest, the_loss_of_another_member_than_the_leader_changes_nothing) {
  Driver driver;
  driver.follow_b();
  driver.request(1, put());
  driver.lose(c);
  EXPECT_TRUE(driver.answers.empty());
}

TEST(RequestsTest, a_write_that_the_leader_certainly_did_not_do_is_passed_on_again) {
  Driver driver;
  driver.follow_b();
  driver.request(1, put());
  const auto first = driver.paxos.take<Forward>(b);
  driver.reply_from(b, first->id, Status(Code::unavailable, "not the leader"));
  EXPECT_TRUE(driver.answers.empty());
  driver.paxos.pass(driver.paxos.lease() / 20);
  driver.tick();
  const auto second = driver.paxos.take<Forward>(b);
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(second->id, first->id);
}

TEST(RequestsTest, a_refusal_for_good_and_an_unknown_outcome_are_not_tried_again) {
  for (const Code code : {Code::invalid_argument, Code::unknown_outcome}) {
    Driver driver;
    driver.follow_b();
    driver.request(1, put());
    driver.reply_from(b, driver.paxos.take<Forward>(b)->id, Status(code, "x"));
    EXPECT_EQ(driver.code_of(1), code);
  }
}

TEST(RequestsTest, a_leader_that_does_not_answer_in_time_leaves_a_write_unknown_and_a_read_undone) {
  Driver driver;
  driver.follow_b();
  driver.request(1, put());
  driver.request(2, read());
  driver.pass(milliseconds(900));
  EXPECT_EQ(driver.code_of(1), Code::unknown_outcome);
  EXPECT_EQ(driver.code_of(2), Code::unavailable);
}

TEST(RequestsTest, what_was_passed_on_to_a_member_that_does_not_lead_is_refused_and_not_passed_on_again) {
  Driver driver;
  driver.follow_b();
  driver.forwarded(c, 5, put());
  driver.forwarded(c, 6, transfer("a"));
  EXPECT_EQ(driver.paxos.count<Forward>(b), 0U);
  for (const uint64_t id : {uint64_t{5}, uint64_t{6}}) {
    const auto reply = driver.paxos.take<ForwardReply>(c);
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->id, id);
    EXPECT_EQ(reply->reply.status.code(), Code::unavailable);
  }
}

TEST(RequestsTest, a_leader_answers_what_was_passed_on_to_whoever_passed_it_on) {
  Serving driver;
  driver.forwarded(c, 5, put());
  driver.complete();
  driver.commit();
  EXPECT_EQ(driver.paxos.take<ForwardReply>(c)->reply.status.code(), Code::ok);
  EXPECT_TRUE(driver.answers.empty());
}

TEST(RequestsTest, the_opening_of_a_session_is_passed_on_and_decided_as_a_write_is) {
  ClientRequest open = put();
  open.body = OpenSessionRequest{7};
  Driver peon;
  peon.follow_b();
  peon.request(1, open);
  EXPECT_TRUE(peon.paxos.take<Forward>(b).has_value());
  peon.lose(b);
  EXPECT_EQ(peon.code_of(1), Code::unknown_outcome);

  Serving leader;
  leader.request(1, open);
  ASSERT_EQ(leader.count<EvaluateTask>(), 1U);
  leader.complete();
  EXPECT_TRUE(leader.answers.empty()) << "proposed, not chosen";
  leader.commit();
  EXPECT_EQ(leader.code_of(1), Code::ok);
}

// ---------------------------------------------------------------------------------------------- limits

TEST(RequestsTest, requests_over_a_limit_are_refused_at_once_and_those_at_it_are_not) {
  CoreOptions options;
  options.key_bytes_max = 10;
  options.value_bytes_max = 20;
  options.request_bytes_max = 60;
  Serving driver(options);
  ClientRequest none = put();
  none.body = WriteRequest{};
  ClientRequest large = put();
  large.body = WriteRequest{std::vector<WriteOp>(4, {WriteOp::Type::put, "k", SharedBytes(Bytes(19, 'x'))})};
  const std::vector<ClientRequest> bad{none, put(""), put(std::string(11, 'k')), put("k", std::string(21, 'v')), large};
  for (uint64_t token = 0; token < bad.size(); ++token) {
    driver.request(token, bad[token]);
    EXPECT_EQ(driver.code_of(token), Code::invalid_argument) << token;
  }
  EXPECT_EQ(driver.requests.count(), 0U);
  driver.request(9, put(std::string(10, 'k'), std::string(20, 'v')));
  EXPECT_TRUE(driver.answers_to(9).empty());
}

TEST(RequestsTest, tags_that_make_no_sense_are_refused_at_once) {
  constexpr uint64_t top = ~uint64_t{0};
  const auto tagged = [](const RequestTag& tag) {
    ClientRequest request = put();
    std::get<WriteRequest>(request.body).tag = tag;
    return request;
  };
  const auto opening = [](uint64_t client) {
    ClientRequest request = put();
    request.body = OpenSessionRequest{client};
    return request;
  };
  Serving driver;
  const std::vector<ClientRequest> bad{tagged({{0, 1}, 1, 1}),   tagged({{1, 0}, 1, 1}),   tagged({{1, 1}, 0, 0}),
                                       tagged({{1, 1}, 0, 1}),   tagged({{1, 1}, 1, 0}),   tagged({{1, 1}, 1, 2}),
                                       tagged({{1, 1}, 1, top}), tagged({{1, 1}, 0, top}), opening(0)};
  for (uint64_t token = 0; token < bad.size(); ++token) {
    driver.request(token, bad[token]);
    EXPECT_EQ(driver.code_of(token), Code::invalid_argument) << token;
  }
  EXPECT_EQ(driver.count<EvaluateTask>(), 0U);
  driver.request(20, tagged({{top, top}, top, 1}));
  driver.request(21, opening(top));
  EXPECT_EQ(driver.answers.size(), bad.size());
}

TEST(RequestsTest, too_many_waiting_requests_or_bytes_are_refused_until_there_is_room) {
  CoreOptions options;
  options.pending_requests_max = 3;
  Driver many({options, a});
  for (uint64_t token = 1; token <= 4; ++token) many.request(token, put());
  EXPECT_EQ(many.code_of(4), Code::unavailable);
  EXPECT_EQ(many.answers.size(), 1U);
  many.pass(seconds(1));
  many.request(5, put());
  EXPECT_TRUE(many.answers_to(5).empty());

  options = {};
  options.pending_bytes_max = 5000;
  Driver large({options, a});
  large.request(1, put("k", std::string(3000, 'x')));
  large.request(2, put("k", std::string(3000, 'x')));
  EXPECT_EQ(large.code_of(2), Code::unavailable);
  EXPECT_EQ(large.answers.size(), 1U);
}

}  // namespace
}  // namespace synod
