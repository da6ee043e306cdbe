// Found by the simulator (3 members, 10 minutes, seed 3200855 of its time): a provider lost its power, and its
// requester, whose connection to it was half open, did not notice. The network repeated the sync_start to the
// provider's next life, which began a session of a newer snapshot under the same cookie. Its second chunk was the next
// one that the requester waited for, so the copy was put together from two snapshots, with nothing to tell so: the
// digest refuted it in the end, and all of it was copied again.
#include "base/checksum.h"
#include "test/unit/mon/monitor_driver.h"

namespace synod::test {
namespace {

// Marked, at version 5, with a copy of some chunks; it is being given more of it by b.
struct Requester : MonitorDriver {
  static Position at_b(uint64_t version) { return history(version, pn(1, b)).back().position(); }
  Requester() : MonitorDriver(made_with_copy({{at_b(6), at_b(8), "m", false, at_b(6)}, false, 4, 40, 400})) {
    hear(b, 7, 9);
    hear(c, 8, 8, MemberState::leader);
    const std::vector<SyncStart> starts = sent<SyncStart>(tick(CoreOptions().lease));
    EXPECT_EQ(starts.size(), 1U);
    if (!starts.empty()) cookie = starts[0].cookie;
  }
  // Of so many tasks that write chunks.
  size_t receive_chunk(uint64_t sequence, uint64_t start_count) {
    SyncChunk chunk;
    chunk.cookie = cookie;
    chunk.sequence = sequence;
    chunk.transaction = value("x");
    chunk.checksum = checksum64(chunk.transaction.view());
    chunk.cursor = {at_b(6), at_b(8), "n" + std::to_string(sequence), false, at_b(6)};
    const Output out = step(PeerMessage{{fsid, b, start_count}, chunk});
    for (const SyncEvent& event : out.sync_events) {
      if (event.kind == SyncEventKind::failed) failure = event.reason;
    }
    return static_cast<size_t>(std::count_if(out.tasks.begin(), out.tasks.end(), [](const TaskRequest& request) {
      return std::holds_alternative<WriteChunkTask>(request.task);
    }));
  }
  uint64_t cookie = 0;
  std::string failure;
};

TEST(Regress, no_chunk_of_a_providers_next_life_comes_behind_those_of_the_one_that_was_asked) {
  Requester requester;
  EXPECT_EQ(requester.receive_chunk(1, 1), 1U);
  EXPECT_EQ(requester.receive_chunk(2, 2), 0U);
  EXPECT_EQ(requester.receive_chunk(2, 1), 0U) << "the life that was asked is over";
}

TEST(Regress, a_provider_that_started_again_is_given_up_at_once) {
  Requester requester;
  EXPECT_EQ(requester.receive_chunk(2, 2), 0U);
  EXPECT_EQ(requester.failure, "the provider b has started again");
}

}  // namespace
}  // namespace synod::test
