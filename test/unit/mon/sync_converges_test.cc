// A sync that is slower than clients write: it is noticed, and made to end.
#include <gtest/gtest.h>

#include "test/unit/mon/sync_drivers.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A cluster in which a member is away until its versions are trimmed, and then syncs while a client writes all the
// time: 300 bytes to one key after another, each as soon as the one before is answered.
struct LoadedCluster : LaggingCluster {
  LoadedCluster(uint64_t seed, const CoreOptions& options) : LaggingCluster(seed, 200, options) {}
  static CoreOptions slow(Duration admission_delay_max) {
    CoreOptions options = options_with(4000);
    options.sync_rate = 8 << 10;
    options.sync_hold_bytes = 64 << 10;
    options.admission_delay_max = admission_delay_max;
    return options;
  }
  // Until all three are in quorum, or the time is up.
  bool write_until_quorum(Duration at_most) {
    const sim::MachineClock& clock = cluster.member(leader).clock;
    for (const TimePoint end = clock.now() + at_most; clock.now() < end;) {
      put(static_cast<int>(written++ % 200), 1);
      longest_delay = std::max(longest_delay, slowed());
      if (cluster.has_quorum(3) && !cluster.monitor(lagging).is_marked()) return true;
    }
    return false;
  }
  uint64_t slowed() {
    ClientRequest request;
    request.timeout_ms = 1000;
    request.body = StatusRequest{};
    const ClientReply reply = cluster.call(leader, request);
    const auto* status = std::get_if<StatusReply>(&reply.body);
    uint64_t most = 0;
    for (const HoldStatus& hold : status != nullptr ? status->holds : std::vector<HoldStatus>()) {
      most = std::max(most, hold.delay_ms);
    }
    return most;
  }
  uint64_t written = 0;
  uint64_t longest_delay = 0;
};

TEST(SyncConverges, clients_are_slowed_until_a_sync_can_keep_up) {
  LoadedCluster loaded(1, LoadedCluster::slow(milliseconds(200)));
  ASSERT_TRUE(loaded.start_and_wait_for_sync());
  EXPECT_TRUE(loaded.write_until_quorum(seconds(120)));
  EXPECT_GT(loaded.longest_delay, 20U) << "it is told";
  EXPECT_LE(loaded.longest_delay, 200U);
  loaded.cluster.run_for(seconds(2));
  EXPECT_EQ(loaded.slowed(), 0U) << "and over, with the hold";
}

TEST(SyncConverges, if_nobody_waits_for_it_it_is_overtaken_again_and_again_and_says_so) {
  LoadedCluster loaded(1, LoadedCluster::slow(Duration(0)));
  ASSERT_TRUE(loaded.start_and_wait_for_sync());
  EXPECT_FALSE(loaded.write_until_quorum(seconds(120)));
  std::string detail;
  loaded.cluster.run_until([&] { return loaded.cluster.monitor(loaded.lagging).is_syncing(); }, seconds(20));
  ClientRequest request;
  request.timeout_ms = 1000;
  request.body = StatusRequest{};
  const ClientReply reply = loaded.cluster.call(loaded.lagging, request);
  detail = std::get<StatusReply>(reply.body).detail;
  EXPECT_NE(detail.find("overtaken"), std::string::npos) << detail;
  EXPECT_TRUE(loaded.wait_for_quorum()) << "without the load it is level at once";
}

TEST(SyncConverges, nobody_is_slowed_for_a_member_that_comes_no_further) {
  CoreOptions options;
  LoggedHolds holds(options);
  TimePoint now{std::chrono::hours(1)};
  holds.begin_leadership(now);
  ASSERT_TRUE(holds.on_request(now, {cookie, b, Version(10)}, Version(1)));
  const std::vector<TrimHold> due = holds.due();
  holds.on_proposed(due);
  LogChange change;
  change.holds = due;
  holds.on_chosen(now, change, 0);
  SyncProgress progress;
  progress.bytes = 1000;
  holds.on_sync_progress(now, b, progress);
  EXPECT_EQ(holds.admission_delay(now), Duration(0));
  holds.on_chosen(now, {}, options.sync_hold_bytes / 4 * 3);
  EXPECT_EQ(holds.admission_delay(now), options.admission_delay_max / 2) << "half of the second half is used up";
  EXPECT_DOUBLE_EQ(holds.used(), 0.75);
  now += options.sync_stall;
  holds.on_sync_progress(now, b, progress);
  EXPECT_EQ(holds.admission_delay(now), Duration(0));
  progress.per_mille = 7;
  holds.on_sync_progress(now, b, progress);
  EXPECT_GT(holds.admission_delay(now), Duration(0));
}

}  // namespace
}  // namespace synod::test
