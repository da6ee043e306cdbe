// Messages between monitors and with clients, on top of a Transport: framing, hello, reconnect with back-off, bounded
// queues, and deadlines for whoever stops in the middle of something. Runs on the loop's thread.
//
// A *link* is a standing wish to be connected to an address: it is dialed again, with a back-off of 50 ms that doubles
// up to 1 s, until it is removed. Monitors keep a link to each other member and send on their own link only; what
// arrives on an accepted connection is answered, if at all, on that connection or on the link.
//
// A frame that is too long, cut, corrupt or of unknown type, a message before the hello, and an unfinished header (5 s)
// or frame (30 s) close that connection, count in `counters`, log one line, and disturb no other.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "msg/codec.h"
#include "msg/messages.h"
#include "msg/transport.h"

namespace synod {

struct MessengerLimits {
  size_t max_frame_bytes = 32 << 20;
  size_t max_queue_bytes = 64 << 20;  // per connection; what does not fit is refused, or closes a client's connection
  // Of accepted connections. A client too many is refused with a sentence; where one too many has not said hello yet,
  // or is another monitor's, the oldest of its kind is closed. So no number of clients keeps a monitor out.
  size_t max_clients = 1024;
  size_t max_greeting = 64;
  size_t max_monitors = 64;
  // A call that is lost is repeated by TCP after one second, then after two more: sooner to call anew than to wait.
  Duration connect_deadline = std::chrono::seconds(2);
  Duration header_deadline = std::chrono::seconds(5);  // also for the hello
  Duration frame_deadline = std::chrono::seconds(30);
  Duration backoff_min = std::chrono::milliseconds(50);
  Duration backoff_max = std::chrono::seconds(1);
};

struct MessengerCounters {
  uint64_t accepted = 0, refused_connections = 0;
  uint64_t bad_frames = 0;  // wrong magic, version, type, length, checksum or fields
  uint64_t deadlines = 0;   // unfinished hello, header or frame
  uint64_t queue_overflows = 0;
  uint64_t messages_in = 0, messages_out = 0, bytes_in = 0, bytes_out = 0;
};

// Who is at the other end of a connection, from its hello.
struct PeerInfo {
  Source source;
  Hello hello;
};

class MessengerHandler {
 public:
  virtual ~MessengerHandler() = default;
  // A link was connected and both hellos were exchanged; or it was lost. Called alternately for one address.
  virtual void on_link_up(const std::string& address, const PeerInfo& peer) = 0;
  virtual void on_link_down(const std::string& address, const Status& reason) = 0;
  // Any message but Hello. `connection` can be answered on while it lasts.
  virtual void on_message(ConnectionId connection, const PeerInfo& peer, Received received) = 0;
  // An accepted connection that had said hello is gone.
  virtual void on_disconnected(ConnectionId connection) = 0;
};

class Messenger : private TransportHandler {
 public:
  // All must outlive the messenger. `self` is asked for whenever a hello is sent.
  struct Self {
    Source source;
    Hello hello;
  };
  Messenger(Transport& transport, Timers& timers, const Clock& clock, Random& random, MessengerLimits limits,
            std::function<Self()> self, MessengerHandler& handler);
  ~Messenger() override;

  Status listen(const std::string& address);
  // A link that was there is left alone; removing one calls nothing back.
  void add_link(const std::string& address);
  void remove_link(const std::string& address);
  bool is_up(const std::string& address) const;
  // Ok while the link is up, else why it is not.
  Status link_status(const std::string& address) const;

  // Sends on the link; false if it is down or its queue is full (then nothing was queued).
  bool send(const std::string& address, const Message& message);
  // Answers on a connection, a link's or an accepted one. False as above.
  bool reply(ConnectionId connection, const Message& message);
  // Closes after what is queued has left. on_disconnected or on_link_down follows, not from within this call.
  void close(ConnectionId connection);

  const MessengerCounters& counters() const { return counters_; }

 private:
  struct Connection;
  struct Link;
  using ConnectionPtr = std::shared_ptr<Connection>;
  // Whether the next dial of a link starts with the shortest back-off again.
  enum class Backoff { restart, grow };

  void on_accepted(ConnectionId connection) override;
  void on_connected(ConnectionId connection) override;
  void on_bytes(ConnectionId connection, ByteView bytes) override;
  void on_drained(ConnectionId connection) override;
  void on_closed(ConnectionId connection, const Status& reason) override;

  ConnectionPtr find(ConnectionId connection) const;
  Connection& open(ConnectionId connection, const std::string& link);
  bool send_on(Connection& connection, const Message& message);
  bool has_room(Connection& connection, size_t frame_size);
  void send_hello(Connection& connection);
  // The peer hears why, then the connection is closed.
  void dismiss(Connection& connection, const Status& reason);

  void receive(const ConnectionPtr& connection, ByteView bytes);
  void receive_frame(const ConnectionPtr& connection, Received received);
  void receive_hello(const ConnectionPtr& connection, Received received);
  void receive_goodbye(const ConnectionPtr& connection, Received received);
  // Closes the oldest of them, so that there is room for one more.
  void make_room(std::deque<ConnectionId>& connections, size_t most, const char* what);
  void reject(Connection& connection, const Status& why);  // it sent what it must not
  void resume(const ConnectionPtr& connection);

  // For whoever uses the messenger the connection is over; what is queued may still leave.
  void detach(Connection& connection, const Status& reason, Backoff backoff);
  void finish(Connection& connection, const Status& reason);  // detaches, and drops when the queue is empty
  void drop(Connection& connection, const Status& reason, Backoff backoff);

  void dial(const std::string& address);
  void redial_later(const std::string& address, const Status& reason, Backoff backoff);

  void watch_progress(Connection& connection, bool has_new_frame);
  void arm_deadline(Connection& connection);
  void on_deadline(ConnectionId connection);

  // Runs `work`, then delivers the notices that it left, so that no call of the owner's calls the owner back.
  void run(const std::function<void()>& work);
  void notify(std::function<void()> notice);
  void deliver_notices();

  Transport& transport_;
  Timers& timers_;
  const Clock& clock_;
  Random& random_;
  const MessengerLimits limits_;
  const std::function<Self()> self_;
  MessengerHandler& handler_;
  MessengerCounters counters_;
  std::map<ConnectionId, ConnectionPtr> connections_;
  std::map<std::string, Link> links_;
  // Of the accepted ones that are not detached: those without a hello, monitors' (each the oldest first), clients'.
  std::deque<ConnectionId> greeting_;
  std::deque<ConnectionId> monitors_;
  size_t clients_ = 0;
  int depth_ = 0;  // of run()
  std::deque<std::function<void()>> notices_;
  TimerId notice_timer_ = 0;
};

}  // namespace synod
