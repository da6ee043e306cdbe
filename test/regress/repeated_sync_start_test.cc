// A network may repeat a frame over a new connection. A request to synchronize that came twice began its session anew
// under the same cookie, and what was read for the first one was sent as the second one's, or met an assertion.
#include "test/unit/mon/monitor_driver.h"

namespace synod::test {
namespace {

constexpr uint64_t cookie = 42;

// Without a leader, asked by b.
struct Provider : MonitorDriver {
  Provider() { step(PeerConnected{b}); }
  Output read(uint64_t task) {
    step(TaskDone{task - 1, SnapshotOpened{monitor.committed()}});
    return step(TaskDone{task, ChunkRead{}});
  }
  // The task that reads the first chunk of the session that begins; zero if none does.
  uint64_t ask() {
    const Output out = receive(b, SyncStart{cookie, Version(1), 1, {}});
    for (const TaskRequest& request : out.tasks) {
      if (std::holds_alternative<ReadChunkTask>(request.task)) return request.id;
    }
    return 0;
  }
  static std::vector<uint64_t> chunks(const Output& out) {
    std::vector<uint64_t> sequences;
    for (const SyncChunk& chunk : sent<SyncChunk>(out)) sequences.push_back(chunk.sequence);
    return sequences;
  }
};

TEST(RepeatedSyncStart, a_session_goes_on_when_the_request_that_began_it_comes_again) {
  Provider provider;
  const uint64_t task = provider.ask();
  ASSERT_GT(task, 0U);
  EXPECT_EQ(provider.ask(), 0U) << "it is being read already";
  EXPECT_EQ(Provider::chunks(provider.read(task)), std::vector<uint64_t>{1});
}

TEST(RepeatedSyncStart, what_was_read_for_a_session_that_is_over_is_not_sent_in_one_of_the_same_cookie) {
  Provider provider;
  const uint64_t first = provider.ask();
  provider.receive(b, SyncAbort{cookie, Status(Code::unavailable, "x")});
  const uint64_t second = provider.ask();
  ASSERT_GT(second, first);
  EXPECT_TRUE(Provider::chunks(provider.read(first)).empty());
  EXPECT_EQ(Provider::chunks(provider.read(second)), std::vector<uint64_t>{1});
}

}  // namespace
}  // namespace synod::test
