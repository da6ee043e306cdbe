// Found by the simulator (5 members, 10 minutes, seed 20012 of its time): the disk failed a batch of writes, and then
// took the next one, a new identity. The executor had stopped, but counted the later success for the earlier steps too,
// and what had waited for the lost acceptances left: acknowledgements of values that were nowhere.
#include "test/unit/mon/executor_driver.h"

namespace synod::test {
namespace {

TEST(Regress, a_write_that_succeeds_after_one_that_failed_lets_nothing_leave) {
  ExecutorDriver driver;
  const std::vector<LogEntry> entries = history(2, pn(1, b));
  driver.storage->hold();
  for (const LogEntry& entry : entries) driver.peer->say(Begin{entry, genesis()});
  driver.run();
  ASSERT_EQ(driver.storage->waiting(), 2U);
  driver.storage->report(Status(Code::io_error, "the disk is gone"));
  driver.storage->complete_one();
  driver.storage->report(Status::ok());
  driver.storage->complete_one();
  driver.run();
  EXPECT_EQ(driver.exits, 1);
  EXPECT_TRUE(driver.peer->heard<Accept>().empty());
}

}  // namespace
}  // namespace synod::test
