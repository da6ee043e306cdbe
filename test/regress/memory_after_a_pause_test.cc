// Found by the simulator (3 members, stores in memory, 10 minutes, seed 500203 of its time): a process that was paused
// for seconds was handed hundreds of values at once, and took all of them before it had written the first.
#include "test/unit/mon/monitor_driver.h"

namespace synod::test {
namespace {

TEST(Regress, a_member_takes_no_more_values_than_may_wait_for_its_disk) {
  constexpr size_t steps_max = 8;
  MonitorStart start = MonitorDriver::made();
  start.options.unwritten_bytes_max = steps_max * CoreOptions::unwritten_step_bytes + 200;  // the values too
  start.log = log_with({}, 0);
  MonitorDriver driver(std::move(start));
  const std::vector<LogEntry> entries = history(30, pn(1, b));

  // Returns the last step that had something to write.
  size_t taken = 0;
  auto hand_over = [&](size_t from) {
    uint64_t last = 0;
    for (size_t i = from; i < entries.size(); ++i) {
      const Output out = driver.receive(b, Begin{entries[i], genesis()});
      if (out.writes.empty()) continue;
      last = out.step;
      ++taken;
    }
    return last;
  };
  const uint64_t last = hand_over(0);
  EXPECT_EQ(taken, steps_max + 1) << "the one that goes beyond is the last";
  Lease lease;
  lease.pn = pn(1, b);
  lease.sequence = 1;
  lease.first = Version(1);
  lease.committed = genesis();
  const std::vector<LeaseAck> acks = MonitorDriver::sent<LeaseAck>(driver.receive(b, lease));
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_TRUE(acks[0].disk_hangs) << "its leader sends it nothing meanwhile";

  driver.step(StoreProgress{last, last});
  hand_over(taken);
  EXPECT_EQ(taken, 2 * (steps_max + 1)) << "it goes on when they are written";
}

}  // namespace
}  // namespace synod::test
