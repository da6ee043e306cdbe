// An answer means: chosen by a durable majority. In whole clusters, with the power cut everywhere at the moment at
// which the client hears "done".
#include <gtest/gtest.h>

#include "mon/service/kv_service.h"
#include "test/sim/cluster.h"

namespace synod::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

ClientRequest put_request(const std::string& key, const std::string& text) {
  ClientRequest request;
  request.timeout_ms = 5000;
  request.body = WriteRequest{{{WriteOp::Type::put, key, SharedBytes(text)}}};
  return request;
}

// True if the member's store has the value, applied or accepted.
bool holds(Cluster& cluster, const std::string& name, const std::string& text) {
  const Cluster::OpenedStore opened = cluster.open_store(name);
  const MonitorStore& store = *opened.store;
  const LogState log = *store.load_log();
  for (const LogEntry& entry : log.accepted) {
    if (entry.value.view().find(text) != ByteView::npos) return true;
  }
  const auto applied = store.new_reader()->get(Bytes(kv_key_prefix) + "key");
  return applied->has_value() && (*applied)->find(text) != Bytes::npos;
}

// A network that is much faster than the disks: an answer that does not wait for them arrives before they are done.
struct SlowDisks {
  SlowDisks(size_t size, uint64_t seed) : cluster(size, seed) {
    cluster.start_all();
    EXPECT_TRUE(cluster.run_until([&] { return cluster.has_quorum(size); }));
    cluster.network().set_delay(microseconds(1), microseconds(20));
    for (const std::string& name : cluster.names()) set_disk(name, milliseconds(10));
    leader = cluster.leader();
  }
  void set_disk(const std::string& name, Duration delay) {
    cluster.member(name).process->storage.set_sync_delay(delay);
  }
  Duration time_to_put(const std::string& to, const std::string& text) {
    const TimePoint begin = cluster.scheduler().now();
    TimePoint end;
    cluster.request(to, put_request("key", text), [&](const ClientReply& reply) {
      EXPECT_TRUE(reply.status.is_ok()) << reply.status.to_string();
      end = cluster.scheduler().now();
    });
    EXPECT_TRUE(cluster.run_until([&] { return end != TimePoint(); }, seconds(10)));
    return end - begin;
  }
  std::vector<std::string> peons() {
    std::vector<std::string> found = cluster.names();
    std::erase(found, leader);
    return found;
  }

  Cluster cluster;
  std::string leader;
};

struct Durable : testing::TestWithParam<size_t> {};

TEST_P(Durable, at_each_acknowledgement_a_majority_has_the_value_on_disk) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SlowDisks slow(GetParam(), seed);
    Cluster& cluster = slow.cluster;
    const int target = 1 + static_cast<int>(seed % 5);
    int acknowledged = 0;
    bool is_cut = false;
    std::string last;
    std::function<void(int)> put = [&](int number) {
      const std::string text = fmt::format("value-{}-{}", seed, number);
      const std::string to = cluster.names()[cluster.random().below(GetParam())];
      cluster.request(to, put_request("key", text), [&, number, text](const ClientReply& reply) {
        if (!reply.status.is_ok() || is_cut) return;
        ++acknowledged;
        last = text;
        if (acknowledged < target) {
          put(number + 1);
          return;
        }
        is_cut = true;
        for (const std::string& name : cluster.names()) cluster.cut_power(name);
      });
    };
    put(0);
    ASSERT_TRUE(cluster.run_until([&] { return is_cut; }, seconds(10))) << "seed " << seed;
    size_t count = 0;
    for (const std::string& name : cluster.names()) count += holds(cluster, name, last) ? 1 : 0;
    ASSERT_GE(count, GetParam() / 2 + 1) << "seed " << seed;

    // And any majority serves it.
    const size_t down = cluster.random().below(GetParam());
    size_t left_out = 0;
    for (size_t i = 0; i < GetParam(); ++i) {
      const bool stays_down = (i + down) % GetParam() < (GetParam() - 1) / 2;
      if (stays_down) {
        ++left_out;
      } else {
        cluster.start(cluster.names()[i]);
      }
    }
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(GetParam() - left_out); }, seconds(30)))
        << "seed " << seed;
    const Result<std::string> found = cluster.get(cluster.leader(), "key");
    ASSERT_TRUE(found.has_value()) << "seed " << seed;
    EXPECT_EQ(*found, last) << "seed " << seed;
  }
}
INSTANTIATE_TEST_SUITE_P(sizes, Durable, testing::Values(1, 3, 5));

TEST(DurabilityTest, a_write_that_needs_a_slow_member_waits_for_its_disk) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SlowDisks slow(3, seed);
    const std::string peon = slow.peons()[0];
    slow.cluster.kill(slow.peons()[1]);
    slow.set_disk(peon, milliseconds(400));
    // The delay is drawn between a half and one and a half of what is set.
    EXPECT_GE(slow.time_to_put(slow.leader, "waits"), milliseconds(200)) << "seed " << seed;
  }
}

TEST(DurabilityTest, the_leaders_own_vote_waits_for_its_own_disk) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SlowDisks slow(3, seed);
    slow.cluster.kill(slow.peons()[1]);
    slow.set_disk(slow.leader, milliseconds(400));
    EXPECT_GE(slow.time_to_put(slow.leader, "waits"), milliseconds(200)) << "seed " << seed;
  }
}

TEST(DurabilityTest, one_slow_peon_or_a_slow_leader_stalls_no_write_of_the_others) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SlowDisks slow(3, seed);
    const std::string victim = seed % 2 == 0 ? slow.leader : slow.peons()[0];
    slow.set_disk(victim, milliseconds(400));
    EXPECT_LT(slow.time_to_put(slow.leader, "fast"), milliseconds(100)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace synod::sim
