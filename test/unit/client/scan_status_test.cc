#include <gtest/gtest.h>

#include <algorithm>

#include "client/client.h"
#include "test/unit/client/client_world.h"

namespace synod {
namespace {

// Answers ranges over the keys "00000", "00001" and so on, at most `most` in one answer.
class Keys {
 public:
  Keys(size_t count, size_t most) : most_(most) {
    for (size_t i = 0; i < count; ++i) {
      std::string number = std::to_string(i);
      keys_.push_back(std::string(5 - number.size(), '0') + number);
    }
  }

  FakeMonitor::Answer operator()(const ClientRequest& request) const {
    const auto& range = std::get<RangeRequest>(request.body);
    RangeReply reply;
    reply.revision = 9;
    const size_t limit = range.limit == 0 ? most_ : std::min<size_t>(most_, range.limit);
    for (auto key = std::lower_bound(keys_.begin(), keys_.end(), range.begin); key != keys_.end(); ++key) {
      if (!range.end.empty() && *key >= range.end) break;
      if (reply.items.size() == limit) {
        reply.more = true;
        break;
      }
      reply.items.push_back(KeyValue{*key, SharedBytes("v"), 1, 1, 1});
    }
    return ClientReply{0, Status::ok(), std::move(reply)};
  }

 private:
  size_t most_;
  std::vector<std::string> keys_;
};

struct Seen {
  Result<Client::Scanned> scanned;
  std::vector<std::string> keys;
};

class ScanTest : public ClientWorldTest {
 protected:
  Seen scan(const FakeMonitor& monitor, RangeRequest request, size_t stop_after = SIZE_MAX) {
    Client client = client_of({monitor.address()});
    std::vector<std::string> keys;
    Result<Client::Scanned> scanned = client.scan(std::move(request), [&](const KeyValue& item) {
      keys.push_back(item.key);
      return keys.size() < stop_after;
    });
    return {std::move(scanned), std::move(keys)};
  }
};
using StatusTest = ClientWorldTest;

TEST_F(ScanTest, visits_every_key_once_in_order_over_many_pages) {
  VirtualMonitor monitor(world_, Keys(12'345, 2'000));
  const Seen seen = scan(monitor, {});
  ASSERT_TRUE(seen.scanned.has_value());
  EXPECT_EQ(seen.scanned->keys, 12'345U);
  EXPECT_EQ(seen.scanned->revision, 9U);
  EXPECT_FALSE(seen.scanned->more);
  ASSERT_EQ(seen.keys.size(), 12'345U);
  EXPECT_TRUE(std::is_sorted(seen.keys.begin(), seen.keys.end()));
  EXPECT_EQ(std::adjacent_find(seen.keys.begin(), seen.keys.end()), seen.keys.end());
}

TEST_F(ScanTest, pages_grow) {
  VirtualMonitor monitor(world_, Keys(30'000, 100'000));
  ASSERT_TRUE(scan(monitor, {}).scanned.has_value());
  const auto requests = monitor.requests();
  ASSERT_EQ(requests.size(), 4U);
  uint64_t limits[4];
  for (size_t i = 0; i < 4; ++i) limits[i] = std::get<RangeRequest>(requests[i].body).limit;
  EXPECT_LT(limits[0], limits[1]);
  EXPECT_LT(limits[1], limits[2]);
  EXPECT_EQ(limits[3], 0U) << "as many as fit";
}

TEST_F(ScanTest, stays_in_the_interval) {
  VirtualMonitor monitor(world_, Keys(1'000, 10));
  const Seen seen = scan(monitor, {.begin = "00100", .end = "00200"});
  ASSERT_EQ(seen.keys.size(), 100U);
  EXPECT_EQ(seen.keys.front(), "00100");
  EXPECT_EQ(seen.keys.back(), "00199");
}

TEST_F(ScanTest, stops_at_the_limit_and_says_that_there_is_more) {
  VirtualMonitor monitor(world_, Keys(1'000, 60));
  const Seen seen = scan(monitor, {.begin = {}, .end = {}, .limit = 150});
  ASSERT_TRUE(seen.scanned.has_value());
  EXPECT_EQ(seen.keys.size(), 150U);
  EXPECT_TRUE(seen.scanned->more);
}

TEST_F(ScanTest, a_limit_that_is_not_reached_leaves_nothing) {
  VirtualMonitor monitor(world_, Keys(100, 60));
  const Seen seen = scan(monitor, {.begin = {}, .end = {}, .limit = 100});
  EXPECT_EQ(seen.keys.size(), 100U);
  EXPECT_FALSE(seen.scanned->more);
}

TEST_F(ScanTest, the_visitor_can_stop_it) {
  VirtualMonitor monitor(world_, Keys(1'000, 1'000));
  const Seen seen = scan(monitor, {}, 3);
  EXPECT_EQ(seen.keys.size(), 3U);
  EXPECT_TRUE(seen.scanned->more);
  EXPECT_EQ(monitor.requests().size(), 1U);
}

TEST_F(ScanTest, an_empty_range_is_no_error) {
  VirtualMonitor monitor(world_, Keys(0, 10));
  const Seen seen = scan(monitor, {});
  ASSERT_TRUE(seen.scanned.has_value());
  EXPECT_EQ(seen.scanned->keys, 0U);
}

TEST_F(ScanTest, a_promise_of_more_without_any_is_an_error_and_no_endless_loop) {
  VirtualMonitor monitor(world_, [](const ClientRequest&) {
    RangeReply reply;
    reply.more = true;
    return ClientReply{0, Status::ok(), std::move(reply)};
  });
  EXPECT_EQ(scan(monitor, {}).scanned.error().code(), Code::corruption);
}

StatusReply status_of(const std::string& name, size_t quorum) {
  StatusReply status;
  status.answered_by = name;
  status.members.resize(3);
  const std::vector<std::string> names = {"a", "b", "c"};
  status.quorum.assign(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(quorum));
  if (quorum > 0) status.leader = "a";
  return status;
}

FakeMonitor::Script says(const std::string& name, size_t quorum) {
  return [=](const ClientRequest&) { return ClientReply{0, Status::ok(), status_of(name, quorum)}; };
}

TEST(HasQuorumTest, needs_a_leader_and_a_majority) {
  EXPECT_FALSE(has_quorum(StatusReply()));
  EXPECT_FALSE(has_quorum(status_of("a", 0)));
  EXPECT_FALSE(has_quorum(status_of("a", 1)));
  EXPECT_TRUE(has_quorum(status_of("a", 2)));
  StatusReply with_learner = status_of("a", 2);
  with_learner.members.resize(4);
  with_learner.members.back().has_vote = false;
  EXPECT_TRUE(has_quorum(with_learner));
  EXPECT_TRUE(has_quorum(status_of("a", 3)));
  StatusReply leaderless = status_of("a", 2);
  leaderless.leader.clear();
  EXPECT_FALSE(has_quorum(leaderless));
}

TEST_F(StatusTest, the_first_answer_with_a_quorum_is_it) {
  VirtualMonitor first(world_, says("a", 3)), second(world_, says("b", 3));
  Client client = client_of({first.address(), second.address()});
  const Result<StatusReply> status = client.status();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->answered_by, "a");
  EXPECT_TRUE(second.requests().empty());
}

TEST_F(StatusTest, one_who_knows_of_no_quorum_is_not_believed_before_the_others_were_asked) {
  VirtualMonitor first(world_, says("a", 0)), second(world_, says("b", 2));
  Client client = client_of({first.address(), second.address()});
  const Result<StatusReply> status = client.status();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->answered_by, "b");
}

TEST_F(StatusTest, without_any_quorum_the_first_answer_is_it) {
  VirtualMonitor first(world_, says("a", 0)), second(world_, says("b", 1));
  Client client = client_of({world_.new_address(), first.address(), second.address()});
  const Result<StatusReply> status = client.status();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->answered_by, "a");
}

TEST_F(StatusTest, monitors_that_are_gone_do_not_delay_what_is_known) {
  VirtualMonitor first(world_, says("a", 0));
  Client client = client_of({first.address(), world_.new_address(), world_.new_address()});
  const Result<StatusReply> status = client.status();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->answered_by, "a");
  EXPECT_LT(elapsed(), on_the_way);
}

TEST_F(StatusTest, without_any_answer_it_fails_with_the_timeout) {
  Client client = client_of({world_.new_address()}, std::chrono::milliseconds(200));
  EXPECT_EQ(client.status().error().code(), Code::unavailable);
  EXPECT_EQ(elapsed(), std::chrono::milliseconds(200));
}

}  // namespace
}  // namespace synod
