// Clients and the monitors that they ask, in one thread, on the simulator's network and time: what costs a client
// twenty seconds costs its test nothing, and how long a call took is exact.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "test/sim/network.h"
#include "test/sim/process_clock.h"
#include "test/unit/client/fake_monitor.h"

namespace synod {

struct ClientWorld {
  sim::Scheduler scheduler;
  sim::Network network{scheduler, 1};
  int addresses = 0;

  std::string new_address() { return "10.0.0." + std::to_string(++addresses) + ":7000"; }
};

// The loop of one client. What comes between two runs waits for the next one.
class ClientLoop : public Loop {
 public:
  explicit ClientLoop(ClientWorld& world)
      : scheduler_(world.scheduler), transport_(world.network, world.new_address(), &gate_) {
    gate_.pause();
  }

  void run_until(TimePoint deadline) override {
    is_stopped_ = false;
    gate_.resume();
    if (!is_stopped_) scheduler_.run_until(deadline);
    gate_.pause();
  }
  void stop() override {
    is_stopped_ = true;
    scheduler_.stop();
  }
  TimePoint now() const override { return scheduler_.now(); }

  void set_handler(TransportHandler* handler) override { transport_.set_handler(handler); }
  Status listen(const std::string& address) override { return transport_.listen(address); }
  ConnectionId connect(const std::string& address) override { return transport_.connect(address); }
  void send(ConnectionId connection, std::vector<SharedBytes> parts) override {
    transport_.send(connection, std::move(parts));
  }
  void pause_reading(ConnectionId connection, bool paused) override { transport_.pause_reading(connection, paused); }
  void close(ConnectionId connection) override { transport_.close(connection); }

 private:
  sim::Scheduler& scheduler_;
  sim::ProcessGate gate_;
  sim::HostTransport transport_;
  bool is_stopped_ = false;
};

// Where a fake monitor lives.
struct MonitorHost {
  MonitorHost(ClientWorld& world, const std::string& address)
      : clock(world.scheduler), transport(world.network, address) {}
  sim::SteadyClock clock;
  sim::HostTransport transport;
};

class VirtualMonitor : private MonitorHost, public FakeMonitor {
 public:
  VirtualMonitor(ClientWorld& world, Script script) : VirtualMonitor(world, std::move(script), world.new_address()) {}
  VirtualMonitor(ClientWorld& world, Script script, const std::string& address, Fsid fsid = {})
      : MonitorHost(world, address), FakeMonitor(transport, clock, clock, address, std::move(script), fsid) {}
};

// Accepts connections, as the kernel does for a process that is stopped, and says nothing; or says `greeting`.
class DeafListener : private TransportHandler {
 public:
  explicit DeafListener(ClientWorld& world, std::string greeting = {})
      : address_(world.new_address()), transport_(world.network, address_), greeting_(std::move(greeting)) {
    transport_.set_handler(this);
    EXPECT_TRUE(transport_.listen(address_).is_ok());
  }
  const std::string& address() const { return address_; }
  size_t accepted() const { return accepted_; }

 private:
  void on_accepted(ConnectionId connection) override {
    ++accepted_;
    if (!greeting_.empty()) transport_.send(connection, {SharedBytes(greeting_)});
  }
  void on_connected(ConnectionId) override {}
  void on_bytes(ConnectionId, ByteView) override {}
  void on_drained(ConnectionId) override {}
  void on_closed(ConnectionId, const Status&) override {}

  std::string address_;
  sim::HostTransport transport_;
  std::string greeting_;
  size_t accepted_ = 0;
};

// A test of the client library.
class ClientWorldTest : public testing::Test {
 protected:
  Client client_of(std::vector<std::string> monitors, Duration timeout = std::chrono::seconds(20)) {
    return client_with({std::move(monitors), timeout, {}});
  }
  Client client_with(ClientOptions options) { return Client(std::move(options), std::make_unique<ClientLoop>(world_)); }
  // Since the test began, or since the last call.
  Duration elapsed() { return world_.scheduler.now() - std::exchange(start_, world_.scheduler.now()); }

  // What the network may take for one call, with its connection.
  static constexpr Duration on_the_way = std::chrono::milliseconds(50);

  ClientWorld world_;

 private:
  TimePoint start_ = world_.scheduler.now();
};

}  // namespace synod
