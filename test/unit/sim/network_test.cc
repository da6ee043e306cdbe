// What the simulated network does to bytes: it is hostile, but a connection delivers in order or breaks.
#include "test/sim/network.h"

#include <gtest/gtest.h>

namespace synod::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Host : TransportHandler {
  Host(Network& network, const std::string& name, ProcessGate* gate = nullptr) : transport(network, name, gate) {
    transport.set_handler(this);
    EXPECT_TRUE(transport.listen(name).is_ok());
  }
  void on_accepted(ConnectionId connection) override { accepted = connection; }
  void on_connected(ConnectionId connection) override { connected = connection; }
  void on_bytes(ConnectionId, ByteView bytes) override {
    received += bytes;
    ++pieces;
  }
  void on_drained(ConnectionId) override { ++drained; }
  void on_closed(ConnectionId, const Status& reason) override { closed = reason.message(); }
  void send(ConnectionId connection, const Bytes& bytes) { transport.send(connection, {SharedBytes(bytes)}); }

  HostTransport transport;
  ConnectionId accepted = 0;
  ConnectionId connected = 0;
  Bytes received;
  int pieces = 0;
  int drained = 0;
  std::string closed;
};

struct Pair {
  explicit Pair(uint64_t seed = 1) : network(scheduler, seed), a(network, "a"), b(network, "b", &gate) {
    NetworkOptions options;
    options.stall_max = seconds(2);
    network.set_options(options);
    id = a.transport.connect("b");
    run(seconds(1));
    EXPECT_EQ(a.connected, id);
  }
  void run(Duration duration) { scheduler.run_until(scheduler.now() + duration); }

  Scheduler scheduler;
  Network network;
  ProcessGate gate;
  Host a;
  Host b;
  ConnectionId id = 0;
};

TEST(NetworkTest, bytes_arrive_in_order_whatever_pieces_they_are_cut_into) {
  Pair pair;
  Bytes sent;
  for (int i = 0; i < 200; ++i) {
    const Bytes message = "message " + std::to_string(i) + ";";
    pair.a.send(pair.id, message);
    sent += message;
  }
  pair.run(seconds(5));
  EXPECT_EQ(pair.b.received, sent);
  EXPECT_GT(pair.b.pieces, 200);
}

TEST(NetworkTest, a_cut_is_one_way_and_what_was_sent_arrives_when_it_is_healed) {
  Pair pair;
  pair.network.cut("a", "b");
  pair.a.send(pair.id, "from a");
  pair.b.send(pair.b.accepted, "from b");
  pair.run(seconds(1));
  EXPECT_EQ(pair.b.received, "");
  EXPECT_EQ(pair.a.received, "from b");
  pair.network.heal("a", "b");
  pair.run(seconds(1));
  EXPECT_EQ(pair.b.received, "from a");
  EXPECT_EQ(pair.a.closed, "");
}

TEST(NetworkTest, a_connection_over_a_link_that_stays_cut_breaks_at_both_ends) {
  Pair pair;
  pair.network.cut("a", "b");
  pair.a.send(pair.id, "lost");
  pair.run(seconds(5));
  EXPECT_EQ(pair.a.closed, "timed out");
  EXPECT_EQ(pair.b.closed, "timed out");
  EXPECT_EQ(pair.b.received, "");
}

TEST(NetworkTest, what_is_clogged_comes_later_and_a_paused_process_takes_nothing_in) {
  Pair pair;
  pair.network.clog("a", "b", milliseconds(500));
  pair.a.send(pair.id, "x");
  pair.run(milliseconds(400));
  EXPECT_EQ(pair.b.received, "");
  pair.run(milliseconds(400));
  EXPECT_EQ(pair.b.received, "x");
  pair.gate.pause();
  pair.a.send(pair.id, "y");
  pair.run(seconds(3));
  EXPECT_EQ(pair.b.received, "x");
  pair.gate.resume();
  EXPECT_EQ(pair.b.received, "xy");
}

TEST(NetworkTest, a_half_open_connection_is_noticed_by_who_sends_on_it) {
  Pair pair;
  pair.network.half_open("b", "a");
  pair.run(seconds(10));
  EXPECT_EQ(pair.b.closed, "connection reset");
  EXPECT_EQ(pair.a.closed, "");
  pair.a.send(pair.id, "anybody there?");
  pair.run(seconds(1));
  EXPECT_EQ(pair.a.closed, "connection reset");
}

TEST(NetworkTest, a_replay_brings_frames_again_over_a_new_connection) {
  Pair pair;
  pair.a.send(pair.id, "hello;");
  pair.a.send(pair.id, "frame;");
  pair.run(seconds(1));
  const ConnectionId first = pair.b.accepted;
  ASSERT_GT(pair.network.replay("a", "b"), 0U);
  pair.run(seconds(1));
  EXPECT_NE(pair.b.accepted, first);
  EXPECT_EQ(pair.b.received.substr(0, 24), "hello;frame;hello;frame;");
}

TEST(NetworkTest, a_sender_that_is_faster_than_the_link_is_told_when_it_may_go_on) {
  Pair pair;
  pair.network.clog("a", "b", seconds(1));
  pair.run(milliseconds(1));
  const int before = pair.a.drained;
  pair.a.send(pair.id, Bytes(1 << 20, 'x'));
  pair.run(milliseconds(500));
  EXPECT_EQ(pair.a.drained, before);
  pair.run(seconds(5));
  EXPECT_GT(pair.a.drained, before);
  EXPECT_EQ(pair.b.received.size(), size_t{1} << 20);
  EXPECT_GE(pair.network.most_under_way(), size_t{1} << 20);
}

TEST(ProcessClockTest, a_drifting_clock_calls_when_it_shows_the_time_and_not_before) {
  Scheduler scheduler;
  MachineClock machine(scheduler);
  ProcessGate gate;
  ProcessClock clock(scheduler, machine, gate);
  for (const int64_t ppm : {-24'900, 0, 24'900, 500'000}) {
    machine.set_drift(ppm);
    const TimePoint asked = scheduler.now();
    const TimePoint wanted = clock.now() + seconds(100);
    TimePoint called{};
    clock.call_at(wanted, [&] { called = clock.now(); });
    scheduler.run_until(scheduler.now() + seconds(200));
    EXPECT_GE(called, wanted);
    EXPECT_LE(called - wanted, std::chrono::microseconds(1));
    const double rate = std::chrono::duration<double>(machine.now() - wanted + seconds(100)) /
                        std::chrono::duration<double>(scheduler.now() - asked);
    EXPECT_NEAR(rate, 1.0 + static_cast<double>(ppm) / 1e6, 1e-6);
  }
}

TEST(ProcessClockTest, the_timers_of_a_pause_fire_late_and_all_at_once) {
  Scheduler scheduler;
  MachineClock machine(scheduler);
  ProcessGate gate;
  ProcessClock clock(scheduler, machine, gate);
  int fired = 0;
  for (int i = 1; i <= 3; ++i) clock.call_at(clock.now() + seconds(i), [&] { ++fired; });
  const TimerId cancelled = clock.call_at(clock.now() + seconds(2), [&] { fired += 100; });
  gate.pause();
  scheduler.run_until(scheduler.now() + seconds(10));
  EXPECT_EQ(fired, 0);
  clock.cancel(cancelled);
  gate.resume();
  EXPECT_EQ(fired, 3);
}

}  // namespace
}  // namespace synod::sim
