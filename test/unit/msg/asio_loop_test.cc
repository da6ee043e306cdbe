// The real loop over loopback. Nothing sleeps: a test runs the loop until what it waits for has happened.
#include "msg/asio_loop.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "base/log.h"
#include "msg/messenger.h"
#include "test/unit/msg/fake_transport.h"
#include "test/unit/msg/free_address.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct Recorder : TransportHandler {
  explicit Recorder(AsioLoop& own_loop) : loop(own_loop) { loop.set_handler(this); }
  void on_accepted(ConnectionId id) override { accepted.push_back(id); }
  void on_connected(ConnectionId id) override { connected.push_back(id); }
  void on_bytes(ConnectionId id, ByteView bytes) override {
    received[id] += bytes;
    if (when_bytes) when_bytes(id);
  }
  void on_drained(ConnectionId id) override { drained.push_back(id); }
  void on_closed(ConnectionId id, const Status& reason) override { closed.emplace(id, reason); }

  // Runs the loop until the condition holds, or until it never will.
  bool run_until(const std::function<bool()>& is_true) {
    const TimePoint end = loop.now() + minutes(5);
    while (!is_true() && loop.now() < end) loop.run_until(loop.now() + milliseconds(5));
    return is_true();
  }
  // The dialing end of a new connection; its other end is accepted.back().
  ConnectionId connect_pair(const std::string& address) {
    const size_t before = accepted.size();
    const ConnectionId id = loop.connect(address);
    EXPECT_TRUE(run_until([&] { return accepted.size() > before && !connected.empty() && connected.back() == id; }));
    return id;
  }

  AsioLoop& loop;
  std::vector<ConnectionId> accepted, connected, drained;
  std::map<ConnectionId, Bytes> received;
  std::map<ConnectionId, Status> closed;
  std::function<void(ConnectionId)> when_bytes;
};

struct asio_loop : ::testing::Test {
  asio_loop() { set_log_level(LogLevel::off); }
  AsioLoop loop;
  Recorder recorder{loop};
  std::string address = free_address();
};

TEST_F(asio_loop, twenty_mebibytes_arrive_whole_and_in_order) {
  ASSERT_TRUE(loop.listen(address).is_ok());
  const ConnectionId dialed = recorder.connect_pair(address);
  Bytes payload(20 << 20, '\0');
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>((i * 2654435761u) >> 13);
  const SharedBytes shared(payload);
  std::vector<SharedBytes> parts;
  for (size_t offset = 0; offset < shared.size();) {
    const size_t size = std::min<size_t>(1 + offset / 7, shared.size() - offset);
    parts.push_back(shared.slice(offset, size));
    parts.emplace_back();  // empty parts are nothing special
    offset += size;
  }
  loop.send(dialed, std::move(parts));
  EXPECT_TRUE(recorder.drained.empty());  // not from within send()
  const ConnectionId accepted = recorder.accepted.back();
  ASSERT_TRUE(recorder.run_until([&] { return recorder.received[accepted].size() >= payload.size(); }));
  EXPECT_TRUE(recorder.received[accepted] == payload);
  EXPECT_EQ(recorder.drained, std::vector<ConnectionId>{dialed});
}

TEST_F(asio_loop, what_is_sent_before_the_connection_stands_leaves_when_it_does) {
  ASSERT_TRUE(loop.listen(address).is_ok());
  const ConnectionId id = loop.connect(address);
  loop.send(id, {SharedBytes(Bytes("early"))});
  ASSERT_TRUE(recorder.run_until([&] { return !recorder.received.empty(); }));
  EXPECT_EQ(recorder.received.begin()->second, "early");
}

TEST_F(asio_loop, the_other_end_hears_of_a_close_and_this_end_hears_nothing) {
  ASSERT_TRUE(loop.listen(address).is_ok());
  const ConnectionId dialed = recorder.connect_pair(address);
  loop.send(recorder.accepted.back(), {SharedBytes(Bytes("late"))});
  loop.close(dialed);
  ASSERT_TRUE(recorder.run_until([&] { return recorder.closed.contains(recorder.accepted.back()); }));
  EXPECT_FALSE(recorder.closed.contains(dialed));
  EXPECT_TRUE(recorder.received.empty());
  loop.send(dialed, {SharedBytes(Bytes("ignored"))});
  loop.close(dialed);
}

