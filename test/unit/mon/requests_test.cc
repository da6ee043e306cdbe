// Clients' requests at the leader and without one: each is answered exactly once, and by the truth.
#include <gtest/gtest.h>

#include "test/unit/mon/requests_driver.h"

namespace synod {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::b;
using test::c;
using test::pn;
using test::put;
using test::read;
using Driver = test::RequestsDriver;
using Serving = test::ServingDriver;

// ---------------------------------------------------------------------------------------------- writes at the leader

TEST(RequestsTest, a_write_is_answered_once_when_it_is_chosen_with_what_was_computed) {
  Serving driver;
  driver.request(1, put());
  driver.complete();
  EXPECT_TRUE(driver.answers.empty()) << "proposed, not chosen";
  driver.commit();
  EXPECT_EQ(driver.code_of(1), Code::ok);
  EXPECT_EQ(driver.answers[0].reply.id, 11U);
  EXPECT_EQ(std::get<WriteReply>(driver.answers[0].reply.body).revision, 100U);
  driver.make_visible();
  driver.pass(seconds(5));
  EXPECT_EQ(driver.answers.size(), 1U);
  EXPECT_EQ(driver.requests.count(), 0U);
}

TEST(RequestsTest, a_refusal_that_was_computed_is_told_when_the_value_that_it_rode_in_is_chosen) {
  Serving driver;
  driver.refuse_next = Status(Code::unknown_session, "expired");
  driver.request(1, put());
  driver.request(2, put());
  driver.complete();
  EXPECT_TRUE(driver.answers.empty()) << "it was computed on what may not be chosen";
  driver.commit();
  EXPECT_EQ(driver.code_of(1), Code::unknown_session);
  EXPECT_EQ(driver.answers[0].reply.id, 11U);
  driver.complete();
  driver.commit();
  EXPECT_EQ(driver.code_of(2), Code::ok);
}

TEST(RequestsTest, nothing_is_evaluated_before_the_recovered_tail_can_be_read) {
  Driver driver;
  driver.become_leader();
  driver.request(1, put());
  EXPECT_EQ(driver.count<EvaluateTask>(), 0U);
  driver.make_visible();
  EXPECT_EQ(driver.count<EvaluateTask>(), 1U);
}

TEST(RequestsTest, what_arrives_during_an_evaluation_shares_the_next_value) {
  Serving driver;
  driver.request(1, put());
  for (uint64_t token = 2; token <= 5; ++token) driver.request(token, put());
  driver.complete();
  ASSERT_EQ(driver.count<EvaluateTask>(), 1U);
  EXPECT_EQ(std::get<EvaluateTask>(driver.tasks[0].second).requests.size(), 4U);
  driver.complete();
  driver.commit();
  for (uint64_t token = 1; token <= 5; ++token) EXPECT_EQ(driver.code_of(token), Code::ok);
}

TEST(RequestsTest, a_batch_is_bounded_and_a_large_request_goes_alone) {
  CoreOptions options;
  options.batch_bytes = 1000;
  Serving driver(options);
  driver.request(1, put());
  driver.request(2, put("k", std::string(5000, 'x')));
  driver.request(3, put());
  driver.complete();
  EXPECT_EQ(std::get<EvaluateTask>(driver.tasks.at(0).second).requests.size(), 1U);
  driver.complete();
  EXPECT_EQ(std::get<EvaluateTask>(driver.tasks.at(0).second).requests.size(), 1U);
}

TEST(RequestsTest, a_value_in_flight_at_the_deadline_is_of_unknown_outcome_and_not_answered_again) {
  Serving driver;
  driver.request(1, put());
  driver.complete();
  driver.pass(milliseconds(899));
  EXPECT_TRUE(driver.answers.empty());
  driver.pass(milliseconds(1));
  EXPECT_EQ(driver.code_of(1), Code::unknown_outcome);
  driver.commit();
  EXPECT_EQ(driver.answers.size(), 1U);
}

TEST(RequestsTest, a_write_that_still_waits_at_the_deadline_is_certainly_not_done) {
  CoreOptions options;
  options.window = 1;
  Serving driver(options);
  driver.request(1, put());
  driver.complete();
  driver.request(2, put());
  driver.pass(seconds(1));
  EXPECT_EQ(driver.code_of(1), Code::unknown_outcome);
  EXPECT_EQ(driver.code_of(2), Code::unavailable);
  EXPECT_EQ(driver.count<EvaluateTask>(), 0U);
}

// b leads for a moment, and has something else chosen in the place of the first value in flight.
void be_overruled(Serving& driver) {
  const Position below = driver.paxos.paxos().log().committed();
  driver.paxos.pass(3 * driver.paxos.lease());
  const LogEntry other = test::entry_on(below, pn(50, b), "other");
  driver.paxos.receive(b, Begin{other, below});
  driver.paxos.receive(b, Commit{pn(50, b), other.position()});
  ASSERT_EQ(driver.paxos.paxos().log().committed(), other.position());
  driver.sync();
}
void lead_again(Serving& driver) {
  driver.paxos.pass(2 * driver.paxos.lease());
  driver.paxos.tick(false);  // b is silent
  driver.become_leader();
  driver.make_visible();
}

TEST(RequestsTest, a_value_that_another_leader_overruled_is_certainly_not_done) {
  Serving driver;
  driver.request(1, put());
  driver.complete();
  be_overruled(driver);
  driver.pass(Duration(0));  // its time is up
  EXPECT_EQ(driver.code_of(1), Code::unavailable);
}

TEST(RequestsTest, a_write_whose_place_another_value_took_is_tried_again_while_it_has_time) {
  Serving driver;
  driver.request(1, put("k", "v", 600'000));
  driver.complete();
  be_overruled(driver);
  EXPECT_TRUE(driver.answers.empty());
  lead_again(driver);
  ASSERT_EQ(driver.count<EvaluateTask>(), 1U);
  driver.complete();
  driver.commit();
  EXPECT_EQ(driver.code_of(1), Code::ok);
}

// What a second leadership proposes stands behind void values of the first, of which some have higher versions: it is
// to be found all the same when it is chosen.
TEST(RequestsTest, writes_of_a_second_leadership_are_answered_though_values_of_the_first_were_void) {
  Serving driver;
  for (uint64_t token = 1; token <= 4; ++token) {
    driver.request(token, put("k", "v", 600'000));
    driver.complete();  // versions 2 to 5 in flight
  }
  be_overruled(driver);
  lead_again(driver);
  driver.request(10, put("k", "v", 600'000));
  for (int value = 0; value < 5; ++value) {
    driver.make_visible();
    if (driver.tasks.empty()) continue;
    driver.complete();
    driver.commit();
  }
  for (const uint64_t token : {1U, 2U, 3U, 4U, 10U}) EXPECT_EQ(driver.code_of(token), Code::ok) << "token " << token;
  EXPECT_EQ(driver.requests.count(), 0U);
}

TEST(RequestsTest, a_value_that_another_leader_chose_for_it_is_done) {
  Serving driver;
  driver.request(1, put());
  driver.complete();
  const Begin begin = *driver.paxos.take<Begin>(b);
  driver.paxos.pass(3 * driver.paxos.lease());
  driver.paxos.receive(b, Begin{test::under(begin.entry, pn(50, b)), begin.committed});
  driver.paxos.receive(b, Commit{pn(50, b), begin.entry.position()});
  driver.sync();
  EXPECT_EQ(driver.code_of(1), Code::ok);
}

TEST(RequestsTest, what_was_computed_in_an_older_term_is_computed_again) {
  Serving driver;
  driver.request(1, put());
  const ProposalNumber before = driver.paxos.paxos().leader_pn();
  driver.paxos.receive(c, Refuse{before, pn(before.round + 1, c)});  // collects again
  const Collect collect = *driver.paxos.take<Collect>(b);
  driver.paxos.receive(b, Last{collect.pn, Version(1), driver.paxos.paxos().log().committed(), {}});
  driver.complete();
  EXPECT_TRUE(driver.answers.empty());
  driver.commit();
  driver.make_visible();
  ASSERT_EQ(driver.count<EvaluateTask>(), 1U);
  driver.complete();
  driver.commit();
  EXPECT_EQ(driver.code_of(1), Code::ok);
}

// The version fits again, and what was computed does not: the value below it is another one by then.
TEST(RequestsTest, what_was_computed_on_a_value_that_was_overruled_is_not_proposed) {
  Serving driver;
  driver.request(1, put("k", "v", 600'000));
  driver.complete();                          // version 2, in flight
  driver.request(2, put("k", "v", 600'000));  // being computed on it, for version 3
  const Position below = driver.paxos.paxos().log().committed();
  const ProposalNumber before = driver.paxos.paxos().leader_pn();
  driver.paxos.receive(c, Refuse{before, pn(before.round + 1, c)});
  const Collect collect = *driver.paxos.take<Collect>(b);
  const LogEntry rival = test::entry_on(below, pn(before.round + 1, c), "rival");
  driver.paxos.receive(b, Last{collect.pn, Version(1), below, {rival}});
  driver.commit();
  ASSERT_EQ(driver.paxos.paxos().log().committed(), rival.position());
  ASSERT_EQ(driver.paxos.paxos().next_version(), Version(3));
  driver.complete();
  EXPECT_TRUE(driver.paxos.begins(b).empty());
  driver.make_visible();
  ASSERT_EQ(driver.count<EvaluateTask>(), 1U);
  EXPECT_EQ(std::get<EvaluateTask>(driver.tasks[0].second).applied, Version(2)) << "computed again, on what was chosen";
}

// ---------------------------------------------------------------------------------------------- without a leader

TEST(RequestsTest, without_a_leader_a_request_waits_and_is_unavailable_at_nine_tenths_of_its_time) {
  Driver driver;
  driver.request(1, put());
  driver.request(2, read());
  driver.pass(milliseconds(899));
  EXPECT_TRUE(driver.answers.empty());
  driver.pass(milliseconds(1));
  EXPECT_EQ(driver.code_of(1), Code::unavailable);
  EXPECT_EQ(driver.code_of(2), Code::unavailable);
  EXPECT_EQ(driver.answers[0].reply.status.message(), "nobody leads");
}

TEST(RequestsTest, a_member_that_takes_no_part_says_so_at_once) {
  Driver driver;
  driver.takes_part = false;
  driver.request(1, put());
  driver.request(2, read(Consistency::serializable));
  EXPECT_EQ(driver.code_of(1), Code::unavailable);
  EXPECT_EQ(driver.code_of(2), Code::unavailable);
}

TEST(RequestsTest, a_serializable_read_is_served_without_a_leader) {
  Driver driver;
  driver.request(1, read(Consistency::serializable));
  ASSERT_EQ(driver.count<RangeTask>(), 1U);
  driver.complete();
  EXPECT_EQ(driver.code_of(1), Code::ok);
}

// ---------------------------------------------------------------------------------------------- reads at the leader

TEST(RequestsTest, a_read_waits_until_what_is_committed_is_visible) {
  Serving driver;
  driver.request(1, put());
  driver.complete();
  driver.commit();
  EXPECT_EQ(driver.code_of(1), Code::ok) << "acknowledged, and not yet readable here";
  driver.request(2, read());
  EXPECT_EQ(driver.count<RangeTask>(), 0U);
  driver.make_visible();
  ASSERT_EQ(driver.count<RangeTask>(), 1U);
  driver.complete();
  EXPECT_EQ(driver.code_of(2), Code::ok);
}

TEST(RequestsTest, a_read_waits_for_the_lease) {
  Driver driver;
  driver.paxos.become_leader({}, false);
  driver.commit();
  driver.make_visible();
  driver.request(1, read());
  EXPECT_EQ(driver.count<RangeTask>(), 0U);
  driver.paxos.grant(b);
  driver.tick();
  EXPECT_EQ(driver.count<RangeTask>(), 1U);
}
}  // namespace
}  // namespace synod
