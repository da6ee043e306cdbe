// One client of a run: one request at a time, repeated at another member as long as that is safe. A client with a
// session repeats its writes too, also when it does not know what became of them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "msg/messenger.h"
#include "test/sim/network.h"
#include "test/sim/process_clock.h"

namespace synod::sim {

class SimClient : private MessengerHandler {
 public:
  // The final answer: the truth as far as this client can know it. `was_uncertain`: an attempt before it was of unknown
  // outcome.
  using OnAnswer = std::function<void(const ClientReply&, bool was_uncertain)>;

  SimClient(Scheduler& scheduler, Network& network, uint64_t seed, uint64_t number,
            const std::vector<std::string>& addresses, bool has_sessions);
  ~SimClient() override;

  // Asks one of `addresses`, and another one when that is of no use, until the request's time is over.
  // REQUIRES: no request runs.
  void request(ClientRequest request, std::vector<std::string> addresses, OnAnswer on_answer);
  bool is_busy() const { return on_answer_ != nullptr; }

 private:
  void on_link_up(const std::string& address, const PeerInfo& peer) override;
  void on_link_down(const std::string& address, const Status& reason) override;
  void on_message(ConnectionId connection, const PeerInfo& peer, Received received) override;
  void on_disconnected(ConnectionId) override {}

  void attempt();
  ClientRequest next_request();
  void not_done(const ClientReply& reply);
  void on_uncertain();
  void retry_after(Duration delay);
  void finish(ClientReply reply);
  bool is_write() const { return std::holds_alternative<WriteRequest>(request_.body); }
  bool is_tagged() const { return has_sessions_ && is_write(); }

  Scheduler& scheduler_;
  SteadyClock clock_;
  SeededRandom random_;
  HostTransport transport_;
  Messenger messenger_;

  const bool has_sessions_;
  const Duration attempt_timeout_;
  const uint64_t number_;    // in its sessions
  SessionId session_;        // number zero: none
  uint64_t sequence_ = 0;    // of the last write
  bool is_opening_ = false;  // the present attempt opens a session
  bool was_uncertain_ = false;

  ClientRequest request_;
  std::vector<std::string> addresses_;
  std::string asked_;  // where the present attempt went; empty: nowhere yet
  uint64_t attempt_ = 0;
  TimePoint gives_up_;
  OnAnswer on_answer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace synod::sim
