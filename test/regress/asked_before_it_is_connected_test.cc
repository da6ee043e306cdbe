// Found by the simulator (3 members, stores in memory, 10 minutes, seed 501527 of its time): each member dials the
// others for what it sends. A provider was asked before its own connection to the requester was there again: all that
// it sent was lost, both waited, and the sync began anew half a minute later.
#include "test/unit/mon/monitor_driver.h"

namespace synod::test {
namespace {

bool opens_snapshot(const Output& out) {
  return std::any_of(out.tasks.begin(), out.tasks.end(),
                     [](const TaskRequest& request) { return std::holds_alternative<OpenSnapshotTask>(request.task); });
}

TEST(AskedBeforeItIsConnected, a_provider_answers_when_its_own_connection_is_there) {
  MonitorDriver provider;
  EXPECT_FALSE(opens_snapshot(provider.receive(b, SyncStart{42, Version(1), 1, {}})));
  EXPECT_FALSE(opens_snapshot(provider.step(PeerConnected{c})));
  EXPECT_TRUE(opens_snapshot(provider.step(PeerConnected{b})));
  EXPECT_FALSE(opens_snapshot(provider.step(PeerConnected{b}))) << "once";
}

TEST(AskedBeforeItIsConnected, what_the_requester_has_given_up_meanwhile_is_not_begun) {
  MonitorDriver provider;
  provider.receive(b, SyncStart{42, Version(1), 1, {}});
  provider.receive(b, SyncAbort{42, Status(Code::unavailable, "given up")});
  EXPECT_FALSE(opens_snapshot(provider.step(PeerConnected{b})));
}

}  // namespace
}  // namespace synod::test
