// Found by real processes: a peon killed between its write and its answer, with the third member away. It came back,
// told the leader a position that included the entry, was never sent the begin again, and so never accepted it: writes
// stalled although a majority was alive.
#include <gtest/gtest.h>

#include "test/unit/mon/paxos_driver.h"

namespace synod::test {
namespace {

TEST(Regress, a_peon_whose_acceptance_was_lost_says_it_again_when_it_is_asked_for_a_grant) {
  PaxosDriver driver;
  const ProposalNumber number = driver.become_leader();
  const Position committed = driver.paxos().log().committed();
  const Position position = driver.propose("value");
  const std::optional<Begin> begin = driver.take<Begin>(b);
  ASSERT_TRUE(begin.has_value());

  // b has written it, was killed, and its answer is lost.
  LogState log = empty_log();
  log.applied = committed;
  log.first = Version(2);
  log.accepted = {begin->entry};
  PaxosDriver peon({.promised = number, .log = log, .self = b});
  driver.peer_connected(b);
  driver.forget_sent();
  driver.tick();
  peon.receive(a, *driver.take<Lease>(b));
  driver.receive(b, *peon.take<LeaseAck>(a));
  EXPECT_EQ(driver.count<Begin>(b), 0U) << "the value itself is not sent again";
  const std::optional<Accept> accept = peon.take<Accept>(a);
  ASSERT_TRUE(accept.has_value());
  driver.receive(b, *accept);
  EXPECT_EQ(driver.paxos().log().committed(), position);
}

}  // namespace
}  // namespace synod::test
