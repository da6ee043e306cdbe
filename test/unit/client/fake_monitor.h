// A monitor that answers clients as a test says.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "msg/messages.h"
#include "msg/messenger.h"

namespace synod {

// Runs on the caller's loop.
class FakeMonitor : private MessengerHandler {
 public:
  struct Silence {};  // no answer
  struct Hangup {};   // the connection is closed instead
  using Answer = std::variant<ClientReply, Silence, Hangup>;
  using Script = std::function<Answer(const ClientRequest&)>;

  // Listens. Opens sessions by itself; the script gets everything else. The first three must outlive the monitor.
  FakeMonitor(Transport& transport, Timers& timers, const Clock& clock, std::string address, Script script, Fsid fsid);

  const std::string& address() const { return address_; }
  // From now on the script is asked to open sessions, too.
  void script_opens() { scripts_opens_ = true; }
  const std::vector<ClientRequest>& requests() const { return requests_; }  // all that came for the script
  size_t opens() const { return opens_; }                                   // sessions that it opened by itself
  size_t connections() const { return connections_.size(); }                // on which they came

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
  Zeros random_;
  Messenger messenger_;
  bool scripts_opens_ = false;
  size_t opens_ = 0;
  std::vector<ClientRequest> requests_;
  std::set<ConnectionId> connections_;
};

}  // namespace synod
