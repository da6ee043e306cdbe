// The bytes below the messenger: connections that may break, deliver in any pieces, and never block.
// Implementations: Asio (asio_loop.h), and the simulator's. Everything happens on the thread of the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "base/time.h"

namespace synod {

using ConnectionId = uint64_t;  // never reused; zero is none

class TransportHandler {
 public:
  virtual ~TransportHandler() = default;
  virtual void on_accepted(ConnectionId connection) = 0;  // a listener's
  virtual void on_connected(ConnectionId connection) = 0;
  // `bytes` is valid during the call.
  virtual void on_bytes(ConnectionId connection, ByteView bytes) = 0;
  // All that send() took up to now was handed to the operating system.
  virtual void on_drained(ConnectionId connection) = 0;
  // Connecting failed, or the connection broke, or the other side closed it. Not called after close().
  virtual void on_closed(ConnectionId connection, const Status& reason) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual void set_handler(TransportHandler* handler) = 0;
  // Listens; the address can be used again at once after the process was killed.
  virtual Status listen(const std::string& address) = 0;
  // Never fails at once: the outcome is on_connected or on_closed.
  virtual ConnectionId connect(const std::string& address) = 0;
  // Queues the parts in order. Ignored for a connection that is closed.
  virtual void send(ConnectionId connection, std::vector<SharedBytes> parts) = 0;
  // Stops or resumes reading, so that a sender faster than us waits.
  virtual void pause_reading(ConnectionId connection, bool paused) = 0;
  virtual void close(ConnectionId connection) = 0;
};

// A clock and a transport whose owner runs them, to wait for what comes. Nothing happens between two runs.
class Loop : public Clock, public Transport {
 public:
  // Runs until stop() or until `deadline` has passed.
  virtual void run_until(TimePoint deadline) = 0;
  virtual void stop() = 0;
};

using TimerId = uint64_t;

class Timers {
 public:
  virtual ~Timers() = default;
  // Calls `task` once, on the loop's thread, not before `when`.
  virtual TimerId call_at(TimePoint when, std::function<void()> task) = 0;
  virtual void cancel(TimerId timer) = 0;
};

// HOST:PORT, with brackets around an IPv6 host. Fails with one sentence that names the text.
struct Address {
  std::string host;
  uint16_t port = 0;
};
Result<Address> parse_address(const std::string& text);

}  // namespace synod
