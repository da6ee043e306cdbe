// One client of a run: one request at a time, repeated at another member as long as that is safe.
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
  // The final answer: the truth as far as this client can know it.
  using OnAnswer = std::function<void(const ClientReply&)>;

  SimClient(Scheduler& scheduler, Network& network, uint64_t seed, uint64_t number,
            const std::vector<std::string>& addresses);
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
  void retry_after(Duration delay);
  void finish(ClientReply reply);
  bool is_write() const { return std::holds_alternative<WriteRequest>(request_.body); }

  Scheduler& scheduler_;
  SteadyClock clock_;
  SeededRandom random_;
  HostTransport transport_;
  Messenger messenger_;

  ClientRequest request_;
  std::vector<std::string> addresses_;
  std::string asked_;  // where the present attempt went; empty: nowhere yet
  uint64_t attempt_ = 0;
  TimePoint gives_up_;
  OnAnswer on_answer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace synod::sim
