#include "client/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <random>
#include <utility>
#include <variant>

#include "client/monitor_connection.h"
#include "msg/asio_loop.h"
#include "msg/messenger.h"

namespace synod {
namespace {

constexpr Duration pause_between_rounds = std::chrono::milliseconds(100);
constexpr Duration cancel_poll = std::chrono::milliseconds(50);
constexpr int64_t longest_way_ms = 100;  // of an answer, to be expected

using RequestBody = decltype(ClientRequest::body);

// All of its bits count: two clients with the same number would share a session, and one would get the other's answers.
uint64_t draw_client_number() {
  std::random_device device;
  uint64_t number = 0;
  while (number == 0) number = uint64_t{device()} << 32 | device();
  return number;
}

Status end_of_scan_missing() {
  return {Code::corruption, "the cluster says that there is more in the range, and sends nothing of it"};
}

}  // namespace

bool has_quorum(const StatusReply& status) {
  return !status.leader.empty() && status.quorum.size() > status.voter_count() / 2;
}

class Client::Impl {
 public:
  Impl(ClientOptions options, std::unique_ptr<Loop> loop)
      : options_(std::move(options)),
        loop_(std::move(loop)),
        connection_(*loop_, [this] { loop_->stop(); }),
        number_(draw_client_number()),
        ids_(number_) {
    SYNOD_ASSERT(!options_.monitors.empty(), "a client needs the address of a monitor");
  }

  Result<ClientReply> call(RequestBody body);
  // Exactly once, if it is answered.
  Result<ClientReply> write(WriteRequest request);
  Result<StatusReply> status();
  void set_timeout(Duration timeout) { options_.timeout = timeout; }
  uint64_t number() const { return number_; }

 private:
  // What became of one attempt at one monitor.
  struct Attempt {
    std::optional<Result<ClientReply>> outcome;  // set: the call is over
    Status reason;                               // else: why the next monitor is to be asked
    bool is_answer = false;                      // the reason is the monitor's own
    bool is_maybe_done = false;                  // it was sent, and nobody said that it was not done
  };

  Result<ClientReply> call(const RequestBody& body, TimePoint deadline, size_t attempts);
  Attempt attempt(const RequestBody& body, TimePoint deadline);
  Attempt judge(ClientReply reply) const;
  Status open_session(TimePoint deadline);
  Status ensure_ready(TimePoint deadline);
  Status no_answer(const char* what, Duration waited) const;
  // The reason, with the monitor's address if it does not name it.
  std::string with_monitor(const std::string& reason) const;
  void go_to_next();
  template <class Done>
  bool wait(TimePoint deadline, Done done);
  bool is_cancelled() const { return options_.is_cancelled && options_.is_cancelled(); }
  const std::string& monitor() const { return options_.monitors[current_]; }
  // Of a call's timeout, what one monitor may cost.
  Duration share() const { return options_.timeout / 4; }

