#include "test/sim/run/client.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"

namespace synod::sim {
namespace {
// The patience with one member: less than an election takes, or, with some clients, more, so that requests wait at a
// leader that is lost and learns what became of them.
constexpr Duration attempt_timeout = std::chrono::milliseconds(500);
constexpr Duration long_attempt_timeout = std::chrono::milliseconds(3000);
constexpr Duration retry_delay = std::chrono::milliseconds(30);
}  // namespace

SimClient::SimClient(Scheduler& scheduler, Network& network, uint64_t seed, uint64_t number,
                     const std::vector<std::string>& addresses, bool has_sessions)
    : scheduler_(scheduler),
      clock_(scheduler),
      random_(seed, fmt::format("client {}", number)),
      transport_(network, fmt::format("client-{}", number)),
      messenger_(
          transport_, clock_, clock_, random_, MessengerLimits{}, [] { return Messenger::Self{}; }, *this),
      has_sessions_(has_sessions),
      attempt_timeout_(number % 3 == 1 ? long_attempt_timeout : attempt_timeout),
      number_(random_.next() | 1) {
  for (const std::string& address : addresses) messenger_.add_link(address);
}

SimClient::~SimClient() { *alive_ = false; }

void SimClient::request(ClientRequest request, std::vector<std::string> addresses, OnAnswer on_answer) {
  SYNOD_ASSERT(!is_busy(), "one request at a time");
  request_ = std::move(request);
  addresses_ = std::move(addresses);
  on_answer_ = std::move(on_answer);
  was_uncertain_ = false;
  if (is_tagged()) ++sequence_;
  gives_up_ = scheduler_.now() + std::chrono::milliseconds(request_.timeout_ms);
  attempt();
}

void SimClient::attempt() {
  if (!is_busy()) return;
  asked_.clear();
  if (scheduler_.now() >= gives_up_) return not_done({0, Status(Code::unavailable, "no time is left"), {}});
  const std::string& address = random_.pick(addresses_);
  ClientRequest request = next_request();
  request.id = ++attempt_;
  const Duration patience = std::min(attempt_timeout_, gives_up_ - scheduler_.now());
  request.timeout_ms = static_cast<uint32_t>(to_milliseconds(patience) + 1);
  if (!messenger_.send(address, Message(request))) return retry_after(retry_delay);
  asked_ = address;
  scheduler_.call_after(patience + std::chrono::milliseconds(20), [this, alive = alive_, attempt = attempt_] {
    if (*alive && is_busy() && attempt == attempt_ && !asked_.empty()) on_link_down(asked_, Status::ok());
  });
}

ClientRequest SimClient::next_request() {
  ClientRequest request = request_;
  is_opening_ = is_tagged() && session_.number == 0;
  if (is_opening_) {
    request.body = OpenSessionRequest{number_};
  } else if (is_tagged()) {
    std::get<WriteRequest>(request.body).tag = RequestTag{session_, sequence_, sequence_};
  }
  return request;
}

void SimClient::retry_after(Duration delay) {
  scheduler_.call_after(delay, [this, alive = alive_, attempt = attempt_] {
    if (*alive && attempt == attempt_) this->attempt();
  });
}

void SimClient::on_link_up(const std::string&, const PeerInfo&) {}

// Also: no answer in time. Nobody knows what has become of a write.
void SimClient::on_link_down(const std::string& address, const Status&) {
  if (is_busy() && asked_ == address) on_uncertain();
}

void SimClient::on_uncertain() {
  asked_.clear();
  const bool was_sent = is_write() && !is_opening_;
  was_uncertain_ = was_uncertain_ || was_sent;
  if (was_sent && !has_sessions_) return not_done({0, Status(Code::unknown_outcome, "no answer"), {}});
  retry_after(retry_delay);
}

void SimClient::on_message(ConnectionId, const PeerInfo&, Received received) {
  auto* reply = std::get_if<ClientReply>(&received.message);
  if (reply == nullptr || !is_busy() || reply->id != attempt_ || asked_.empty()) return;
  const Code code = reply->status.code();
  if (const auto* opened = std::get_if<OpenSessionReply>(&reply->body); is_opening_ && code == Code::ok) {
    session_ = opened->session;
    return attempt();
  }
  if (code == Code::unknown_outcome) return on_uncertain();
  asked_.clear();
  if (code == Code::ok) return finish(std::move(*reply));
  if (code == Code::unknown_session) {
    session_ = {};
    if (was_uncertain_) return not_done(*reply);
  } else if (code != Code::unavailable) {
    return not_done(*reply);
  }
  retry_after(retry_delay);
}

// "Not done" is said of one attempt; another one of the same request may yet be.
void SimClient::not_done(const ClientReply& reply) {
  finish(was_uncertain_ ? ClientReply{0, Status(Code::unknown_outcome, "an attempt had no answer"), {}} : reply);
}

void SimClient::finish(ClientReply reply) { std::exchange(on_answer_, nullptr)(reply, was_uncertain_); }

}  // namespace synod::sim
