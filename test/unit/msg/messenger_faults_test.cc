// What the messenger does with peers that do not behave: only their own connection suffers.
#include "test/unit/msg/messenger_fixture.h"

namespace synod::test {
namespace {

using std::chrono::seconds;

class messenger_faults : public MessengerTest {
 protected:
  // Delivers `bytes` on a connection beside a healthy one; the first must be closed, the second must work.
  void expect_closed_alone(const Bytes& bytes) {
    const ConnectionId healthy = accept(monitor_hello("healthy"));
    const ConnectionId bad = accept(monitor_hello("bad"));
    take_events();
    const uint64_t counted = messenger.counters().bad_frames;
    net.deliver(bad, bytes);
    EXPECT_TRUE(net.closed.contains(bad));
    EXPECT_EQ(messenger.counters().bad_frames, counted + 1);
    EXPECT_EQ(take_events(), Lines{"gone"});
    deliver(healthy, Fetch{});
    EXPECT_EQ(take_events(), Lines{"fetch from healthy"});
  }
  static Bytes with_byte(Bytes bytes, size_t at, char byte) {
    bytes[at] = byte;
    return bytes;
  }
};

TEST_F(messenger_faults, a_frame_that_is_too_long_closes_only_its_connection) {
  expect_closed_alone(wire_bytes({}, Fetch{}).substr(0, 8) + Bytes(16, '\xff'));
}

TEST_F(messenger_faults, a_corrupt_frame_closes_only_its_connection) {
  const Bytes wire = wire_bytes({}, Begin{sample_entry(3, "value"), {}});
  expect_closed_alone(with_byte(wire, wire.size() - 1, '?'));
}

TEST_F(messenger_faults, an_unknown_type_closes_only_its_connection) {
  expect_closed_alone(with_byte(wire_bytes({}, Fetch{}), 7, '\x7f'));
}

TEST_F(messenger_faults, another_protocol_closes_only_its_connection) {
  expect_closed_alone("GET / HTTP/1.1\r\nHost: self:7000\r\n\r\n");
}

TEST_F(messenger_faults, a_second_hello_closes_only_its_connection) {
  expect_closed_alone(wire_bytes({}, monitor_hello()));
}

TEST_F(messenger_faults, a_frame_that_is_cut_disturbs_nobody) {
  const ConnectionId healthy = accept(monitor_hello("healthy"));
  const ConnectionId cut = accept(monitor_hello("cut"));
  const Bytes wire = wire_bytes({}, Fetch{});
  net.deliver(cut, ByteView(wire).substr(0, wire.size() - 1));
  net.lose(cut);
  deliver(healthy, Fetch{});
  EXPECT_EQ(take_events(), (Lines{"gone", "fetch from healthy"}));
}

TEST_F(messenger_faults, a_message_before_the_hello_closes_the_connection) {
  const ConnectionId id = net.accept();
  deliver(id, Fetch{});
  EXPECT_TRUE(net.closed.contains(id));
  EXPECT_EQ(messenger.counters().bad_frames, 1u);
  EXPECT_TRUE(take_events().empty());
}

TEST_F(messenger_faults, what_follows_a_bad_frame_is_not_delivered) {
  const ConnectionId id = accept(monitor_hello());
  net.deliver(id, with_byte(wire_bytes({}, Fetch{}), 20, '?') + wire_bytes({}, Commit{}));
  deliver(id, Commit{});
  EXPECT_EQ(take_events(), Lines{"gone"});
}

TEST_F(messenger_faults, a_link_on_which_something_bad_comes_is_dialed_again) {
  const ConnectionId id = link_up();
  take_events();
  net.deliver(id, Bytes(100, 'x'));
  EXPECT_EQ(take_events(), Lines{"down peer:7000 not a frame of Synod"});
  time.advance(seconds(1));
  EXPECT_EQ(net.dialed.size(), 2u);
}

TEST_F(messenger_faults, an_unfinished_hello_is_waited_for_five_seconds) {
  const ConnectionId silent = net.accept();
  const ConnectionId slow = net.accept();
  const Bytes hello = wire_bytes({}, monitor_hello());
  for (size_t i = 0; i < 5; ++i) {
    net.deliver(slow, ByteView(hello).substr(i, 1));
    EXPECT_FALSE(net.closed.contains(slow));
    time.advance(seconds(1));
  }
  EXPECT_TRUE(net.closed.contains(silent));
  EXPECT_TRUE(net.closed.contains(slow));
  EXPECT_EQ(messenger.counters().deadlines, 2u);
}

TEST_F(messenger_faults, an_unfinished_header_is_waited_for_five_seconds) {
  const ConnectionId id = accept(monitor_hello());
  time.advance(seconds(100));
  net.deliver(id, "SYND");
  time.advance(seconds(5) - Duration(1));
  EXPECT_FALSE(net.closed.contains(id));
  time.advance(Duration(1));
  EXPECT_TRUE(net.closed.contains(id));
  EXPECT_EQ(messenger.counters().deadlines, 1u);
  EXPECT_EQ(take_events(), Lines{"gone"});
}

TEST_F(messenger_faults, an_unfinished_frame_is_waited_for_thirty_seconds) {
  const ConnectionId id = accept(monitor_hello());
  const Bytes wire = wire_bytes({}, FormPrepare{Bytes(100, 'm')});
  net.deliver(id, ByteView(wire).substr(0, 4));
  for (size_t i = 0; i < 30; ++i) {
    EXPECT_FALSE(net.closed.contains(id)) << i;
    net.deliver(id, ByteView(wire).substr(4 + i * 3, 3));
    if (i == 0) net.deliver(id, ByteView(wire).substr(7, 20));  // the prefix is complete in time
    time.advance(seconds(1));
  }
  EXPECT_TRUE(net.closed.contains(id));
  EXPECT_EQ(messenger.counters().deadlines, 1u);
}

TEST_F(messenger_faults, the_time_of_a_frame_begins_with_its_own_first_byte) {
  const ConnectionId id = accept(monitor_hello());
  const Bytes wire = wire_bytes(sample_source(), Fetch{});
  net.deliver(id, wire.substr(0, 30));
  for (int i = 0; i < 10; ++i) {
    time.advance(seconds(20));
    net.deliver(id, wire.substr(30) + wire.substr(0, 30));
  }
  EXPECT_FALSE(net.closed.contains(id));
  EXPECT_EQ(take_events().size(), 10u);
}

TEST_F(messenger_faults, an_idle_connection_stays_open_and_costs_no_timer) {
  const ConnectionId id = accept(client_hello());
  time.advance(std::chrono::hours(24));
  EXPECT_FALSE(net.closed.contains(id));
  EXPECT_EQ(time.pending(), 0u);
}

TEST_F(messenger_faults, a_closed_connection_that_does_not_read_is_given_up) {
  const ConnectionId id = accept(client_hello());
  ASSERT_TRUE(messenger.reply(id, ClientReply{}));
  messenger.close(id);
  time.advance(seconds(30));
  EXPECT_TRUE(net.closed.contains(id));
  EXPECT_EQ(take_events(), Lines{"gone"});
}

TEST_F(messenger_faults, handlers_may_close_and_send_whatever_they_like) {
  const ConnectionId one = accept(monitor_hello("one"));
  const ConnectionId two = accept(monitor_hello("two"));
  const ConnectionId link = link_up();
  take_events();
  when_called = [&](ConnectionId) {
    messenger.close(one);
    messenger.close(two);
    messenger.close(link);
    messenger.remove_link("peer:7000");
    messenger.add_link("peer:7000");
    messenger.reply(one, Fetch{});
    messenger.send("peer:7000", Fetch{});
  };
  net.deliver(one, wire_bytes({}, Fetch{}) + wire_bytes({}, Commit{}));
  const Lines lines = take_events();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "fetch from one"), 1);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "commit from one"), 0);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "gone"), 2);
  EXPECT_TRUE(net.closed.contains(one));
  EXPECT_TRUE(net.closed.contains(two));
  EXPECT_TRUE(net.closed.contains(link));
}

