// The event loop of a process: Boost.Asio, one thread. Clock (CLOCK_BOOTTIME, which runs during suspend), timers, tasks
// from other threads, signals, and sockets.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "msg/transport.h"

namespace synod {

class AsioLoop : public Loop, public Timers {
 public:
  AsioLoop();
  ~AsioLoop() override;

  // Until stop(). REQUIRES: called once, or again after it returned.
  void run();
  void run_until(TimePoint deadline) override;
  void stop() override;  // from any thread

  // Runs `task` on the loop's thread, soon. From any thread.
  void post(std::function<void()> task);
  // Calls `handler` on the loop's thread for each of these signals.
  void on_signals(std::vector<int> signals, std::function<void(int)> handler);

  TimePoint now() const override;
  TimerId call_at(TimePoint when, std::function<void()> task) override;
  void cancel(TimerId timer) override;

  void set_handler(TransportHandler* handler) override;
  Status listen(const std::string& address) override;
  ConnectionId connect(const std::string& address) override;
  void send(ConnectionId connection, std::vector<SharedBytes> parts) override;
  void pause_reading(ConnectionId connection, bool paused) override;
  void close(ConnectionId connection) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod
