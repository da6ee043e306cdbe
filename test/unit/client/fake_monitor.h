// A monitor that answers clients as a test says, on a loopback port and a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "msg/asio_loop.h"
#include "msg/messages.h"
#include "msg/messenger.h"

namespace synod {

// A loopback address on which nothing listens.
std::string free_address();

class FakeMonitor : private MessengerHandler {
 public:
  struct Silence {};  // no answer
  struct Hangup {};   // the connection is closed instead
  using Answer = std::variant<ClientReply, Silence, Hangup>;
  using Script = std::function<Answer(const ClientRequest&)>;

  // Opens sessions by itself; the script gets everything else.
  explicit FakeMonitor(Script script, std::string address = free_address(), Fsid fsid = {});
  ~FakeMonitor() override;

  const std::string& address() const { return address_; }
  // From now on the script is asked to open sessions, too.
  void script_opens() { scripts_opens_ = true; }
  std::vector<ClientRequest> requests() const;  // all that came for the script
  size_t opens() const { return opens_; }       // sessions that it opened by itself
  size_t connections() const;                   // on which they came

 private:
  void on_link_up(const std::string&, const PeerInfo&) override {}
  void on_link_down(const std::string&, const Status&) override {}
  void on_message(ConnectionId connection, const PeerInfo& peer, Received received) override;
  void on_disconnected(ConnectionId) override {}

  struct Zeros : Random {
    uint64_t next() override { return 0; }
  };

  const Script script_;
  const std::string address_;
  AsioLoop loop_;
  Zeros random_;
  Messenger messenger_;
  std::atomic<bool> scripts_opens_ = false;
  std::atomic<size_t> opens_ = 0;
  mutable std::mutex mutex_;
  std::vector<ClientRequest> requests_;
  std::set<ConnectionId> connections_;
  std::thread thread_;
};

// Accepts connections, as the kernel does for a process that is stopped, and says nothing; or says `greeting`.
class DeafListener {
 public:
  explicit DeafListener(std::string greeting = {});
  ~DeafListener();
  const std::string& address() const { return address_; }

 private:
  int fd_;
  std::string address_;
  std::thread greeter_;
};

}  // namespace synod