TEST_F(asio_loop, a_refused_connection_is_closed_with_address_and_reason) {
  const ConnectionId id = loop.connect(address);
  ASSERT_TRUE(recorder.run_until([&] { return recorder.closed.contains(id); }));
  EXPECT_EQ(recorder.closed.at(id), Status(Code::unavailable, "cannot connect to " + address + ": Connection refused"));
}

TEST_F(asio_loop, an_address_that_is_none_is_reported_in_a_later_turn) {
  const ConnectionId id = loop.connect("nowhere");
  EXPECT_TRUE(recorder.closed.empty());
  ASSERT_TRUE(recorder.run_until([&] { return recorder.closed.contains(id); }));
  EXPECT_EQ(recorder.closed.at(id).code(), Code::invalid_argument);
}

TEST_F(asio_loop, a_host_name_is_resolved) {
  ASSERT_TRUE(loop.listen(address).is_ok());
  recorder.connect_pair("localhost" + address.substr(address.find(':')));
}

TEST_F(asio_loop, a_port_in_use_is_refused_with_address_and_reason) {
  ASSERT_TRUE(loop.listen(address).is_ok());
  const Status status = loop.listen(address);
  EXPECT_EQ(status, Status(Code::in_use, "cannot listen on " + address + ": Address already in use"));
  EXPECT_EQ(loop.listen("127.0.0.1").code(), Code::invalid_argument);
  EXPECT_EQ(loop.listen("192.0.2.1:7000").message(),
            "cannot listen on 192.0.2.1:7000: Cannot assign requested address");
}

TEST_F(asio_loop, a_port_can_be_listened_on_again_at_once) {
  for (int i = 0; i < 3; ++i) {
    AsioLoop server;
    Recorder server_recorder(server);
    ASSERT_TRUE(server.listen(address).is_ok()) << i;
    const ConnectionId id = loop.connect(address);
    ASSERT_TRUE(recorder.run_until([&] { return !recorder.connected.empty() && recorder.connected.back() == id; }));
    ASSERT_TRUE(server_recorder.run_until([&] { return !server_recorder.accepted.empty(); }));
    server.close(server_recorder.accepted.back());  // this end closes first, so its port goes to TIME_WAIT
    ASSERT_TRUE(recorder.run_until([&] { return recorder.closed.contains(id); }));
  }
}

TEST_F(asio_loop, a_write_to_a_connection_that_is_gone_closes_it_and_does_not_kill_the_process) {
  ASSERT_TRUE(loop.listen(address).is_ok());
  const ConnectionId dialed = recorder.connect_pair(address);
  const ConnectionId accepted = recorder.accepted.back();
  loop.pause_reading(accepted, true);  // so that only writing can tell
  loop.close(dialed);
  ASSERT_TRUE(recorder.run_until([&] {
    loop.send(accepted, {SharedBytes(Bytes(100000, 'x'))});
    return recorder.closed.contains(accepted);
  }));
}

TEST_F(asio_loop, a_paused_connection_delivers_nothing_until_it_is_resumed) {
  ASSERT_TRUE(loop.listen(address).is_ok());
  const ConnectionId dialed = recorder.connect_pair(address);
  const ConnectionId paused = recorder.accepted.back();
  loop.pause_reading(paused, true);
  loop.send(dialed, {SharedBytes(Bytes("x"))});
  recorder.connect_pair(address);  // time enough for the byte to be there
  EXPECT_TRUE(recorder.received[paused].empty());
  loop.pause_reading(paused, false);
  EXPECT_TRUE(recorder.run_until([&] { return recorder.received[paused] == "x"; }));
}

TEST_F(asio_loop, a_handler_may_close_the_connection_whose_bytes_it_reads) {
  ASSERT_TRUE(loop.listen(address).is_ok());
  const ConnectionId dialed = recorder.connect_pair(address);
  recorder.when_bytes = [&](ConnectionId id) { loop.close(id); };
  loop.send(dialed, {SharedBytes(Bytes(1 << 20, 'x'))});
  ASSERT_TRUE(recorder.run_until([&] { return recorder.closed.contains(dialed); }));
  EXPECT_FALSE(recorder.closed.contains(recorder.accepted.back()));
}

