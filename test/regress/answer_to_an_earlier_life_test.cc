// Found by a simulated network that repeats frames over new connections (5 members, 10 minutes, seed 20149 of its
// time): a member that had been restarted asked the leader for a read index, and took the answer to a question of its
// earlier life, which bore the same number, for the answer to this one. A read missed what had been acknowledged before
// it.
#include "test/unit/mon/requests_driver.h"

namespace synod::test {
namespace {

TEST(Regress, a_read_index_that_an_earlier_life_asked_for_serves_no_read_of_this_one) {
  RequestsDriver earlier({.start_count = 7});
  earlier.follow_b();
  earlier.request(1, read());
  const auto before = earlier.paxos.take<ReadIndex>(b);
  ASSERT_TRUE(before.has_value());

  RequestsDriver driver({.start_count = 8});
  driver.follow_b();
  driver.visible = Version(9);
  driver.request(1, read());
  const auto now = driver.paxos.take<ReadIndex>(b);
  ASSERT_TRUE(now.has_value());
  driver.index_from(b, before->id, {Version(7), genesis().hash});
  EXPECT_EQ(driver.count<RangeTask>(), 0U);
  driver.index_from(b, now->id, {Version(9), genesis().hash});
  EXPECT_EQ(driver.count<RangeTask>(), 1U);
}

TEST(Regress, the_answer_to_a_write_that_an_earlier_life_passed_on_is_not_given_to_one_of_this_life) {
  RequestsDriver earlier({.start_count = 7});
  earlier.follow_b();
  earlier.request(1, put());
  const auto before = earlier.paxos.take<Forward>(b);
  ASSERT_TRUE(before.has_value());

  RequestsDriver driver({.start_count = 8});
  driver.follow_b();
  driver.request(1, put());
  const auto now = driver.paxos.take<Forward>(b);
  ASSERT_TRUE(now.has_value());
  driver.reply_from(b, before->id, Status::ok());
  EXPECT_TRUE(driver.answers_to(1).empty());
  driver.reply_from(b, now->id, Status::ok());
  EXPECT_EQ(driver.code_of(1), Code::ok);
}

}  // namespace
}  // namespace synod::test
