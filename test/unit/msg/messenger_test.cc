// What the messenger does with peers that behave.
#include "test/unit/msg/messenger_fixture.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using messenger_peers = MessengerTest;

TEST_F(messenger_peers, the_dialer_says_hello_first_and_is_up_after_the_answer) {
  messenger.add_link("peer:7000");
  ASSERT_EQ(net.dialed.size(), 1u);
  const ConnectionId id = net.last_dialed();
  EXPECT_TRUE(sent(id).empty());
  net.connected(id);
  const std::vector<Received> hellos = net.take_sent(id);
  ASSERT_EQ(hellos.size(), 1u);
  EXPECT_EQ(hellos[0].source, self.source);
  EXPECT_EQ(std::get<Hello>(hellos[0].message).name, "self");
  EXPECT_FALSE(messenger.is_up("peer:7000"));
  EXPECT_FALSE(messenger.send("peer:7000", Fetch{}));
  deliver(id, monitor_hello());
  EXPECT_TRUE(messenger.is_up("peer:7000"));
  EXPECT_TRUE(messenger.link_status("peer:7000").is_ok());
  EXPECT_EQ(take_events(), Lines{"up peer:7000 peer"});
  EXPECT_TRUE(messenger.send("peer:7000", Fetch{}));
  EXPECT_EQ(sent(id), Lines{"fetch"});
}

TEST_F(messenger_peers, the_acceptor_answers_the_hello_and_delivers_what_follows) {
  const ConnectionId id = net.accept();
  EXPECT_TRUE(sent(id).empty());
  EXPECT_FALSE(messenger.reply(id, Fetch{}));
  deliver(id, monitor_hello());
  EXPECT_EQ(sent(id), Lines{"hello"});
  deliver(id, Fetch{});
  EXPECT_EQ(take_events(), Lines{"fetch from peer"});
  EXPECT_TRUE(messenger.reply(id, Entries{}));
  EXPECT_EQ(sent(id), Lines{"entries"});
}

TEST_F(messenger_peers, every_message_carries_the_source_of_its_moment) {
  const ConnectionId id = link_up();
  self.source = {};
  self.source.start_count = 99;
  ASSERT_TRUE(messenger.send("peer:7000", Fetch{}));
  EXPECT_EQ(net.take_sent(id).at(0).source.start_count, 99u);
}

TEST_F(messenger_peers, frames_that_come_byte_by_byte_are_put_together) {
  const ConnectionId id = net.accept();
  for (const Message& message : {monitor_hello(), Message(Begin{sample_entry(3, "value"), {}}), Message(Fetch{})}) {
    for (const char byte : wire_bytes({}, message)) net.deliver(id, ByteView(&byte, 1));
  }
  EXPECT_EQ(take_events(), (Lines{"begin from peer", "fetch from peer"}));
}

TEST_F(messenger_peers, frames_that_come_in_one_piece_are_taken_apart) {
  const ConnectionId id = net.accept();
  net.deliver(id, wire_bytes({}, monitor_hello()) + wire_bytes({}, Fetch{}) + wire_bytes({}, Commit{}));
  EXPECT_EQ(take_events(), (Lines{"fetch from peer", "commit from peer"}));
  EXPECT_EQ(messenger.counters().messages_in, 3u);
}

TEST_F(messenger_peers, a_link_is_dialed_again_with_a_growing_back_off) {
  messenger.add_link("peer:7000");
  Duration backoff = milliseconds(50);
  for (int attempt = 0; attempt < 8; ++attempt) {
    const size_t dialed = net.dialed.size();
    net.lose(net.last_dialed(), "connection refused");
    EXPECT_EQ(messenger.link_status("peer:7000"), Status(Code::unavailable, "connection refused"));
    time.advance(backoff / 2 - milliseconds(1));
    EXPECT_EQ(net.dialed.size(), dialed) << attempt;
    time.advance(backoff / 2 + milliseconds(1));
    EXPECT_EQ(net.dialed.size(), dialed + 1) << attempt;
    backoff = std::min<Duration>(2 * backoff, seconds(1));
  }
  EXPECT_TRUE(take_events().empty());  // it never was up
}