TEST_F(messenger_faults, a_handler_may_close_the_link_that_just_came_up) {
  messenger.add_link("peer:7000");
  const ConnectionId id = net.last_dialed();
  when_called = [&](ConnectionId) { messenger.close(id); };
  greet(id);
  EXPECT_EQ(take_events(), (Lines{"up peer:7000 peer", "down peer:7000 closed by this side"}));
}

class messenger_limits : public MessengerTest {
 protected:
  static MessengerLimits small() {
    MessengerLimits limits;
    limits.max_frame_bytes = 3000;
    limits.max_queue_bytes = 10000;
    limits.max_clients = 3;
    limits.max_greeting = 2;
    limits.max_monitors = 2;
    return limits;
  }
  messenger_limits() : MessengerTest(small()) {}
  static Message kilobyte() { return FormPrepare{Bytes(1000, 'm')}; }
};

TEST_F(messenger_limits, a_full_queue_refuses_and_keeps_the_link) {
  const ConnectionId id = link_up();
  int accepted = 0;
  while (accepted < 100 && messenger.send("peer:7000", kilobyte())) ++accepted;
  EXPECT_EQ(accepted, 9);
  EXPECT_EQ(messenger.counters().queue_overflows, 1u);
  EXPECT_TRUE(messenger.is_up("peer:7000"));
  EXPECT_EQ(sent(id).size(), 9u);
  net.drain(id);
  EXPECT_TRUE(messenger.send("peer:7000", kilobyte()));
}

TEST_F(messenger_limits, a_full_queue_closes_a_client) {
  const ConnectionId id = accept(client_hello());
  while (messenger.reply(id, kilobyte())) {
  }
  EXPECT_TRUE(net.closed.contains(id));
  EXPECT_TRUE(take_events().empty());
  time.advance(Duration(0));
  EXPECT_EQ(take_events(), Lines{"gone"});
}

TEST_F(messenger_limits, a_full_queue_does_not_close_an_accepted_monitor) {
  const ConnectionId id = accept(monitor_hello());
  while (messenger.reply(id, kilobyte())) {
  }
  EXPECT_FALSE(net.closed.contains(id));
}

