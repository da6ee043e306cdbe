// A network in memory. Connections deliver bytes in order, in pieces of any size, after a delay; a cut link stalls, and
// breaks when it stays cut; the end of a process breaks its connections.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "msg/transport.h"
#include "test/sim/scheduler.h"

namespace synod::sim {

class Network;

// The transport of one process life at one host. Hosts are named by the address they listen at, or by any other text.
class HostTransport : public Transport {
 public:
  HostTransport(Network& network, std::string host);
  ~HostTransport() override;

  void set_handler(TransportHandler* handler) override { handler_ = handler; }
  Status listen(const std::string& address) override;
  ConnectionId connect(const std::string& address) override;
  void send(ConnectionId connection, std::vector<SharedBytes> parts) override;
  void pause_reading(ConnectionId, bool) override {}
  void close(ConnectionId connection) override;

 private:
  friend class Network;
  Network& network_;
  std::string host_;
  TransportHandler* handler_ = nullptr;
  std::set<ConnectionId> own_;
};

class Network {
 public:
  Network(Scheduler& scheduler, uint64_t seed) : scheduler_(scheduler), random_(seed) {}

  // One direction. What is on its way stalls.
  void cut(const std::string& from, const std::string& to) { cut_.insert({from, to}); }
  void heal(const std::string& from, const std::string& to) { cut_.erase({from, to}); }
  void heal_all() { cut_.clear(); }
  void set_delay(Duration low, Duration high) {
    delay_low_ = low;
    delay_high_ = high;
  }

 private:
  friend class HostTransport;
  struct End {
    HostTransport* transport = nullptr;  // null: gone
    std::string host;
    ConnectionId peer = 0;
    TimePoint delivered_until;  // what was sent to this end arrives in order
    std::deque<Bytes> arriving;
    TimePoint stalled_since{};
  };

  Duration delay();
  bool is_cut(const std::string& from, const std::string& to) const { return cut_.count({from, to}) > 0; }
  ConnectionId open(HostTransport& from, const std::string& address);
  void accept(ConnectionId client, const std::string& address);
  void transmit(ConnectionId from, Bytes bytes);
  void deliver(ConnectionId to);
  void close(ConnectionId connection);
  void broken(ConnectionId connection, const char* why);

  Scheduler& scheduler_;
  SeededRandom random_;
  Duration delay_low_ = std::chrono::microseconds(200);
  Duration delay_high_ = std::chrono::milliseconds(3);
  std::set<std::pair<std::string, std::string>> cut_;
  std::map<std::string, HostTransport*> listeners_;
  std::map<ConnectionId, End> ends_;
  ConnectionId last_connection_ = 0;
};

}  // namespace synod::sim
