// Found by real processes: a peon killed between its write and its answer, with the third member away. It came back,
// told the leader a position that included the entry, was never sent the begin again, and so never accepted it: writes
// stalled although a majority was alive.
#include <gtest/gtest.h>

#include "test/unit/mon/paxos_driver.h"

namespace synod::test {
namespace {

TEST(Regress, a_peon_whose_acceptance_was_lost_is_asked_again) {
  PaxosDriver driver;
  driver.become_leader();
  const Position position = driver.propose("value");
  const std::optional<Begin> lost = driver.take<Begin>(b);  // b writes it, and its answer is lost
  ASSERT_TRUE(lost.has_value());
  ASSERT_LT(driver.paxos().log().committed().version, position.version);

  driver.peer_connected(b);
  driver.forget_sent();
  driver.tick();
  const std::optional<Lease> lease = driver.take<Lease>(b);
  ASSERT_TRUE(lease.has_value());
  driver.receive(b, LeaseAck{lease->pn, lease->sequence, position, driver.paxos().log().committed()});

  driver.accept_all(b);
  EXPECT_EQ(driver.paxos().log().committed(), position);
}

TEST(Regress, it_is_asked_again_also_on_a_connection_that_lasted) {
  PaxosDriver driver;
  driver.become_leader();
  const Position position = driver.propose("value");
  driver.forget_sent();
  driver.pass(driver.lease() / 2);
  driver.tick();
  const std::optional<Lease> lease = driver.take<Lease>(b);
  ASSERT_TRUE(lease.has_value());
  driver.receive(b, LeaseAck{lease->pn, lease->sequence, position, driver.paxos().log().committed()});
  driver.accept_all(b);
  EXPECT_EQ(driver.paxos().log().committed(), position);
}

}  // namespace
}  // namespace synod::test