  ClientOptions options_;
  std::unique_ptr<Loop> loop_;
  MonitorConnection connection_;
  const uint64_t number_;  // of this client, in its sessions
  SessionId session_;      // number zero: none
  uint64_t sequence_ = 0;  // of the last write; goes on over sessions
  std::mt19937_64 ids_;
  size_t current_ = 0;  // in options_.monitors
  size_t moves_ = 0;    // since the last answer, from one monitor to the next
};

// Runs the loop until `done` or until the deadline has passed or the caller cancelled; the last value of `done`.
template <class Done>
bool Client::Impl::wait(TimePoint deadline, Done done) {
  while (!done()) {
    const TimePoint now = loop_->now();
    if (now >= deadline || is_cancelled()) return false;
    loop_->run_until(options_.is_cancelled ? std::min(deadline, now + cancel_poll) : deadline);
  }
  return true;
}

void Client::Impl::go_to_next() {
  connection_.close();
  current_ = (current_ + 1) % options_.monitors.size();
  ++moves_;
}

Status Client::Impl::no_answer(const char* what, Duration waited) const {
  return {Code::unavailable, fmt::format("{} did not {} within {} ms", monitor(), what, to_milliseconds(waited))};
}

std::string Client::Impl::with_monitor(const std::string& reason) const {
  return reason.find(monitor()) == std::string::npos ? fmt::format("{}: {}", monitor(), reason) : reason;
}

Status Client::Impl::ensure_ready(TimePoint deadline) {
  // The loop stood still between the calls: what happened meanwhile comes first, for a request on a connection that is
  // gone is lost time, and a write then is of unknown outcome until another monitor answers it.
  const TimePoint start = loop_->now();
  if (connection_.is_ready()) loop_->run_until(start);
  if (connection_.is_ready()) return Status::ok();
  connection_.open(monitor());
  const TimePoint until = std::min(deadline, start + share());
  wait(until, [&] { return connection_.is_ready() || connection_.lost(); });
  if (connection_.is_ready()) return Status::ok();
  if (!connection_.lost()) return no_answer("say hello", loop_->now() - start);
  return {Code::unavailable, with_monitor(connection_.lost()->message())};
}

Client::Impl::Attempt Client::Impl::judge(ClientReply reply) const {
  if (reply.status.is_ok()) return {std::move(reply), {}};
  const bool is_maybe_done = reply.status.code() == Code::unknown_outcome;
  if (!is_maybe_done && reply.status.code() != Code::unavailable) return {Result<ClientReply>(reply.status), {}};
  return {std::nullopt, Status(Code::unavailable, with_monitor(reply.status.message())), true, is_maybe_done};
}

Client::Impl::Attempt Client::Impl::attempt(const RequestBody& body, TimePoint deadline) {
  if (Status status = ensure_ready(deadline); !status.is_ok()) return {std::nullopt, std::move(status)};
  const TimePoint start = loop_->now();
  const TimePoint until = std::min(deadline, start + share());
  const int64_t left_ms = to_milliseconds(until - start);
  if (left_ms <= 0 || is_cancelled()) return {std::nullopt, Status(Code::unavailable, "the time was up")};

  // The cluster gets a little less time than there is, so that its "certainly not done" comes before the end of it.
  const int64_t told_ms = std::min<int64_t>(left_ms - std::min(left_ms / 10, longest_way_ms), UINT32_MAX);
  const uint64_t id = ids_();
  connection_.send(ClientRequest{id, static_cast<uint32_t>(told_ms), body});
  std::optional<ClientReply> reply;
  wait(until, [&] { return (reply = connection_.take_reply(id)) || connection_.lost(); });
  if (reply) return judge(*std::move(reply));
  Status reason = connection_.lost()
                      ? Status(Code::unavailable, fmt::format("the connection to {} was lost before it answered: {}",
                                                              monitor(), connection_.lost()->message()))
                      : no_answer("answer", loop_->now() - start);
  return {std::nullopt, std::move(reason), false, true};
}

Result<ClientReply> Client::Impl::call(const RequestBody& body, TimePoint deadline, size_t attempts) {
  const bool is_write = std::holds_alternative<WriteRequest>(body);
  Status reason;
  bool has_answer = false;
  bool is_maybe_done = false;
  for (moves_ = 0; moves_ < attempts;) {
    Attempt result = attempt(body, deadline);
    if (result.outcome) {
      if (*result.outcome) return *std::move(result.outcome);
      reason = result.outcome->error();
      if (reason.code() == Code::unknown_session) session_ = {};
      break;  // for good; but what it says of this attempt is not said of the ones before
    }
    is_maybe_done |= result.is_maybe_done;
    // What a monitor says tells more than that another one is down, and that more than that the time was up in the
    // middle of an attempt.
    const bool is_late = loop_->now() >= deadline || is_cancelled();
    const bool tells_more = result.is_answer || (!has_answer && !is_late);
    if (tells_more || reason.is_ok()) reason = std::move(result.reason);
    has_answer |= result.is_answer;
    go_to_next();
    if (is_late) break;
    if (moves_ % options_.monitors.size() == 0 && moves_ < attempts) {
      wait(std::min(deadline, loop_->now() + pause_between_rounds), [] { return false; });
      if (loop_->now() >= deadline || is_cancelled()) break;
    }
  }
  if (is_write && is_maybe_done) return Status(Code::unknown_outcome, reason.message());
  return reason;
}

Result<ClientReply> Client::Impl::call(RequestBody body) {
  return call(body, loop_->now() + options_.timeout, SIZE_MAX);
}

Status Client::Impl::open_session(TimePoint deadline) {
  const Result<ClientReply> reply = call(OpenSessionRequest{number_}, deadline, SIZE_MAX);
  if (!reply) return reply.error();
  const auto* opened = std::get_if<OpenSessionReply>(&reply->body);
  if (opened == nullptr || opened->session.client != number_ || opened->session.number == 0) {
    return {Code::corruption, fmt::format("{} answered something else than the session that was asked for", monitor())};
  }
  session_ = opened->session;
  return Status::ok();
}

Result<ClientReply> Client::Impl::write(WriteRequest request) {
  const TimePoint deadline = loop_->now() + options_.timeout;
  const uint64_t sequence = ++sequence_;
  RequestBody body = std::move(request);
  for (;;) {
    if (session_.number == 0) SYNOD_RETURN_IF_ERROR(open_session(deadline));
    // One at a time: what was sent before is answered, or given up.
    std::get<WriteRequest>(body).tag = RequestTag{session_, sequence, sequence};
    Result<ClientReply> reply = call(body, deadline, SIZE_MAX);
    if (reply || reply.error().code() != Code::unknown_session) return reply;
    // Certainly not done. The session was idle for so long that the cluster needed its place.
    if (loop_->now() >= deadline || is_cancelled()) return Status(Code::unavailable, reply.error().message());
  }
}

Result<StatusReply> Client::Impl::status() {
  const TimePoint deadline = loop_->now() + options_.timeout;
  std::optional<StatusReply> first;
  Status reason(Code::unavailable, "the time was up");
  for (size_t asked = 0; asked < options_.monitors.size() && loop_->now() < deadline; ++asked) {
    Result<ClientReply> reply = first ? call(StatusRequest{}, deadline, 1) : call(StatusRequest{}, deadline, SIZE_MAX);
    if (!reply) {
      reason = reply.error();
      continue;
    }
    auto* body = std::get_if<StatusReply>(&reply->body);
    if (body == nullptr) return Status(Code::corruption, fmt::format("{} answered something else", monitor()));
    if (has_quorum(*body)) return std::move(*body);
    if (!first) first = std::move(*body);
    go_to_next();
  }
  if (first) return *std::move(first);
  return reason;
}

Client::Client(ClientOptions options) : Client(std::move(options), std::make_unique<AsioLoop>()) {}
Client::Client(ClientOptions options, std::unique_ptr<Loop> loop)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(loop))) {}
Client::~Client() = default;