TEST_F(asio_loop, timers_fire_in_order_and_not_early_and_not_once_cancelled) {
  std::vector<int> fired;
  const TimePoint start = loop.now();
  loop.call_at(start + milliseconds(20), [&] {
    fired.push_back(2);
    EXPECT_GE(loop.now(), start + milliseconds(20));
    loop.stop();
  });
  loop.call_at(start + milliseconds(10), [&] { fired.push_back(1); });
  const TimerId cancelled = loop.call_at(start + milliseconds(15), [&] { fired.push_back(3); });
  loop.call_at(start - seconds(1), [&] { loop.cancel(cancelled); });
  loop.run();
  EXPECT_EQ(fired, (std::vector<int>{1, 2}));
}

TEST_F(asio_loop, a_timer_that_sets_itself_again_does_not_stop_the_rest) {
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds < 1000) loop.call_at(loop.now(), again);
  };
  again();
  bool is_posted_task_run = false;
  loop.post([&] { is_posted_task_run = true; });
  EXPECT_TRUE(recorder.run_until([&] { return rounds == 1000 && is_posted_task_run; }));
}

TEST_F(asio_loop, tasks_from_other_threads_run_on_the_loop) {
  int sum = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i)
        loop.post([&] {
          if (++sum == 4000) loop.stop();
        });
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 4000);
}

TEST_F(asio_loop, a_stop_before_the_run_is_not_lost) {
  std::thread([&] { loop.stop(); }).join();
  loop.run();
  bool is_run = false;
  loop.post([&] {
    is_run = true;
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(is_run);
}

TEST_F(asio_loop, signals_reach_their_handler_again_and_again) {
  int caught = 0;
  loop.on_signals({SIGUSR1, SIGUSR2}, [&](int signal) {
    EXPECT_EQ(signal, caught == 0 ? SIGUSR1 : SIGUSR2);
    if (++caught == 2) return loop.stop();
    raise(SIGUSR2);
  });
  raise(SIGUSR1);
  loop.run();
  EXPECT_EQ(caught, 2);
}

// For a machine on which this process is hardly ever scheduled.
constexpr MessengerLimits patient{
    .connect_deadline = minutes(5), .header_deadline = minutes(5), .frame_deadline = minutes(5)};

struct Echo : MessengerHandler {
  void on_link_up(const std::string&, const PeerInfo&) override { is_up = true; }
  void on_link_down(const std::string&, const Status&) override { is_up = false; }
  void on_message(ConnectionId connection, const PeerInfo&, Received received) override {
    if (messenger->reply(connection, received.message)) ++echoed;
  }
  void on_disconnected(ConnectionId) override {}
  Messenger* messenger = nullptr;
  bool is_up = false;
  int echoed = 0;
};

TEST_F(asio_loop, two_messengers_on_two_threads_talk_through_it) {
  FakeRandom random;
  FakeRandom server_random;
  std::atomic<AsioLoop*> running = nullptr;
  std::thread server([&] {
    AsioLoop server_loop;
    Echo echo;
    Messenger messenger(
        server_loop, server_loop, server_loop, server_random, patient, [] { return Messenger::Self{}; }, echo);
    echo.messenger = &messenger;
    EXPECT_TRUE(messenger.listen(address).is_ok());
    running = &server_loop;
    running.notify_one();
    server_loop.run();
    running = nullptr;
  });
  running.wait(nullptr);

  struct Client : Echo {
    void on_message(ConnectionId, const PeerInfo&, Received received) override { last = std::move(received); }
    Received last;
  } client;
  Messenger messenger(
      loop, loop, loop, random, patient, [] { return Messenger::Self{}; }, client);
  messenger.add_link(address);
  ASSERT_TRUE(recorder.run_until([&] { return client.is_up; }));
  const LogEntry entry = make_log_entry({}, {}, SharedBytes(Bytes(20 << 20, 'v')));
  ASSERT_TRUE(messenger.send(address, Begin{entry, {}}));
  ASSERT_TRUE(recorder.run_until([&] { return std::holds_alternative<Begin>(client.last.message); }));
  EXPECT_EQ(std::get<Begin>(client.last.message).entry, entry);
  running.load()->stop();
  server.join();
  ASSERT_TRUE(recorder.run_until([&] { return !client.is_up; }));
}

}  // namespace
}  // namespace synod::test
