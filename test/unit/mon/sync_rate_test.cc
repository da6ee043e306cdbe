// A rate cap on what a member sends to those that sync, in virtual time.
#include <gtest/gtest.h>

#include "test/unit/mon/sync_drivers.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint64_t rate = 1000;

CoreOptions with_rate() {
  CoreOptions options;
  options.sync_rate = rate;
  return options;
}

ChunkRead chunk_of(size_t bytes) {
  ChunkRead chunk = a_chunk();
  chunk.transaction = SharedBytes(Bytes(bytes, 'x'));
  return chunk;
}

// Up to the first chunk, of 500 bytes, sent and acknowledged.
ProviderDriver with_a_chunk_sent() {
  ProviderDriver driver(with_rate());
  driver.open();
  driver.result(chunk_of(500));
  driver.receive(b, SyncAck{cookie, 1});
  return driver;
}

TEST(SyncRateTest, the_next_chunk_is_read_when_the_last_one_is_paid_for) {
  ProviderDriver driver = with_a_chunk_sent();
  EXPECT_EQ(driver.count<ReadChunkTask>(), 1U);
  const TimePoint paid = driver.now + milliseconds(400);  // half a second, of which a tenth may be made up for
  driver.now = paid - milliseconds(1);
  driver.tick();
  EXPECT_EQ(driver.count<ReadChunkTask>(), 1U);
  driver.now = paid;
  driver.tick();
  EXPECT_EQ(driver.count<ReadChunkTask>(), 2U);
}

TEST(SyncRateTest, over_many_chunks_the_rate_is_kept_though_ticks_are_late) {
  ProviderDriver driver(with_rate());
  driver.open();
  const TimePoint begun = driver.now;
  uint64_t sent = 0;
  size_t answered = 0;
  while (driver.now < begun + seconds(100)) {
    if (driver.count<ReadChunkTask>() > answered) {
      ++answered;
      sent += 130;
      driver.result(chunk_of(130));
      driver.receive(b, SyncAck{cookie, answered});
    }
    driver.now += milliseconds(20);
    driver.tick();
  }
  EXPECT_LE(sent, 100 * rate + 300);
  EXPECT_GE(sent, 98 * rate);
}

TEST(SyncRateTest, all_sessions_share_it) {
  ProviderDriver driver = with_a_chunk_sent();
  driver.start(d, cookie + 1);
  driver.hold_granted(Version(11), cookie + 1, d);
  EXPECT_EQ(driver.count<OpenSnapshotTask>(), 2U);
  EXPECT_EQ(driver.count<ReadChunkTask>(), 1U);
}

TEST(SyncRateTest, a_chunk_is_what_may_be_sent_in_an_eighth_of_a_second) {
  ProviderDriver slow(with_rate());
  slow.open();
  EXPECT_EQ(std::get<ReadChunkTask>(slow.tasks.back().second).max_bytes, rate / 8);
  ProviderDriver unlimited;
  unlimited.open();
  EXPECT_EQ(std::get<ReadChunkTask>(unlimited.tasks.back().second).max_bytes, unlimited.options.sync_chunk_bytes);
}

// A large value takes longer than either end waits for the other.
TEST(SyncRateTest, neither_end_gives_up_while_the_provider_must_wait) {
  ProviderDriver driver(with_rate());
  driver.open();
  driver.result(chunk_of(200 * rate));
  driver.receive(b, SyncAck{cookie, 1});
  const TimePoint begun = driver.now;
  TimePoint heard = begun;
  while (driver.now < begun + seconds(199)) {
    driver.now += milliseconds(20);
    const Output out = driver.tick();
    EXPECT_TRUE(sent_to<SyncAbort>(b, out).empty());
    for (const SyncChunk& chunk : sent_to<SyncChunk>(b, out)) {
      EXPECT_EQ(chunk.sequence, 0U);
      EXPECT_LT(driver.now - heard, driver.options.sync_timeout / 2);
      heard = driver.now;
    }
  }
  EXPECT_LT(driver.now - heard, driver.options.sync_timeout / 2);
  driver.now += seconds(1);
  driver.tick();
  EXPECT_EQ(driver.count<ReadChunkTask>(), 2U);
}

TEST(SyncRateTest, a_whole_sync_takes_as_long_as_the_rate_says) {
  CoreOptions options = LaggingCluster::options_with(400);
  options.sync_rate = 4000;
  LaggingCluster lagging(1, 60, options);
  ASSERT_TRUE(lagging.start_and_wait_for_sync());
  const sim::MachineClock& clock = lagging.cluster.member(lagging.leader).clock;
  const TimePoint begun = clock.now();
  ASSERT_TRUE(lagging.wait_for_quorum());
  const Duration took = clock.now() - begun;
  EXPECT_GT(took, seconds(4)) << "60 values of 300 bytes";
  EXPECT_LT(took, seconds(12));
}

}  // namespace
}  // namespace synod::test
