// Found by a simulated network that repeats frames over new connections (5 members, 10 minutes, seed 20149 of its
// time): a member that had been restarted asked the leader for a read index, and took the answer to a question of its
// earlier life, which bore the same number, for the answer to this one. A read missed what had been acknowledged before
// it.
#include "test/unit/mon/requests_driver.h"

namespace synod::test {
namespace {

// The number of the question with which a life passes a request of its client on to b.
template <class Question>
uint64_t ask(RequestsDriver& life, ClientRequest request) {
  life.follow_b();
  life.request(1, std::move(request));
  const std::optional<Question> question = life.paxos.take<Question>(b);
  EXPECT_TRUE(question.has_value());
  return question ? question->id : 0;
}

TEST(Regress, a_read_index_that_an_earlier_life_asked_for_serves_no_read_of_this_one) {
  RequestsDriver earlier({.start_count = 7});
  const uint64_t before = ask<ReadIndex>(earlier, read());
  RequestsDriver driver({.start_count = 8});
  driver.visible = Version(9);
  const uint64_t now = ask<ReadIndex>(driver, read());
  driver.index_from(b, before, {Version(7), genesis().hash});
  EXPECT_EQ(driver.count<RangeTask>(), 0U);
  driver.index_from(b, now, {Version(9), genesis().hash});
  EXPECT_EQ(driver.count<RangeTask>(), 1U);
}

TEST(Regress, the_answer_to_a_write_that_an_earlier_life_passed_on_is_not_given_to_one_of_this_life) {
  RequestsDriver earlier({.start_count = 7});
  const uint64_t before = ask<Forward>(earlier, put());
  RequestsDriver driver({.start_count = 8});
  const uint64_t now = ask<Forward>(driver, put());
  driver.reply_from(b, before, Status::ok());
  EXPECT_TRUE(driver.answers_to(1).empty());
  driver.reply_from(b, now, Status::ok());
  EXPECT_EQ(driver.code_of(1), Code::ok);
}

}  // namespace
}  // namespace synod::test
