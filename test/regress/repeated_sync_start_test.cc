// A network may repeat a frame over a new connection. A request to synchronize that came twice began its session anew
// under the same cookie, and what was read for the first one was sent as the second one's, or met an assertion.
#include <gtest/gtest.h>

#include <algorithm>

#include "mon/core/monitor.h"
#include "test/unit/mon/paxos_driver.h"

namespace synod {
namespace {

using test::a;
using test::b;
using test::history;
using test::log_with;
using test::pn;

constexpr TimePoint start{std::chrono::hours(1)};
constexpr uint64_t cookie = 42;

// Member a, with five committed versions and no leader, is asked by b.
struct Provider {
  Provider() : monitor(made(), random, start) {}
  static MonitorStart made() {
    MonitorStart with;
    with.identity = {a, "a", 2, FormationState::formed, test::monmap_of(3).encode(), pn(1, b)};
    with.address = "host-a:1000";
    with.monmap = test::monmap_of(3);
    with.log = log_with(history(5, pn(1, b)), 5);
    return with;
  }
  Output step(Input input) {
    Output out = monitor.step(start, std::move(input));
    monitor.check_invariants();
    return out;
  }
  Output receive(Message message) { return step(PeerMessage{{test::fsid, b, 1}, std::move(message)}); }
  Output read(uint64_t task) { return step(TaskDone{task, ChunkRead{}}); }
  // The task that reads the first chunk of the session that begins; zero if none does.
  uint64_t ask() {
    const Output out = receive(SyncStart{cookie, Version(1)});
    for (const TaskRequest& request : out.tasks) {
      if (std::holds_alternative<ReadChunkTask>(request.task)) return request.id;
    }
    return 0;
  }
  static std::vector<uint64_t> chunks(const Output& out) {
    std::vector<uint64_t> sequences;
    for (const Envelope& envelope : out.messages) {
      if (const auto* chunk = std::get_if<SyncChunk>(&envelope.message)) sequences.push_back(chunk->sequence);
    }
    return sequences;
  }

  test::FixedRandom random;
  Monitor monitor;
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
  provider.receive(SyncAbort{cookie, Status(Code::unavailable, "x")});
  const uint64_t second = provider.ask();
  ASSERT_GT(second, first);
  EXPECT_TRUE(Provider::chunks(provider.read(first)).empty());
  EXPECT_EQ(Provider::chunks(provider.read(second)), std::vector<uint64_t>{1});
}

}  // namespace
}  // namespace synod