void Client::set_timeout(Duration timeout) { impl_->set_timeout(timeout); }

Result<WriteReply> Client::write(WriteRequest request) {
  if (request.ops.size() > write_ops_max) {
    return Status(Code::invalid_argument, "the request has " + std::to_string(request.ops.size()) +
                                              " operations, the limit is " + std::to_string(write_ops_max));
  }
  // A longer frame is not even read: it would look like a lost connection, with an unknown outcome.
  size_t bytes = 0;
  for (const WriteOp& op : request.ops) bytes += op.key.size() + op.value.size();
  if (const size_t limit = MessengerLimits{}.max_frame_bytes - header_bytes_max; bytes > limit) {
    return Status(Code::invalid_argument,
                  "the request has " + std::to_string(bytes) + " bytes, the limit is " + std::to_string(limit));
  }
  Result<ClientReply> reply = impl_->write(std::move(request));
  if (!reply) return reply.error();
  if (auto* body = std::get_if<WriteReply>(&reply->body)) return std::move(*body);
  return Status(Code::unknown_outcome, "the cluster answered a write with something else");
}

Result<RangeReply> Client::range(RangeRequest request) {
  Result<ClientReply> reply = impl_->call(std::move(request));
  if (!reply) return reply.error();
  if (auto* body = std::get_if<RangeReply>(&reply->body)) return std::move(*body);
  return Status(Code::corruption, "the cluster answered a read with something else");
}

Result<Client::Scanned> Client::scan(RangeRequest request, const std::function<bool(const KeyValue&)>& visit) {
  // Small first, for whoever stops early; in the end as much as fits into an answer (0).
  constexpr uint64_t first_page = 100, last_limited_page = 10'000;
  const uint64_t limit = request.limit;
  Scanned scanned;
  for (uint64_t page = first_page;; page = page == last_limited_page ? 0 : page * 10) {
    const uint64_t left = limit == 0 ? 0 : limit - scanned.keys;
    request.limit = left == 0 ? page : page == 0 ? left : std::min(page, left);
    Result<RangeReply> reply = range(request);
    if (!reply) return reply.error();
    scanned.revision = reply->revision;
    for (size_t i = 0; i < reply->items.size(); ++i) {
      ++scanned.keys;
      if (visit(reply->items[i])) continue;
      scanned.more = reply->more || i + 1 < reply->items.size();
      return scanned;
    }
    scanned.more = reply->more;
    if (!reply->more || (limit != 0 && scanned.keys >= limit)) return scanned;
    if (reply->items.empty()) return end_of_scan_missing();
    request.begin = reply->items.back().key + '\0';
  }
}

Result<TransferReply> Client::transfer_leader(std::string name) {
  Result<ClientReply> reply = impl_->call(TransferRequest{std::move(name)});
  if (!reply) return reply.error();
  if (auto* body = std::get_if<TransferReply>(&reply->body)) return std::move(*body);
  return Status(Code::unknown_outcome, "the cluster answered a hand-over with something else");
}

Result<ScrubReply> Client::scrub() {
  Result<ClientReply> reply = impl_->call(ScrubRequest{impl_->number()});
  if (!reply) return reply.error();
  if (auto* body = std::get_if<ScrubReply>(&reply->body)) return std::move(*body);
  return Status(Code::corruption, "the cluster answered a scrub with something else");
}

Result<StatusReply> Client::status() { return impl_->status(); }

}  // namespace synod
