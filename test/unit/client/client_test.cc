#include "client/client.h"

#include <gtest/gtest.h>

#include <chrono>

#include "test/unit/client/fake_monitor.h"

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

class ClientTest : public testing::Test {
 protected:
  // Long enough for a slow machine where the time is not what is tested.
  static constexpr Duration patient = std::chrono::seconds(20);
  static constexpr Duration impatient = milliseconds(400);

  Client client_of(std::vector<std::string> monitors, Duration timeout = patient) {
    return Client({std::move(monitors), timeout, {}});
  }
  Duration elapsed() const { return std::chrono::steady_clock::now() - start_; }

  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

TEST_F(ClientTest, a_write_is_answered) {
  FakeMonitor monitor(ok_write);
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
  FakeMonitor monitor(has_item("k"));
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
  DeafListener deaf;
  FakeMonitor monitor(ok_write);
  Client client = client_of({deaf.address(), monitor.address()}, impatient);
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_LE(monitor.requests()[0].timeout_ms, 300U);
  EXPECT_GT(monitor.requests()[0].timeout_ms, 0U);
}

TEST_F(ClientTest, the_connection_is_kept) {
  FakeMonitor monitor(ok_write);
  Client client = client_of({monitor.address()});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_EQ(monitor.connections(), 1U);
}

TEST_F(ClientTest, refused_connections_move_on_at_once) {
  FakeMonitor monitor(ok_write);
  Client client = client_of({free_address(), free_address(), monitor.address()});
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_LT(elapsed(), patient / 4);
}

TEST_F(ClientTest, the_monitor_that_answered_is_asked_first_the_next_time) {
  DeafListener deaf;
  FakeMonitor monitor(ok_write);
  Client client = client_of({deaf.address(), monitor.address()}, impatient);
  ASSERT_TRUE(client.write(a_write()).has_value());
  const Duration first = elapsed();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_LT(elapsed() - first, impatient) << "five times the quarter would be more";
}

TEST_F(ClientTest, one_that_accepts_and_says_nothing_costs_a_quarter_of_the_timeout) {
  DeafListener deaf;
  FakeMonitor monitor(ok_write);
  Client client = client_of({deaf.address(), monitor.address()}, milliseconds(1600));
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_GE(elapsed(), milliseconds(400));
  EXPECT_LT(elapsed(), milliseconds(800));
}

TEST_F(ClientTest, one_that_talks_rubbish_is_left_at_once) {
  DeafListener rubbish("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  FakeMonitor monitor(ok_write);
  Client client = client_of({rubbish.address(), monitor.address()});
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_LT(elapsed(), patient / 4);
}

TEST_F(ClientTest, with_no_monitor_at_all_nothing_was_done) {
  Client client = client_of({free_address(), free_address()}, impatient);
  const Result<WriteReply> reply = client.write(a_write());
  EXPECT_EQ(reply.error().code(), Code::unavailable);
  EXPECT_NE(reply.error().message().find("127.0.0.1:"), std::string::npos) << reply.error().message();
  EXPECT_GE(elapsed(), impatient);
  EXPECT_LT(elapsed(), impatient * 2);
}

TEST_F(ClientTest, a_monitor_that_comes_up_meanwhile_is_found) {
  const std::string address = free_address();
  Client client = client_of({address});
  std::unique_ptr<FakeMonitor> monitor;
  std::thread starter([&] { monitor = std::make_unique<FakeMonitor>(ok_write, address); });
  EXPECT_TRUE(client.write(a_write()).has_value());
  starter.join();
}

TEST_F(ClientTest, an_unanswered_read_is_asked_of_the_next) {
  FakeMonitor stuck(silence);
  FakeMonitor monitor(has_item("k"));
  Client client = client_of({stuck.address(), monitor.address()}, impatient);
  ASSERT_TRUE(client.range({}).has_value());
  EXPECT_GE(elapsed(), impatient / 4);
  EXPECT_LT(elapsed(), impatient);
}

TEST_F(ClientTest, a_read_on_a_lost_connection_is_asked_of_the_next) {
  FakeMonitor broken(hangup);
  FakeMonitor monitor(has_item("k"));
  Client client = client_of({broken.address(), monitor.address()});
  ASSERT_TRUE(client.range({}).has_value());
  EXPECT_LT(elapsed(), patient / 4);
}

TEST_F(ClientTest, whoever_is_unavailable_is_passed_over_also_by_a_write) {
  FakeMonitor outsider(fails_with(Code::unavailable, "not a member"));
  FakeMonitor monitor(ok_write);
  Client client = client_of({outsider.address(), monitor.address()});
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_EQ(outsider.requests().size(), 1U);
  EXPECT_EQ(monitor.requests().size(), 1U);
}

TEST_F(ClientTest, when_all_are_unavailable_the_last_reason_is_told_after_the_timeout) {
  FakeMonitor first(fails_with(Code::unavailable, "no quorum here"));
  FakeMonitor second(fails_with(Code::unavailable, "no quorum there"));
  Client client = client_of({first.address(), second.address()}, impatient);
  const Result<RangeReply> reply = client.range({});
  EXPECT_EQ(reply.error().code(), Code::unavailable);
  EXPECT_NE(reply.error().message().find("no quorum"), std::string::npos) << reply.error().message();
  EXPECT_GE(elapsed(), impatient - milliseconds(100));
  EXPECT_LT(first.requests().size(), 10U) << "it pauses between the rounds";
}

TEST_F(ClientTest, what_a_monitor_says_is_told_rather_than_that_another_is_down) {
  FakeMonitor alone(fails_with(Code::unavailable, "b and c are not reachable"));
  Client client = client_of({alone.address(), free_address(), free_address()}, impatient);
  const Result<WriteReply> reply = client.write(a_write());
  EXPECT_NE(reply.error().message().find("b and c"), std::string::npos) << reply.error().message();
}

TEST_F(ClientTest, what_the_cluster_refuses_is_refused) {
  for (const Code code : {Code::invalid_argument, Code::refused}) {
    FakeMonitor monitor(fails_with(code, "the value is too large"));
    Client client = client_of({monitor.address()});
    EXPECT_EQ(client.write(a_write()).error(), Status(code, "the value is too large"));
    EXPECT_EQ(monitor.requests().size(), 1U);
  }
}

TEST_F(ClientTest, a_connection_that_was_lost_between_the_calls_is_not_used) {
  const std::string address = free_address();
  auto monitor = std::make_unique<FakeMonitor>(ok_write, address);
  Client client = client_of({address});
  ASSERT_TRUE(client.write(a_write()).has_value());
  monitor.reset();
  monitor = std::make_unique<FakeMonitor>(ok_write, address);
  EXPECT_TRUE(client.write(a_write()).has_value());
}

TEST_F(ClientTest, the_caller_can_end_a_call) {
  FakeMonitor stuck(silence);
  Client client({{stuck.address()}, patient, [&] { return !stuck.requests().empty(); }});
  EXPECT_EQ(client.write(a_write()).error().code(), Code::unknown_outcome);
  EXPECT_LT(elapsed(), patient / 4);
}

TEST_F(ClientTest, a_call_that_was_ended_before_it_was_sent_did_nothing) {
  FakeMonitor monitor(ok_write);
  Client client({{monitor.address()}, patient, [] { return true; }});
  EXPECT_EQ(client.write(a_write()).error().code(), Code::unavailable);
  EXPECT_TRUE(monitor.requests().empty());
}

TEST_F(ClientTest, the_timeout_can_be_changed_between_calls) {
  FakeMonitor stuck(silence);
  Client client = client_of({stuck.address()});
  client.set_timeout(milliseconds(50));
  EXPECT_FALSE(client.write(a_write()).has_value());
  EXPECT_LT(elapsed(), patient / 4);
}

TEST_F(ClientTest, a_monitor_of_another_cluster_is_not_listened_to) {
  Fsid ours, theirs;
  ours.bytes[0] = 1;
  theirs.bytes[0] = 2;
  FakeMonitor first(fails_with(Code::unavailable, "no quorum"), free_address(), ours);
  FakeMonitor stranger(ok_write, free_address(), theirs);
  Client client = client_of({first.address(), stranger.address()}, impatient);
  const Result<WriteReply> reply = client.write(a_write());
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), Code::unavailable);
  EXPECT_TRUE(stranger.requests().empty());
}

}  // namespace
}  // namespace synod