TEST_F(messenger_limits, reading_pauses_while_more_than_half_of_the_queue_is_full) {
  const ConnectionId id = accept(client_hello());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(messenger.reply(id, kilobyte()));
  EXPECT_FALSE(net.paused.contains(id));
  ASSERT_TRUE(messenger.reply(id, kilobyte()));
  EXPECT_TRUE(net.paused.contains(id));
  net.drain(id);
  EXPECT_FALSE(net.paused.contains(id));
}

TEST_F(messenger_limits, what_came_before_the_pause_is_delivered_after_it_in_order) {
  const ConnectionId id = accept(client_hello());
  // Every request costs three kilobytes of answer, so that two of them pause the connection.
  when_called = [&](ConnectionId connection) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(messenger.reply(connection, kilobyte()));
  };
  Bytes wire;
  for (int i = 0; i < 5; ++i) wire += wire_bytes({}, Fetch{});
  net.deliver(id, wire + wire_bytes({}, Commit{}).substr(0, 10));
  EXPECT_EQ(take_events().size(), 2u);
  EXPECT_TRUE(net.paused.contains(id));
  net.drain(id);
  EXPECT_EQ(take_events().size(), 2u);
  EXPECT_TRUE(net.paused.contains(id));
  net.drain(id);
  EXPECT_EQ(take_events().size(), 1u);
  EXPECT_FALSE(net.paused.contains(id));
  net.deliver(id, wire_bytes({}, Commit{}).substr(10));
  EXPECT_EQ(take_events(), Lines{"commit from "});
}

TEST_F(messenger_limits, no_deadline_runs_while_this_side_does_not_read) {
  const ConnectionId id = accept(client_hello());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(messenger.reply(id, kilobyte()));
  net.deliver(id, "SYND");
  time.advance(seconds(100));
  EXPECT_FALSE(net.closed.contains(id));
  net.drain(id);
  time.advance(seconds(5));
  EXPECT_TRUE(net.closed.contains(id));
}

TEST_F(messenger_limits, a_frame_begun_before_the_pause_gets_its_whole_time_after_it) {
  const ConnectionId id = accept(client_hello());
  net.deliver(id, "SYND");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(messenger.reply(id, kilobyte()));
  net.deliver(id, "more");
  time.advance(seconds(100));
  EXPECT_FALSE(net.closed.contains(id));
  net.drain(id);
  time.advance(seconds(5) - Duration(1));
  EXPECT_FALSE(net.closed.contains(id));
  time.advance(Duration(1));
  EXPECT_TRUE(net.closed.contains(id));
}

TEST_F(messenger_limits, a_frame_over_the_limit_is_not_sent) {
  const ConnectionId id = link_up();
  EXPECT_FALSE(messenger.send("peer:7000", FormPrepare{Bytes(4000, 'm')}));
  EXPECT_TRUE(sent(id).empty());
  EXPECT_TRUE(messenger.is_up("peer:7000"));
}

TEST_F(messenger_limits, a_client_over_the_cap_hears_why_and_is_closed) {
  std::vector<ConnectionId> open;
  for (int i = 0; i < 3; ++i) open.push_back(accept(client_hello()));
  const ConnectionId refused = net.accept();
  deliver(refused, client_hello());
  const std::vector<Received> answers = net.take_sent(refused);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(std::get<Goodbye>(answers[0].message).reason,
            Status(Code::unavailable, "this monitor serves 3 clients already, which is its limit"));
  net.drain(refused);
  EXPECT_TRUE(net.closed.contains(refused));
  EXPECT_EQ(messenger.counters().refused_connections, 1u);
  net.lose(open[0]);
  EXPECT_FALSE(net.closed.contains(accept(client_hello())));
}

TEST_F(messenger_limits, no_number_of_clients_keeps_a_monitor_out) {
  for (int i = 0; i < 10; ++i) accept(client_hello());
  const ConnectionId monitor = accept(monitor_hello());
  EXPECT_FALSE(net.closed.contains(monitor));
  EXPECT_TRUE(messenger.reply(monitor, kilobyte()));
  link_up();  // links do not count
}

TEST_F(messenger_limits, of_those_that_do_not_say_hello_the_oldest_makes_room) {
  const ConnectionId first = net.accept(), second = net.accept(), third = net.accept();
  EXPECT_TRUE(net.closed.contains(first));
  deliver(second, monitor_hello());
  const ConnectionId fourth = net.accept();
  for (const ConnectionId id : {second, third, fourth}) EXPECT_FALSE(net.closed.contains(id));
  EXPECT_TRUE(take_events().empty()) << "nobody has heard of the first";
}

TEST_F(messenger_limits, of_the_connections_of_monitors_the_oldest_makes_room) {
  const ConnectionId first = accept(monitor_hello()), second = accept(monitor_hello());
  const ConnectionId third = accept(monitor_hello());
  EXPECT_TRUE(net.closed.contains(first));
  for (const ConnectionId id : {second, third}) EXPECT_FALSE(net.closed.contains(id));
  EXPECT_EQ(take_events(), Lines{"gone"});
}

}  // namespace
}  // namespace synod::test
