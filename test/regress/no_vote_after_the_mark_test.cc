// Found by the simulator (3 members, 10 minutes, seed 10035 of its time): a candidate that was beyond the trim floor
// repeated its collect in the very step in which it marked its store for a sync, and so asked for votes as a member
// that was syncing by then.
#include <gtest/gtest.h>

#include "mon/core/monitor.h"
#include "test/unit/mon/paxos_driver.h"

namespace synod::test {
namespace {

constexpr TimePoint start{std::chrono::hours(1)};

// Member a, with five committed versions.
struct Candidate {
  Candidate() : monitor(made(), random, start) {}

  static MonitorStart made() {
    MonitorStart with;
    with.identity = {a, "a", 2, FormationState::formed, monmap_of(3).encode(), pn(1, b)};
    with.address = "host-a:1000";
    with.monmap = monmap_of(3);
    with.log = log_with(history(5, pn(1, b)), 5);
    return with;
  }
  void hear(MemberId from, size_t first, size_t committed) {
    Probe probe;
    probe.name = from == b ? "b" : "c";
    probe.state = MemberState::probing;
    probe.formation = FormationState::formed;
    probe.first = Version(first);
    probe.committed = history(9, pn(1, b))[committed - 1].position();
    step(PeerMessage{{fsid, from, 1}, probe});
    step(PeerConnected{from});
  }
  Output step(Input input) {
    Output out = monitor.step(now, std::move(input));
    monitor.check_invariants();
    return out;
  }
  Output tick() {
    now += CoreOptions().lease / 4;
    return step(Tick{});
  }
  template <class T>
  static size_t count(const Output& out) {
    size_t found = 0;
    for (const auto* list : {&out.messages, &out.messages_when_durable}) {
      for (const Envelope& envelope : *list) found += std::holds_alternative<T>(envelope.message);
    }
    return found;
  }

  FixedRandom random;
  Monitor monitor;
  TimePoint now = start;
};

TEST(Regress, a_candidate_that_marks_its_store_asks_for_no_vote_any_more) {
  Candidate candidate;
  candidate.hear(b, 1, 3);
  for (int i = 0; i < 40 && candidate.monitor.state() != MemberState::electing; ++i) {
    candidate.hear(b, 1, 3);
    const Output out = candidate.tick();
    for (const Envelope& envelope : out.messages) {
      const auto* propose = std::get_if<Propose>(&envelope.message);
      if (propose == nullptr || envelope.to != b) continue;
      const Output collects = candidate.step(PeerMessage{{fsid, b, 1}, ProposeReply{propose->pn, true, pn(1, b)}});
      candidate.step(StoreProgress{collects.step, collects.step});
    }
  }
  ASSERT_EQ(candidate.monitor.state(), MemberState::electing);
  candidate.hear(b, 1, 3);
  EXPECT_GT(Candidate::count<Collect>(candidate.tick()), 0U) << "nobody has answered, so each tick repeats it";

  candidate.hear(c, 9, 9);
  const Output marks = candidate.tick();
  ASSERT_TRUE(candidate.monitor.is_syncing());
  EXPECT_TRUE(marks.is_durable);
  EXPECT_EQ(Candidate::count<Collect>(marks), 0U);
}

}  // namespace
}  // namespace synod::test
