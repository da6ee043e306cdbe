// A write is sent as often as it takes, and always as the same request of the same session.
#include <gtest/gtest.h>

#include "client/client.h"
#include "test/unit/client/client_world.h"

namespace synod {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Script = FakeMonitor::Script;

constexpr Duration patient = seconds(20);
constexpr Duration impatient = milliseconds(400);

FakeMonitor::Answer ok_write(const ClientRequest&) { return ClientReply{0, Status::ok(), WriteReply{7, {}}}; }
FakeMonitor::Answer silence(const ClientRequest&) { return FakeMonitor::Silence{}; }
FakeMonitor::Answer hangup(const ClientRequest&) { return FakeMonitor::Hangup{}; }
Script fails_with(Code code) {
  return [=](const ClientRequest&) { return ClientReply{0, Status(code, "because"), {}}; };
}
// The first request is answered by one script, the others by another.
Script once(Script first, Script then) {
  return [first = std::move(first), then = std::move(then), count = 0](const ClientRequest& request) mutable {
    return count++ == 0 ? first(request) : then(request);
  };
}

using ClientSessionTest = ClientWorldTest;

WriteRequest a_write() { return {{{WriteOp::Type::put, "key", SharedBytes(Bytes("value"))}}}; }
RequestTag tag_of(const ClientRequest& request) {
  const auto& tag = std::get<WriteRequest>(request.body).tag;
  EXPECT_TRUE(tag.has_value());
  return tag.value_or(RequestTag{});
}
void expect_same(const ClientRequest& a, const ClientRequest& b) {
  EXPECT_EQ(tag_of(a).session, tag_of(b).session);
  EXPECT_EQ(tag_of(a).sequence, tag_of(b).sequence);
  EXPECT_NE(a.id, b.id) << "a late answer to the one is not an answer to the other";
}

TEST_F(ClientSessionTest, the_first_write_opens_a_session_and_reads_open_none) {
  VirtualMonitor monitor(world_, [](const ClientRequest& request) -> FakeMonitor::Answer {
    if (std::holds_alternative<RangeRequest>(request.body)) return ClientReply{0, Status::ok(), RangeReply{}};
    return ok_write(request);
  });
  Client client = client_of({monitor.address()});
  ASSERT_TRUE(client.range({}).has_value());
  EXPECT_EQ(monitor.opens(), 0U);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_EQ(monitor.opens(), 1U);
  const std::vector<ClientRequest> requests = monitor.requests();
  for (uint64_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(tag_of(requests.at(i)).session, tag_of(requests[1]).session);
    EXPECT_EQ(tag_of(requests[i]).sequence, i);
    EXPECT_EQ(tag_of(requests[i]).lowest_unanswered, i);
  }
}

TEST_F(ClientSessionTest, two_clients_are_two_sessions) {
  VirtualMonitor monitor(world_, ok_write);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(client_of({monitor.address()}).write(a_write()).has_value());
  EXPECT_NE(tag_of(monitor.requests().at(0)).session.client, tag_of(monitor.requests().at(1)).session.client);
}

TEST_F(ClientSessionTest, a_write_on_a_lost_connection_is_sent_to_the_next_as_the_same_request) {
  VirtualMonitor broken(world_, hangup);
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({broken.address(), monitor.address()});
  ASSERT_TRUE(client.write(a_write()).has_value());
  expect_same(broken.requests().at(0), monitor.requests().at(0));
}

TEST_F(ClientSessionTest, an_unanswered_write_is_sent_to_the_next_after_a_quarter_of_the_timeout) {
  VirtualMonitor stuck(world_, silence);
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({stuck.address(), monitor.address()}, milliseconds(1600));
  ASSERT_TRUE(client.write(a_write()).has_value());
  const Duration taken = elapsed();
  EXPECT_GE(taken, milliseconds(400));
  EXPECT_LT(taken, milliseconds(400) + on_the_way);
  expect_same(stuck.requests().at(0), monitor.requests().at(0));
}

TEST_F(ClientSessionTest, an_outcome_that_one_monitor_does_not_know_is_asked_of_the_next) {
  VirtualMonitor unsure(world_, fails_with(Code::unknown_outcome));
  VirtualMonitor monitor(world_, ok_write);
  Client client = client_of({unsure.address(), monitor.address()});
  ASSERT_TRUE(client.write(a_write()).has_value());
  expect_same(unsure.requests().at(0), monitor.requests().at(0));
}

TEST_F(ClientSessionTest, what_nobody_answers_in_time_is_of_unknown_outcome) {
  for (const Script& script : {Script(silence), Script(hangup), fails_with(Code::unknown_outcome)}) {
    VirtualMonitor monitor(world_, script);
    Client client = client_of({monitor.address()}, impatient);
    EXPECT_EQ(client.write(a_write()).error().code(), Code::unknown_outcome);
    EXPECT_GT(monitor.requests().size(), 1U);
  }
}

TEST_F(ClientSessionTest, after_an_uncertain_attempt_no_refusal_makes_it_certain) {
  for (const Code code : {Code::unavailable, Code::refused, Code::invalid_argument, Code::exhausted}) {
    VirtualMonitor monitor(world_, once(hangup, fails_with(code)));
    Client client = client_of({monitor.address()}, code == Code::unavailable ? seconds(1) : patient);
    EXPECT_EQ(client.write(a_write()).error(),
              Status(Code::unknown_outcome, code == Code::unavailable ? monitor.address() + ": because" : "because"));
  }
}

TEST_F(ClientSessionTest, a_write_that_was_given_up_is_told_to_be_over_by_the_next) {
  VirtualMonitor monitor(world_, once(silence, ok_write));
  Client client = client_of({monitor.address()}, milliseconds(40));
  const Result<WriteReply> first = client.write(a_write());
  client.set_timeout(patient);
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_EQ(tag_of(monitor.requests().back()).sequence, 2U);
  EXPECT_EQ(tag_of(monitor.requests().back()).lowest_unanswered, 2U);
}

// ---------------------------------------------------------------------------------------------- sessions that are gone

TEST_F(ClientSessionTest, a_session_that_has_expired_is_replaced_and_the_write_is_done_in_the_new_one) {
  VirtualMonitor monitor(world_, once(fails_with(Code::unknown_session), ok_write));
  Client client = client_of({monitor.address()});
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_EQ(monitor.opens(), 2U);
  EXPECT_EQ(tag_of(monitor.requests().at(0)).session.number, 1U);
  EXPECT_EQ(tag_of(monitor.requests().at(1)).session.number, 2U);
}

TEST_F(ClientSessionTest, a_session_that_expired_after_an_uncertain_attempt_leaves_the_outcome_unknown) {
  VirtualMonitor monitor(world_, once(hangup, once(fails_with(Code::unknown_session), ok_write)));
  Client client = client_of({monitor.address()});
  EXPECT_EQ(client.write(a_write()).error().code(), Code::unknown_outcome);
  EXPECT_EQ(monitor.requests().size(), 2U) << "it was not sent in a new session, where it could be done again";
  ASSERT_TRUE(client.write(a_write()).has_value());
  EXPECT_EQ(monitor.opens(), 2U);
}

TEST_F(ClientSessionTest, a_cluster_that_forgets_every_session_at_once_did_nothing) {
  VirtualMonitor monitor(world_, fails_with(Code::unknown_session));
  Client client = client_of({monitor.address()}, impatient);
  EXPECT_EQ(client.write(a_write()).error().code(), Code::unavailable);
}

// ---------------------------------------------------------------------------------------------- opening

TEST_F(ClientSessionTest, an_opening_of_unknown_outcome_is_tried_again_and_nothing_is_unknown_of_the_write) {
  for (const Script& first : {Script(hangup), fails_with(Code::unknown_outcome), fails_with(Code::unavailable)}) {
    VirtualMonitor monitor(world_, once(first, [](const ClientRequest& request) -> FakeMonitor::Answer {
                             const auto* open = std::get_if<OpenSessionRequest>(&request.body);
                             if (open == nullptr) return ok_write(request);
                             return ClientReply{0, Status::ok(), OpenSessionReply{{open->client, 5}}};
                           }));
    monitor.script_opens();
    Client client = client_of({monitor.address()});
    ASSERT_TRUE(client.write(a_write()).has_value());
    const std::vector<ClientRequest> requests = monitor.requests();
    EXPECT_EQ(std::get<OpenSessionRequest>(requests.at(0).body).client,
              std::get<OpenSessionRequest>(requests.at(1).body).client);
  }
  VirtualMonitor never(world_, hangup);
  never.script_opens();
  EXPECT_EQ(client_of({never.address()}, impatient).write(a_write()).error().code(), Code::unavailable);
}

TEST_F(ClientSessionTest, a_session_of_somebody_else_is_not_taken) {
  for (const SessionId& wrong : {SessionId{1, 1}, SessionId{}}) {
    VirtualMonitor monitor(world_, [wrong](const ClientRequest&) {
      return ClientReply{0, Status::ok(), OpenSessionReply{wrong}};
    });
    monitor.script_opens();
    EXPECT_EQ(client_of({monitor.address()}).write(a_write()).error().code(), Code::corruption);
    EXPECT_EQ(monitor.requests().size(), 1U);
  }
}

}  // namespace
}  // namespace synod
