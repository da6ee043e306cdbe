// Found by the simulator (profile model, seed 1000458, ten minutes): a peon's disk hung, and with each lease it said
// again what it had accepted, behind the writes that did not end, for as long as they did not.
#include <gtest/gtest.h>

#include "test/unit/mon/paxos_driver.h"

namespace synod::test {
namespace {

TEST(Regress, a_peon_whose_disk_hangs_holds_no_answer_for_each_lease) {
  const std::vector<LogEntry> entries = history(5, pn(1, b));
  PaxosDriver peon({.promised = pn(1, b), .log = log_with(entries, 2)});
  const Lease lease{pn(1, b), 1, entries[1].position(), Version(1), {a, b}};
  EXPECT_EQ(peon.receive(b, lease).messages_when_durable.size(), 3U) << "an acceptance may have been lost";
  peon.set_disk_hangs(true);
  const Effects out = peon.receive(b, lease);
  EXPECT_TRUE(out.messages_when_durable.empty());
  EXPECT_EQ(out.messages.size(), 1U) << "the leader hears that the disk hangs";
  peon.set_disk_hangs(false);
  EXPECT_EQ(peon.receive(b, lease).messages_when_durable.size(), 3U);
}

TEST(Regress, a_peon_whose_disk_hangs_holds_no_grant_for_each_lease) {
  PaxosDriver peon;
  peon.hold_disk();
  const auto lease = [&](uint64_t sequence) { return Lease{pn(1, b), sequence, genesis(), Version(1), {a, b}}; };
  EXPECT_EQ(peon.receive(b, lease(1)).messages_when_durable.size(), 1U) << "the promise is not durable yet";
  peon.set_disk_hangs(true);
  const Effects out = peon.receive(b, lease(2));
  EXPECT_TRUE(out.messages.empty());
  EXPECT_TRUE(out.messages_when_durable.empty());
  peon.set_disk_hangs(false);
  peon.release_disk();
  EXPECT_EQ(peon.receive(b, lease(3)).messages.size(), 1U);
}

}  // namespace
}  // namespace synod::test
