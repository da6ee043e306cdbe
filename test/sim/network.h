// A hostile network in memory. Connections deliver bytes in order, in pieces of any size; everything else is decided by
// the conditions of each *directed* link between two hosts: delay, loss (a stall until the retransmission), cuts,
// clogging. A connection over a cut link stalls, and breaks when it stays so; what was sent on one connection may
// arrive after what was sent later on another.
//
// A host is named by the address that it listens at, or by any other text.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "msg/codec.h"
#include "msg/transport.h"
#include "test/sim/process_clock.h"

namespace synod::sim {

class Network;

// The transport of one process life at one host.
class HostTransport : public Transport {
 public:
  // Without a gate, of something that never pauses.
  HostTransport(Network& network, std::string host, ProcessGate* gate = nullptr);
  // The process has ended: the other sides hear of it if the links let them.
  ~HostTransport() override;
  // The machine has lost its power: nobody hears anything. The destructor has nothing left to do.
  void vanish();

  void set_handler(TransportHandler* handler) override { handler_ = handler; }
  Status listen(const std::string& address) override;
  ConnectionId connect(const std::string& address) override;
  void send(ConnectionId connection, std::vector<SharedBytes> parts) override;
  void pause_reading(ConnectionId connection, bool paused) override;
  void close(ConnectionId connection) override;

 private:
  friend class Network;
  void enter(std::function<void(TransportHandler&)> work);

  Network& network_;
  std::string host_;
  ProcessGate* gate_;
  TransportHandler* handler_ = nullptr;
  std::set<ConnectionId> own_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

struct NetworkOptions {
  Duration delay_min = std::chrono::microseconds(200);
  Duration delay_mean = std::chrono::milliseconds(1);  // exponential, on top
  uint64_t loss_per_million = 0;                       // of pieces; each comes after a retransmission timeout
  uint64_t reset_per_million = 0;                      // of pieces; each breaks the connection
  uint64_t split_percent = 30;                         // of messages; each is cut into pieces anywhere
  Duration retransmission = std::chrono::milliseconds(200);
  Duration stall_max = std::chrono::seconds(2);  // then a connection breaks
};

class Network {
 public:
  Network(Scheduler& scheduler, uint64_t seed) : scheduler_(scheduler), random_(seed, "network") {}

  void set_options(NetworkOptions options) { options_ = options; }
  void set_delay(Duration min, Duration mean) {
    options_.delay_min = min;
    options_.delay_mean = mean;
  }

  // One direction. What is on its way stalls.
  void cut(const std::string& from, const std::string& to) { links_[{from, to}].is_cut = true; }
  void heal(const std::string& from, const std::string& to);
  void heal_all();
  // Nothing arrives before the clog is gone; then all of it.
  void clog(const std::string& from, const std::string& to, Duration length);
  // Breaks the connections between two hosts, in both directions.
  void reset(const std::string& one, const std::string& other);
  // One side's ends vanish with an error, the other side hears nothing.
  void half_open(const std::string& loses, const std::string& keeps);
  // Sends some of the frames that `from` sent to `to` lately once more, in any order, over a new connection.
  // Returns how many.
  size_t replay(const std::string& from, const std::string& to);

  // Every message that enters the network: sender's host, receiver's host (its connection's), the frame.
  using Tap = std::function<void(const std::string& from, const std::string& to, ByteView frame)>;
  void set_tap(Tap tap) { tap_ = std::move(tap); }
  // Bytes of all frames that one host has sent to the other, over any connection.
  uint64_t bytes_sent(const std::string& from, const std::string& to) const;
  // What a sender is rid of before it has arrived.
  static constexpr size_t socket_buffer = 256 << 10;
  // The most bytes that were ever under way on one connection, those included.
  size_t most_under_way() const { return most_under_way_; }

 private:
  friend class HostTransport;
  struct Link {
    bool is_cut = false;
    TimePoint clogged_until;
    uint64_t bytes_sent = 0;
    std::deque<Bytes> history;  // frames sent lately, for replay()
    Bytes hello;                // of the connection of the oldest of them
  };
  struct Piece {
    TimePoint arrives;
    Bytes bytes;
  };
  struct End {
    HostTransport* transport = nullptr;  // null: a replay's, which nobody reads
    std::string host;
    std::string peer_host;
    ConnectionId peer = 0;  // zero until accepted
    bool is_paused = false;
    bool is_first_frame = true;
    std::deque<Piece> arriving;  // on its way to this end
    size_t arriving_bytes = 0;
    TimePoint arrives_until;  // of the last one sent: they arrive in order
    TimePoint stalled_since{};
    bool wants_drained = false;  // the sender waits until what it sent has arrived
  };

  Link& link(const std::string& from, const std::string& to) { return links_[{from, to}]; }
  bool is_cut(const std::string& from, const std::string& to) const;
  Duration delay();
  ConnectionId open(HostTransport* from, const std::string& host, const std::string& address);
  void dial(ConnectionId client, const std::string& address, Duration retry);
  void transmit(ConnectionId from, Bytes bytes);
  void deliver_later(ConnectionId to, TimePoint when);
  void deliver(ConnectionId to);
  void stall(ConnectionId to, End& end);
  void deliver_all(ConnectionId to);
  void tell_drained(ConnectionId sender);
  void remember(const std::string& from, const std::string& to, bool is_first, ByteView frame);
  void close(ConnectionId connection);
  void vanish(ConnectionId connection);
  void broken(ConnectionId connection, const char* why);

  Scheduler& scheduler_;
  SeededRandom random_;
  NetworkOptions options_;
  std::map<std::pair<std::string, std::string>, Link> links_;
  std::map<std::string, HostTransport*> listeners_;
  std::map<ConnectionId, End> ends_;
  ConnectionId last_connection_ = 0;
  size_t most_under_way_ = 0;
  Tap tap_;
};

}  // namespace synod::sim
