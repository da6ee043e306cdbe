// A retry gets the first answer, and nothing is done twice, over everything that can happen to a cluster in between.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "test/sim/cluster.h"

namespace synod::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A client that asks one member after the other, and always for the same.
class SessionClient {
 public:
  SessionClient(Cluster& cluster, uint64_t number) : cluster_(cluster) {
    ClientRequest open;
    open.body = OpenSessionRequest{number};
    const ClientReply reply = insist(open);
    EXPECT_TRUE(reply.status.is_ok()) << reply.status.to_string();
    session_ = std::get<OpenSessionReply>(reply.body).session;
  }

  ClientRequest put(uint64_t sequence, const std::string& key, uint64_t lowest = 1) const {
    ClientRequest request;
    request.timeout_ms = 1000;
    request.body =
        WriteRequest{{{WriteOp::Type::put, key, SharedBytes(Bytes("v"))}}, RequestTag{session_, sequence, lowest}};
    return request;
  }
  // Until somebody knows.
  ClientReply insist(ClientRequest request) {
    request.timeout_ms = 1000;
    ClientReply reply;
    for (int round = 0; round < 20; ++round) {
      for (const std::string& name : cluster_.running()) {
        reply = cluster_.call(name, request);
        const Code code = reply.status.code();
        if (code != Code::unavailable && code != Code::unknown_outcome) return reply;
      }
    }
    return reply;
  }
  uint64_t revision(const ClientRequest& request) {
    const ClientReply reply = insist(request);
    EXPECT_TRUE(reply.status.is_ok()) << reply.status.to_string();
    return reply.status.is_ok() ? std::get<WriteReply>(reply.body).revision : 0;
  }
  // How often the key was put.
  uint64_t puts(const std::string& key) {
    ClientRequest request;
    request.body = RangeRequest{key, key + '\0', 1, Consistency::linearizable};
    const ClientReply reply = insist(request);
    EXPECT_TRUE(reply.status.is_ok()) << reply.status.to_string();
    if (!reply.status.is_ok()) return 0;
    const auto& items = std::get<RangeReply>(reply.body).items;
    return items.empty() ? 0 : items[0].version;
  }

 private:
  Cluster& cluster_;
  SessionId session_;
};

TEST(SessionClusterTest, a_retry_after_the_loss_of_the_leader_is_done_once_whatever_the_leader_had_done) {
  size_t done_by_the_first = 0;
  size_t done_by_the_second = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Cluster cluster(3, seed);
    cluster.start_all();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
    SessionClient client(cluster, seed);
    const std::string leader = cluster.leader();
    const std::string asked = cluster.names()[seed % 3];
    cluster.request(asked, client.put(1, "key"), {});
    cluster.run_for(microseconds(static_cast<int64_t>(cluster.random().below(15'000))));
    cluster.cut_power(leader);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(2); }, seconds(5))) << "seed " << seed;
    ++(client.puts("key") == 1 ? done_by_the_first : done_by_the_second);
    const uint64_t first = client.revision(client.put(1, "key"));
    EXPECT_EQ(client.revision(client.put(2, "other")), first + 1);
    cluster.start(leader);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(10))) << "seed " << seed;
    EXPECT_EQ(client.revision(client.put(1, "key")), first);
    EXPECT_EQ(client.puts("key"), 1U) << "seed " << seed;
    EXPECT_EQ(cluster.differences(), "");
  }
  EXPECT_GT(done_by_the_first, 0U);
  EXPECT_GT(done_by_the_second, 0U);
}