TEST_F(messenger_peers, the_back_off_starts_again_after_a_link_was_up) {
  messenger.add_link("peer:7000");
  for (int attempt = 0; attempt < 6; ++attempt) {
    net.lose(net.last_dialed());
    time.advance(seconds(1));
  }
  greet(net.last_dialed());
  net.lose(net.last_dialed(), "gone");
  EXPECT_EQ(take_events(), (Lines{"up peer:7000 peer", "down peer:7000 gone"}));
  const size_t dialed = net.dialed.size();
  time.advance(milliseconds(50));
  EXPECT_EQ(net.dialed.size(), dialed + 1);
}

TEST_F(messenger_peers, links_do_not_dial_in_step) {
  for (int i = 0; i < 20; ++i) messenger.add_link("peer:" + std::to_string(1 + i));
  const auto first = net.dialed;
  for (const auto& [address, id] : first) net.lose(id);
  time.advance(milliseconds(37));
  EXPECT_GT(net.dialed.size(), first.size());
  EXPECT_LT(net.dialed.size(), 2 * first.size());
}

TEST_F(messenger_peers, a_dial_without_answer_is_given_up_and_tried_again) {
  messenger.add_link("peer:7000");
  const ConnectionId id = net.last_dialed();
  time.advance(seconds(5));
  EXPECT_TRUE(net.closed.contains(id));
  EXPECT_EQ(messenger.counters().deadlines, 0u);
  time.advance(seconds(1));
  EXPECT_NE(net.last_dialed(), id);
}

TEST_F(messenger_peers, a_goodbye_brings_the_link_down_with_its_reason) {
  const ConnectionId id = link_up();
  take_events();
  deliver(id, Goodbye{Status(Code::refused, "superseded")});
  EXPECT_EQ(take_events(), (Lines{"goodbye from peer", "down peer:7000 superseded"}));
  EXPECT_EQ(messenger.link_status("peer:7000"), Status(Code::refused, "superseded"));
  EXPECT_TRUE(net.closed.contains(id));
  time.advance(milliseconds(100));
  EXPECT_NE(net.last_dialed(), id);
}

TEST_F(messenger_peers, goodbyes_make_the_back_off_grow) {
  link_up();
  for (int i = 0; i < 6; ++i) {
    deliver(net.last_dialed(), Goodbye{Status(Code::refused, "no")});
    time.advance(seconds(1));
    greet(net.last_dialed());
  }
  deliver(net.last_dialed(), Goodbye{Status(Code::refused, "no")});
  const size_t dialed = net.dialed.size();
  time.advance(milliseconds(499));
  EXPECT_EQ(net.dialed.size(), dialed);
}

TEST_F(messenger_peers, a_goodbye_instead_of_a_hello_gives_its_reason) {
  messenger.add_link("peer:7000");
  net.connected(net.last_dialed());
  deliver(net.last_dialed(), Goodbye{Status(Code::refused, "wrong version")});
  EXPECT_EQ(messenger.link_status("peer:7000").message(), "wrong version");
  EXPECT_EQ(messenger.counters().bad_frames, 0u);
}

TEST_F(messenger_peers, another_protocol_version_is_told_goodbye) {
  const ConnectionId id = net.accept();
  deliver(id, Hello{protocol_version + 1, PeerKind::client, "", ""});
  const std::vector<Received> answer = net.take_sent(id);
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(std::get<Goodbye>(answer[0].message).reason.message(),
            "the client speaks version 2 of the protocol, monitor self version 1: update the older one");
  EXPECT_FALSE(net.closed.contains(id));
  net.drain(id);
  EXPECT_TRUE(net.closed.contains(id));
  EXPECT_TRUE(take_events().empty());
}

