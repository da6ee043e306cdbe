#include "client/client.h"

#include <gtest/gtest.h>

#include <chrono>

#include "test/unit/client/client_world.h"

namespace synod {
namespace {

using std::chrono::milliseconds;
using Script = FakeMonitor::Script;

FakeMonitor::Answer ok_write(const ClientRequest&) { return ClientReply{0, Status::ok(), WriteReply{7, {}}}; }
FakeMonitor::Answer silence(const ClientRequest&) { return FakeMonitor::Silence{}; }
FakeMonitor::Answer hangup(const ClientRequest&) { return FakeMonitor::Hangup{}; }
Script fails_with(Code code, const std::string& why) {
  return [=](const ClientRequest&) { return ClientReply{0, Status(code, why), {}}; };
}
Script has_item(const std::string& key) {
  return [=](const ClientRequest&) {
    RangeReply reply;
    reply.revision = 3;
    reply.items.push_back(KeyValue{key, SharedBytes("value"), 1, 2, 2});
    return ClientReply{0, Status::ok(), std::move(reply)};
  };
}

WriteRequest a_write() {
  WriteRequest request;
  request.ops.push_back({WriteOp::Type::put, "key", SharedBytes("value")});
  return request;
}

class ClientTest : public ClientWorldTest {
 protected:
  static constexpr Duration impatient = milliseconds(400);
};

TEST_F(ClientTest, a_write_is_answered) {
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({monitor.address()});
  const Result<WriteReply> reply = client.write(a_write());
  ASSERT_TRUE(reply.has_value()) << reply.error().to_string();
  EXPECT_EQ(reply->revision, 7U);
  ASSERT_EQ(monitor.requests().size(), 1U);
  const auto sent = std::get<WriteRequest>(monitor.requests()[0].body);
  ASSERT_EQ(sent.ops.size(), 1U);
  EXPECT_EQ(sent.ops[0].key, "key");
  EXPECT_EQ(sent.ops[0].value.view(), "value");
}

TEST_F(ClientTest, a_range_is_answered) {
  VirtualMonitor monitor(world_, has_item("k"));
  Client client = client_of({monitor.address()});
  const Result<RangeReply> reply = client.range({.begin = "k", .end = "l", .limit = 5});
  ASSERT_TRUE(reply.has_value()) << reply.error().to_string();
  ASSERT_EQ(reply->items.size(), 1U);
  EXPECT_EQ(reply->items[0].key, "k");
  const auto sent = std::get<RangeRequest>(monitor.requests()[0].body);
  EXPECT_EQ(sent.begin, "k");
  EXPECT_EQ(sent.end, "l");
  EXPECT_EQ(sent.limit, 5U);
}

TEST_F(ClientTest, a_request_tells_the_time_that_is_left) {
  DeafListener deaf(world_);
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({deaf.address(), monitor.address()}, impatient);
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_LE(monitor.requests()[0].timeout_ms, 300U);
  EXPECT_GT(monitor.requests()[0].timeout_ms, 0U);
}

TEST_F(ClientTest, the_connection_is_kept) {
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({monitor.address()});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_EQ(monitor.connections(), 1U);
}

TEST_F(ClientTest, refused_connections_move_on_at_once) {
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({world_.new_address(), world_.new_address(), monitor.address()});
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_LT(elapsed(), on_the_way);
}

TEST_F(ClientTest, the_monitor_that_answered_is_asked_first_the_next_time) {
  DeafListener deaf(world_);
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({deaf.address(), monitor.address()}, impatient);
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_GE(elapsed(), impatient / 4);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_LT(elapsed(), on_the_way);
  EXPECT_EQ(deaf.accepted(), 1U);
}

TEST_F(ClientTest, one_that_accepts_and_says_nothing_costs_a_quarter_of_the_timeout) {
  DeafListener deaf(world_);
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({deaf.address(), monitor.address()}, milliseconds(1600));
  ASSERT_TRUE(client.write(a_write()).has_value());
  const Duration taken = elapsed();
  EXPECT_GE(taken, milliseconds(400));
  EXPECT_LT(taken, milliseconds(400) + on_the_way);
}

TEST_F(ClientTest, one_that_talks_rubbish_is_left_at_once) {
  DeafListener rubbish(world_, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({rubbish.address(), monitor.address()});
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_LT(elapsed(), on_the_way);
}

TEST_F(ClientTest, with_no_monitor_at_all_nothing_was_done) {
  Client client = client_of({world_.new_address(), world_.new_address()}, impatient);
  const Result<WriteReply> reply = client.write(a_write());
  EXPECT_EQ(reply.error().code(), Code::unavailable);
  EXPECT_NE(reply.error().message().find("10.0.0."), std::string::npos) << reply.error().message();
  EXPECT_EQ(elapsed(), impatient);
}

TEST_F(ClientTest, a_monitor_that_comes_up_meanwhile_is_found) {
  const std::string address = world_.new_address();
  Client client = client_of({address});
  std::unique_ptr<VirtualMonitor> monitor;
  world_.scheduler.call_after(milliseconds(900),
                              [&] { monitor = std::make_unique<VirtualMonitor>(world_, ok_write, address); });
  EXPECT_TRUE(client.write(a_write()).has_value());
  EXPECT_LT(elapsed(), milliseconds(1100));
}

TEST_F(ClientTest, an_unanswered_read_is_asked_of_the_next) {
  VirtualMonitor stuck(world_, silence);
  VirtualMonitor monitor(world_, has_item("k"));
  Client client = client_of({stuck.address(), monitor.address()}, impatient);
  ASSERT_TRUE(client.range({}).has_value());
  const Duration taken = elapsed();
  EXPECT_GE(taken, impatient / 4);
  EXPECT_LT(taken, impatient / 4 + on_the_way);
}

TEST_F(ClientTest, a_read_on_a_lost_connection_is_asked_of_the_next) {
  VirtualMonitor broken(world_, hangup);
  VirtualMonitor monitor(world_, has_item("k"));
  Client client = client_of({broken.address(), monitor.address()});
  ASSERT_TRUE(client.range({}).has_value());
  EXPECT_LT(elapsed(), on_the_way);
}

TEST_F(ClientTest, whoever_is_unavailable_is_passed_over_also_by_a_write) {
  VirtualMonitor outsider(world_, fails_with(Code::unavailable, "not a member"));
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({outsider.address(), monitor.address()});
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_EQ(outsider.requests().size(), 1U);
  EXPECT_EQ(monitor.requests().size(), 1U);
}

TEST_F(ClientTest, when_all_are_unavailable_the_last_reason_is_told_after_the_timeout) {
  VirtualMonitor first(world_, fails_with(Code::unavailable, "no quorum here"));
  VirtualMonitor second(world_, fails_with(Code::unavailable, "no quorum there"));
  Client client = client_of({first.address(), second.address()}, impatient);
  const Result<RangeReply> reply = client.range({});
  EXPECT_EQ(reply.error().code(), Code::unavailable);
  EXPECT_NE(reply.error().message().find("no quorum"), std::string::npos) << reply.error().message();
  EXPECT_EQ(elapsed(), impatient);
  EXPECT_LT(first.requests().size(), 10U) << "it pauses between the rounds";
}

TEST_F(ClientTest, what_a_monitor_says_is_told_rather_than_that_another_is_down) {
  VirtualMonitor alone(world_, fails_with(Code::unavailable, "b and c are not reachable"));
  Client client = client_of({alone.address(), world_.new_address(), world_.new_address()}, impatient);
  const Result<WriteReply> reply = client.write(a_write());
  EXPECT_NE(reply.error().message().find("b and c"), std::string::npos) << reply.error().message();
}

TEST_F(ClientTest, what_the_cluster_refuses_is_refused) {
  for (const Code code : {Code::invalid_argument, Code::refused}) {
    VirtualMonitor monitor(world_, fails_with(code, "the value is too large"));
    Client client = client_of({monitor.address()});
    EXPECT_EQ(client.write(a_write()).error(), Status(code, "the value is too large"));
    EXPECT_EQ(monitor.requests().size(), 1U);
  }
}

TEST_F(ClientTest, a_connection_that_was_lost_between_the_calls_is_not_used) {
  const std::string address = world_.new_address();
  auto monitor = std::make_unique<VirtualMonitor>(world_, ok_write, address);
  Client client = client_of({address});
  ASSERT_TRUE(client.write(a_write()).has_value());
  monitor.reset();
  monitor = std::make_unique<VirtualMonitor>(world_, ok_write, address);
  world_.scheduler.run_until(world_.scheduler.now() + on_the_way);
  EXPECT_TRUE(client.write(a_write()).has_value());
  EXPECT_EQ(monitor->requests().size(), 1U) << "the second was sent once";
}

TEST_F(ClientTest, the_caller_can_end_a_call) {
  VirtualMonitor stuck(world_, silence);
  Client client = client_with({{stuck.address()}, std::chrono::seconds(20), [&] { return !stuck.requests().empty(); }});
  EXPECT_EQ(client.write(a_write()).error().code(), Code::unknown_outcome);
  EXPECT_LT(elapsed(), milliseconds(50) + on_the_way) << "it is asked twenty times a second";
}

TEST_F(ClientTest, a_call_that_was_ended_before_it_was_sent_did_nothing) {
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_with({{monitor.address()}, std::chrono::seconds(20), [] { return true; }});
  EXPECT_EQ(client.write(a_write()).error().code(), Code::unavailable);
  EXPECT_TRUE(monitor.requests().empty());
}

TEST_F(ClientTest, the_timeout_can_be_changed_between_calls) {
  VirtualMonitor stuck(world_, silence);
  Client client = client_of({stuck.address()});
  client.set_timeout(milliseconds(50));
  EXPECT_FALSE(client.write(a_write()).has_value());
  EXPECT_EQ(elapsed(), milliseconds(50));
}

TEST_F(ClientTest, a_monitor_of_another_cluster_is_not_listened_to) {
  Fsid ours, theirs;
  ours.bytes[0] = 1;
  theirs.bytes[0] = 2;
  VirtualMonitor first(world_, fails_with(Code::unavailable, "no quorum"), world_.new_address(), ours);
  VirtualMonitor stranger(world_, ok_write, world_.new_address(), theirs);
  Client client = client_of({first.address(), stranger.address()}, impatient);
  const Result<WriteReply> reply = client.write(a_write());
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), Code::unavailable);
  EXPECT_TRUE(stranger.requests().empty());
}

}  // namespace
}  // namespace synod
