// A messenger, and whoever dials it or is dialed: connections come and go, say hello or rubbish, and time passes.
#include <array>

#include "base/assert.h"
#include "base/log.h"
#include "msg/messenger.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/script.h"
#include "test/fuzz/wire.h"
#include "test/unit/msg/fake_transport.h"
#include "test/unit/msg/samples.h"

namespace synod::fuzz {
namespace {

enum StepKind : uint8_t { accept, connect, deliver, deliver_repaired, drain, lose, advance, link, step_kinds };

const std::array<std::string, 2> addresses = {"b:7000", "c:7000"};

// Answers every third message, and closes on every eighth.
class Owner : public MessengerHandler {
 public:
  void on_link_up(const std::string& address, const PeerInfo&) override {
    SYNOD_ASSERT(up_.insert(address).second, "a link comes up once");
  }
  void on_link_down(const std::string& address, const Status& reason) override {
    SYNOD_ASSERT(up_.erase(address) == 1, "a link that was up goes down");
    SYNOD_ASSERT(!reason.is_ok(), "for a reason");
  }
  void on_message(ConnectionId connection, const PeerInfo&, Received received) override {
    SYNOD_ASSERT(!std::holds_alternative<Hello>(received.message), "a hello is not passed on");
    ++messages_;
    if (messages_ % 3 == 0) messenger->reply(connection, received.message);
    if (messages_ % 8 == 0) messenger->close(connection);
  }
  void on_disconnected(ConnectionId) override {}
  void forget(const std::string& address) { up_.erase(address); }

  Messenger* messenger = nullptr;

 private:
  std::set<std::string> up_;
  uint64_t messages_ = 0;
};

struct World {
  World()
      : messenger(
            net, time, time, random,
            MessengerLimits{.max_frame_bytes = 16 << 10, .max_clients = 4, .max_greeting = 2, .max_monitors = 2},
            [] {
              return Messenger::Self{test::sample_source(), {protocol_version, PeerKind::monitor, "self", "self:7000"}};
            },
            owner) {
    owner.messenger = &messenger;
  }

  void perform(const Step& step) {
    const ConnectionId id = connections.empty() ? 0 : connections[step.number % connections.size()];
    const std::string& address = addresses[step.number % addresses.size()];
    switch (step.kind % step_kinds) {
      case accept: connections.push_back(net.accept()); break;
      case connect: net.connected(id); break;
      case deliver: net.deliver(id, step.bytes); break;
      case deliver_repaired: net.deliver(id, with_right_checksums(Bytes(step.bytes))); break;
      case drain: net.drain(id); break;
      case lose: net.lose(id); break;
      case advance: time.advance(std::chrono::milliseconds(100) * step.number); break;
      default: toggle_link(address);
    }
    for (; dialed < net.dialed.size(); ++dialed) connections.push_back(net.dialed[dialed].second);
  }

  void toggle_link(const std::string& address) {
    if (links.insert(address).second) return messenger.add_link(address);
    links.erase(address);
    messenger.remove_link(address);
    owner.forget(address);
  }

  test::ManualTimers time;
  test::FakeRandom random;
  test::FakeTransport net;
  Owner owner;
  Messenger messenger;
  std::vector<ConnectionId> connections;
  std::set<std::string> links;
  size_t dialed = 0;
};

}  // namespace

void run(ByteView input) {
  set_log_level(LogLevel::off);
  constexpr int steps_max = 200;
  World world;
  for (int i = 0; i < steps_max; ++i) {
    const std::optional<Step> step = next_step(input);
    if (!step) return;
    world.perform(*step);
  }
}

std::vector<Bytes> seeds() {
  const Source source = test::sample_source();
  const Bytes from_monitor = wire_bytes(source, Hello{protocol_version, PeerKind::monitor, "b", "b:7000"});
  const Bytes from_client = wire_bytes({}, Hello{});
  Bytes accepted;
  put_step(accepted, accept, 0);
  put_step(accepted, deliver_repaired, 0, from_client);
  Bytes dialed;
  put_step(dialed, link, 0);
  put_step(dialed, connect, 0);
  put_step(dialed, deliver_repaired, 0, from_monitor);
  for (const Bytes& frame : sample_frames()) {
    for (Bytes* script : {&accepted, &dialed}) {
      put_step(*script, deliver_repaired, 0, frame);
      put_step(*script, drain, 0);
    }
  }
  Bytes broken = dialed.substr(0, dialed.size() / 2);
  put_step(broken, lose, 0);
  put_step(broken, advance, 20);
  put_step(broken, deliver, 1, from_monitor.substr(0, 10));
  put_step(broken, advance, 60);
  Bytes goodbye = dialed.substr(0, dialed.size() / 3);
  put_step(goodbye, deliver_repaired, 0, wire_bytes(source, Goodbye{Status(Code::refused, "no")}));
  put_step(goodbye, link, 0);
  return {accepted, dialed, broken, goodbye};
}

}  // namespace synod::fuzz