TEST(SessionClusterTest, copies_of_a_request_at_all_members_at_once_are_done_once_and_answered_alike) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(3, seed);
    cluster.start_all();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
    SessionClient client(cluster, 9);
    std::vector<uint64_t> revisions;
    for (int copy = 0; copy < 12; ++copy) {
      cluster.request(cluster.names()[static_cast<size_t>(copy % 3)], client.put(1, "key"), [&](const ClientReply& r) {
        EXPECT_TRUE(r.status.is_ok()) << r.status.to_string();
        if (r.status.is_ok()) revisions.push_back(std::get<WriteReply>(r.body).revision);
      });
      cluster.run_for(microseconds(static_cast<int64_t>(cluster.random().below(1000))));
    }
    ASSERT_TRUE(cluster.run_until([&] { return revisions.size() == 12; }, seconds(2)));
    EXPECT_EQ(revisions, std::vector<uint64_t>(12, 2));
    EXPECT_EQ(client.puts("key"), 1U);
  }
}

TEST(SessionClusterTest, a_retry_after_the_power_failed_everywhere_gets_the_first_answer) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(3, seed);
    cluster.start_all();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
    SessionClient client(cluster, 9);
    std::vector<uint64_t> revisions;
    for (uint64_t i = 1; i <= 5; ++i) revisions.push_back(client.revision(client.put(i, fmt::format("key-{}", i))));
    for (const std::string& name : cluster.names()) cluster.cut_power(name);
    cluster.start_all();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(10)));
    for (uint64_t i = 5; i >= 1; --i) {
      EXPECT_EQ(client.revision(client.put(i, fmt::format("key-{}", i))), revisions[i - 1]);
      EXPECT_EQ(client.puts(fmt::format("key-{}", i)), 1U);
    }
    EXPECT_EQ(cluster.differences(), "");
  }
}

TEST(SessionClusterTest, a_retry_at_a_leader_that_got_its_store_by_a_sync_gets_the_first_answer) {
  CoreOptions options;
  options.log_retain_versions = 10;
  options.log_trim_min = 5;
  options.sync_chunk_bytes = 2000;
  Cluster cluster(3, 3, options);
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
  const std::string synced = cluster.leader() == "a" ? "b" : "a";
  cluster.kill(synced);
  SessionClient client(cluster, 9);
  const uint64_t first = client.revision(client.put(1, "key"));
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(cluster.put(cluster.leader(), fmt::format("other-{}", i), "v").is_ok());
  cluster.start(synced);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.monitor(synced).is_syncing(); }, seconds(5)));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(10)));
  for (int round = 0; round < 20 && cluster.leader() != synced; ++round) {
    const std::string leader = cluster.leader();
    cluster.kill(leader);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(2); }, seconds(5)));
    cluster.start(leader);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(10)));
  }
  ASSERT_EQ(cluster.leader(), synced);
  const ClientReply retry = cluster.call(synced, client.put(1, "key"));
  ASSERT_TRUE(retry.status.is_ok()) << retry.status.to_string();
  EXPECT_EQ(std::get<WriteReply>(retry.body).revision, first);
  EXPECT_EQ(client.puts("key"), 1U);
  EXPECT_EQ(cluster.differences(), "");
}

TEST(SessionClusterTest, what_is_refused_is_refused_by_every_member_and_after_a_restart) {
  Cluster cluster(3, 5);
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
  SessionClient client(cluster, 9);
  client.revision(client.put(1, "key"));
  client.revision(client.put(7, "key", 7));
  ClientRequest unknown = client.put(1, "key");
  std::get<WriteRequest>(unknown.body).tag->session.number += 1;
  for (int restart = 0; restart < 2; ++restart) {
    for (const std::string& name : cluster.names()) {
      EXPECT_EQ(cluster.call(name, client.put(1, "key")).status.code(), Code::refused);
      EXPECT_EQ(cluster.call(name, client.put(6, "key", 6)).status.code(), Code::refused);
      EXPECT_EQ(cluster.call(name, unknown).status.code(), Code::unknown_session);
    }
    for (const std::string& name : cluster.names()) cluster.cut_power(name);
    cluster.start_all();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }, seconds(10)));
  }
  EXPECT_EQ(client.puts("key"), 2U);
}

}  // namespace
}  // namespace synod::sim
