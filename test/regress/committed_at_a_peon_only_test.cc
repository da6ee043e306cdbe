// Found by the random faults, 3 members, seed 1244 of that day: no leader for ever.
//
// A leader recovers a value that one peon has committed already, from its own log and from another peon that has not
// seen it. That peon comes back by a sync, so it too has the value committed. Neither is sent a begin for a version
// that it already has, neither accepts, and the leader waits for a majority that it will never be told of. What a peon
// knows to be committed, as it says in its answer to a lease, has to count.
#include <gtest/gtest.h>

#include "test/unit/mon/paxos_driver.h"

namespace synod::test {
namespace {

// Peon c grants the lease that it was asked for, and says what it knows to be committed.
void tell_committed(PaxosDriver& driver, const Position& committed) {
  const std::optional<Lease> lease = driver.take<Lease>(c);
  ASSERT_TRUE(lease.has_value());
  driver.receive(c, LeaseAck{lease->pn, lease->sequence, committed, committed});
}

TEST(Regress, a_leader_learns_from_its_peons_that_what_it_recovered_is_committed) {
  PaxosDriver::Start start;
  const LogEntry held = make_log_entry(start.log.applied, {1, c}, value("decided under another leader"));
  start.log.accepted = {held};
  PaxosDriver driver(start);
  driver.become_leader({}, false);
  ASSERT_TRUE(driver.paxos().is_leader());
  ASSERT_EQ(driver.paxos().log().committed().version, Version());

  tell_committed(driver, held.position());

  EXPECT_EQ(driver.paxos().log().committed(), held.position());
  EXPECT_TRUE(driver.paxos().can_propose());
}

TEST(Regress, what_a_peon_has_committed_under_another_history_does_not_count) {
  PaxosDriver::Start start;
  start.log.accepted = {make_log_entry(start.log.applied, {1, c}, value("one"))};
  PaxosDriver driver(start);
  driver.become_leader({}, false);
  tell_committed(driver, make_log_entry(start.log.applied, {1, c}, value("another")).position());
  EXPECT_EQ(driver.paxos().log().committed().version, Version());
}

}  // namespace
}  // namespace synod::test