TEST_F(messenger_peers, a_removed_link_is_neither_up_nor_dialed) {
  const ConnectionId id = link_up();
  take_events();
  ASSERT_TRUE(messenger.send("peer:7000", Fetch{}));
  messenger.remove_link("peer:7000");
  EXPECT_FALSE(messenger.is_up("peer:7000"));
  EXPECT_FALSE(net.closed.contains(id));  // what is queued still leaves
  net.drain(id);
  EXPECT_TRUE(net.closed.contains(id));
  time.advance(seconds(10));
  EXPECT_EQ(net.dialed.size(), 1u);
  EXPECT_TRUE(take_events().empty());
}

TEST_F(messenger_peers, a_link_removed_while_it_waits_is_not_dialed) {
  messenger.add_link("peer:7000");
  net.lose(net.last_dialed());
  messenger.remove_link("peer:7000");
  time.advance(seconds(10));
  EXPECT_EQ(net.dialed.size(), 1u);
  messenger.add_link("peer:7000");
  EXPECT_EQ(net.dialed.size(), 2u);
}

TEST_F(messenger_peers, adding_a_link_twice_dials_once) {
  messenger.add_link("peer:7000");
  messenger.add_link("peer:7000");
  EXPECT_EQ(net.dialed.size(), 1u);
}

TEST_F(messenger_peers, a_closed_connection_still_sends_what_is_queued) {
  const ConnectionId id = accept(client_hello());
  ASSERT_TRUE(messenger.reply(id, ClientReply{}));
  messenger.close(id);
  EXPECT_FALSE(messenger.reply(id, ClientReply{}));
  EXPECT_FALSE(net.closed.contains(id));
  EXPECT_TRUE(take_events().empty());  // nothing from within the call
  net.drain(id);
  EXPECT_TRUE(net.closed.contains(id));
  EXPECT_EQ(take_events(), Lines{"gone"});
}

TEST_F(messenger_peers, closing_an_idle_connection_is_reported_in_a_turn_of_its_own) {
  const ConnectionId id = accept(client_hello());
  messenger.close(id);
  EXPECT_TRUE(net.closed.contains(id));
  EXPECT_TRUE(take_events().empty());
  time.advance(Duration(0));
  EXPECT_EQ(take_events(), Lines{"gone"});
}

TEST_F(messenger_peers, a_lost_connection_is_reported_once) {
  const ConnectionId id = accept(client_hello());
  net.lose(id);
  EXPECT_EQ(take_events(), Lines{"gone"});
  EXPECT_FALSE(messenger.reply(id, ClientReply{}));
}

TEST_F(messenger_peers, a_connection_lost_before_its_hello_is_not_reported) {
  net.lose(net.accept());
  EXPECT_TRUE(take_events().empty());
}

TEST_F(messenger_peers, traffic_is_counted) {
  const ConnectionId id = accept(monitor_hello());
  const Bytes fetch = wire_bytes(sample_source(), Fetch{});
  const MessengerCounters before = messenger.counters();
  net.deliver(id, fetch);
  ASSERT_TRUE(messenger.reply(id, Fetch{}));
  EXPECT_EQ(messenger.counters().messages_in, before.messages_in + 1);
  EXPECT_EQ(messenger.counters().messages_out, before.messages_out + 1);
  EXPECT_EQ(messenger.counters().bytes_in, before.bytes_in + fetch.size());
  EXPECT_EQ(messenger.counters().bytes_out, before.bytes_out + fetch.size());
  EXPECT_EQ(messenger.counters().accepted, 1u);
}

TEST_F(messenger_peers, listening_is_passed_on) {
  EXPECT_TRUE(messenger.listen("self:7000").is_ok());
  EXPECT_EQ(net.listening, Lines{"self:7000"});
}

}  // namespace
}  // namespace synod::test
