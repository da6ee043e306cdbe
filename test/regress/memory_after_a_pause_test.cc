// Found by the simulator (3 members, stores in memory, 10 minutes, seed 500203 of its time): a process that was paused
// for seconds was handed hundreds of values at once, and took all of them before it had written the first.
#include <gtest/gtest.h>

#include "mon/core/monitor.h"
#include "test/unit/mon/paxos_driver.h"

namespace synod::test {
namespace {

TEST(Regress, a_member_takes_no_more_values_than_may_wait_for_its_disk) {
  constexpr size_t steps_max = 8;
  MonitorStart start;
  start.options.unwritten_bytes_max = steps_max * CoreOptions::unwritten_step_bytes + 200;  // the values too
  start.identity = {a, "a", 2, FormationState::formed, monmap_of(3).encode(), pn(1, b)};
  start.address = "host-a:1000";
  start.monmap = monmap_of(3);
  start.log = log_with({}, 0);
  FixedRandom random;
  TimePoint now{std::chrono::hours(1)};
  Monitor monitor(std::move(start), random, now);
  const std::vector<LogEntry> entries = history(30, pn(1, b));

  // Returns the last step that had something to write.
  size_t taken = 0;
  auto hand_over = [&](size_t from) {
    uint64_t last = 0;
    for (size_t i = from; i < entries.size(); ++i) {
      const Output out = monitor.step(now, PeerMessage{{fsid, b, 1}, Begin{entries[i], genesis()}});
      monitor.check_invariants();
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
  const Output asked = monitor.step(now, PeerMessage{{fsid, b, 1}, lease});
  std::vector<Envelope> answers = asked.messages;
  answers.insert(answers.end(), asked.messages_when_durable.begin(), asked.messages_when_durable.end());
  ASSERT_FALSE(answers.empty());
  const auto* ack = std::get_if<LeaseAck>(&answers.front().message);
  ASSERT_NE(ack, nullptr);
  EXPECT_TRUE(ack->disk_hangs) << "its leader sends it nothing meanwhile";

  monitor.step(now, StoreProgress{last, last});
  hand_over(taken);
  EXPECT_EQ(taken, 2 * (steps_max + 1)) << "it goes on when they are written";
}

}  // namespace
}  // namespace synod::test
