// Found by a simulated network that repeats frames over new connections (3 members, seed 14 of its time): an old
// sync_start, its acknowledgement and the same sync_start again opened two sessions under one cookie, and the provider
// took a chunk that was read for the first one for the second one's: it sent a chunk after the last one, and stopped.
#include "test/unit/mon/sync_drivers.h"

namespace synod::test {
namespace {

const ChunkRead last_chunk{true, 1, value("x"), 1, Digest{{9}}};

TEST(Regress, a_repeated_sync_start_does_not_open_a_second_session) {
  ProviderDriver driver;
  driver.open();
  const uint64_t session = driver.tasks.back().first;
  driver.start();
  EXPECT_EQ(driver.provider.session_count(), 1U);
  EXPECT_EQ(driver.count<OpenSnapshotTask>(), 1U);
  EXPECT_EQ(sent_to<SyncChunk>(b, driver.result_for(session, last_chunk)).size(), 1U) << "the first one lives";
}

TEST(Regress, what_was_read_for_an_ended_session_is_not_sent_in_a_later_one_under_the_same_cookie) {
  ProviderDriver driver;
  driver.open();
  const uint64_t ended = driver.tasks.back().first;
  driver.receive(b, SyncAbort{cookie, Status(Code::unavailable, "x")});
  driver.open();
  const uint64_t lives = driver.tasks.back().first;
  EXPECT_TRUE(driver.result_for(ended, last_chunk).messages.empty());
  EXPECT_EQ(sent_to<SyncChunk>(b, driver.result_for(lives, last_chunk)).size(), 1U);
}

}  // namespace
}  // namespace synod::test
