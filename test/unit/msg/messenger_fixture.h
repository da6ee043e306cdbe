// A messenger named "self" over the fake transport; what it reports is written down as one line each.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/log.h"
#include "msg/messenger.h"
#include "test/unit/msg/fake_transport.h"
#include "test/unit/msg/samples.h"

namespace synod::test {

inline Message monitor_hello(const std::string& name = "peer") {
  return Hello{protocol_version, PeerKind::monitor, name, name + ":7000"};
}
inline Message client_hello() { return Hello{protocol_version, PeerKind::client, "", ""}; }

class MessengerTest : public ::testing::Test, public MessengerHandler {
 protected:
  explicit MessengerTest(MessengerLimits limits = {})
      : messenger(
            net, time, time, random, limits, [this] { return self; }, *this) {
    set_log_level(LogLevel::off);
  }

  void on_link_up(const std::string& address, const PeerInfo& peer) override {
    events.push_back(fmt::format("up {} {}", address, peer.hello.name));
    if (when_called) when_called(0);
  }
  void on_link_down(const std::string& address, const Status& reason) override {
    events.push_back(fmt::format("down {} {}", address, reason.message()));
    if (when_called) when_called(0);
  }
  void on_message(ConnectionId connection, const PeerInfo& peer, Received received) override {
    events.push_back(fmt::format("{} from {}", message_name(received.message), peer.hello.name));
    if (when_called) when_called(connection);
  }
  void on_disconnected(ConnectionId connection) override {
    events.push_back("gone");
    if (when_called) when_called(connection);
  }

  ConnectionId accept(const Message& hello) {
    const ConnectionId id = net.accept();
    deliver(id, hello);
    net.take_sent(id);
    net.drain(id);
    return id;
  }
  void deliver(ConnectionId id, const Message& message) { net.deliver(id, wire_bytes(sample_source(), message)); }
  // A link that is up.
  ConnectionId link_up(const std::string& address = "peer:7000") {
    messenger.add_link(address);
    const ConnectionId id = net.last_dialed();
    greet(id);
    return id;
  }
  void greet(ConnectionId id) {
    net.connected(id);
    deliver(id, monitor_hello());
    net.take_sent(id);
    net.drain(id);
  }
  std::vector<std::string> sent(ConnectionId id) {
    std::vector<std::string> names;
    for (const Received& received : net.take_sent(id)) names.emplace_back(message_name(received.message));
    return names;
  }
  std::vector<std::string> take_events() { return std::exchange(events, {}); }

  using Lines = std::vector<std::string>;
  ManualTimers time;
  FakeRandom random;
  FakeTransport net;
  Messenger::Self self{sample_source(), {protocol_version, PeerKind::monitor, "self", "self:7000"}};
  std::vector<std::string> events;
  std::function<void(ConnectionId)> when_called;
  Messenger messenger;
};

}  // namespace synod::test
