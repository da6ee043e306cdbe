// How fast a provider sends while clients write, in virtual time.
#include "mon/core/sync/throttle.h"

#include <gtest/gtest.h>

#include "test/unit/mon/sync_drivers.h"

namespace synod::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Commits take `commit` each, and there are a hundred a second.
struct Load {
  void run(Duration duration, Duration commit, bool is_sending, double urgency = 0) {
    for (const TimePoint end = now + duration; now < end; now += milliseconds(10)) {
      if (commit > Duration(0)) throttle.on_own_commit(commit);
      throttle.tick(now, is_sending, urgency);
    }
  }
  SyncThrottle throttle;
  TimePoint now{std::chrono::hours(1)};
};

TEST(Throttle, there_is_no_limit_where_nobody_writes) {
  Load load;
  load.run(seconds(5), Duration(0), false);
  EXPECT_EQ(load.throttle.rate(), 0U);
  load.run(seconds(1), Duration(0), true);
  EXPECT_EQ(load.throttle.rate(), 0U);
}

TEST(Throttle, where_clients_write_it_begins_slowly_and_gets_faster_while_they_notice_nothing) {
  Load load;
  load.run(seconds(5), milliseconds(4), false);
  const uint64_t first = load.throttle.rate();
  EXPECT_GT(first, 0U);
  load.run(seconds(2), milliseconds(4), true);
  const uint64_t later = load.throttle.rate();
  EXPECT_GT(later, 2 * first);
  load.run(seconds(20), milliseconds(4), true);
  EXPECT_EQ(load.throttle.rate(), 0U) << "no limit was found";
}

TEST(Throttle, it_backs_off_while_commits_take_longer_and_comes_back) {
  Load load;
  load.run(seconds(5), milliseconds(4), false);
  load.run(seconds(3), milliseconds(4), true);
  const uint64_t undisturbed = load.throttle.rate();
  load.run(seconds(2), milliseconds(12), true);
  const uint64_t backed_off = load.throttle.rate();
  EXPECT_LT(backed_off, undisturbed / 4);
  load.run(seconds(60), milliseconds(12), true);
  EXPECT_GE(load.throttle.rate(), 512U << 10) << "never to nothing, also if it is not to blame";
  load.run(seconds(5), milliseconds(4), true);
  EXPECT_GT(load.throttle.rate(), backed_off);
}

TEST(Throttle, what_a_sync_disturbs_is_not_taken_for_usual) {
  Load load;
  load.run(seconds(5), milliseconds(4), false);
  load.run(seconds(60), milliseconds(12), true);
  load.run(seconds(1), milliseconds(12), false);  // it takes a while until all is as before
  load.run(seconds(1), milliseconds(12), true);
  const uint64_t rate = load.throttle.rate();
  load.run(seconds(1), milliseconds(12), true);
  EXPECT_LT(load.throttle.rate(), rate) << "still three times as long as usual";
}

TEST(Throttle, long_commits_of_the_cluster_count_too) {
  Load load;
  const auto run = [&](Duration duration, Duration mean, bool is_sending) {
    for (const TimePoint end = load.now + duration; load.now < end;) {
      load.throttle.on_cluster_commits(mean);
      load.run(milliseconds(500), milliseconds(4), is_sending);
    }
  };
  run(seconds(10), milliseconds(5), false);
  run(seconds(3), milliseconds(5), true);
  const uint64_t undisturbed = load.throttle.rate();
  run(seconds(6), milliseconds(20), true);
  EXPECT_LT(load.throttle.rate(), undisturbed);
  load.throttle.on_cluster_commits(Duration(0));  // there were none
}

TEST(Throttle, the_fuller_the_hold_the_less_it_gives_way) {
  Load load;
  load.run(seconds(5), milliseconds(4), false);
  load.run(seconds(3), milliseconds(12), true);
  const uint64_t backed_off = load.throttle.rate();
  load.run(seconds(2), milliseconds(12), true, 0.3);
  EXPECT_GT(load.throttle.rate(), backed_off) << "three times as long is little now";
  load.run(seconds(1), milliseconds(500), true, 0.3);
  EXPECT_NE(load.throttle.rate(), 0U);
  load.run(seconds(10), milliseconds(500), true, 0.6);
  EXPECT_EQ(load.throttle.rate(), 0U) << "from a half on nothing keeps it";
}

TEST(Throttle, a_provider_keeps_to_it_and_to_its_cap) {
  CoreOptions options;
  options.sync_rate = 1 << 20;
  for (const bool is_capped : {false, true}) {
    ProviderDriver driver(is_capped ? options : CoreOptions{});
    for (int i = 0; i < 500; ++i) {
      driver.provider.on_own_commit(milliseconds(4));
      driver.tick();
      driver.now += milliseconds(10);
    }
    driver.open();
    ASSERT_EQ(driver.count<ReadChunkTask>(), 1U);
    const size_t wanted = std::get<ReadChunkTask>(driver.tasks.back().second).max_bytes;
    EXPECT_EQ(wanted, is_capped ? (1U << 20) / 8 : driver.provider.rate() / 8);
    EXPECT_LT(wanted, (8U << 20) / 8) << "it begins slowly";
    driver.result(a_chunk());
  }
}

}  // namespace
}  // namespace synod::test
