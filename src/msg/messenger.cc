#include "msg/messenger.h"

#include <utility>

#include "base/log.h"
#include "msg/messenger_state.h"

namespace synod {

Messenger::Messenger(Transport& transport, Timers& timers, const Clock& clock, Random& random, MessengerLimits limits,
                     std::function<Self()> self, MessengerHandler& handler)
    : transport_(transport),
      timers_(timers),
      clock_(clock),
      random_(random),
      limits_(limits),
      self_(std::move(self)),
      handler_(handler) {
  transport_.set_handler(this);
}

Messenger::~Messenger() {
  for (const auto& [id, connection] : connections_) {
    if (connection->timer != 0) timers_.cancel(connection->timer);
    transport_.close(id);
  }
  for (const auto& [address, link] : links_) {
    if (link.redial != 0) timers_.cancel(link.redial);
  }
  if (notice_timer_ != 0) timers_.cancel(notice_timer_);
  transport_.set_handler(nullptr);
}

Status Messenger::listen(const std::string& address) { return transport_.listen(address); }

bool Messenger::send(const std::string& address, const Message& message) {
  const auto link = links_.find(address);
  if (link == links_.end() || !link->second.is_up) return false;
  return send_on(*find(link->second.connection), message);
}

bool Messenger::reply(ConnectionId id, const Message& message) {
  const ConnectionPtr connection = find(id);
  if (!connection || connection->is_detached || !connection->peer) return false;
  return send_on(*connection, message);
}

void Messenger::close(ConnectionId id) {
  const ConnectionPtr connection = find(id);
  if (!connection || connection->is_detached) return;
  finish(*connection, Status(Code::unavailable, "closed by this side"));
}

Messenger::ConnectionPtr Messenger::find(ConnectionId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second;
}

Messenger::Connection& Messenger::open(ConnectionId id, const std::string& link) {
  const auto connection = std::make_shared<Connection>(id, link, limits_.max_frame_bytes);
  connections_[id] = connection;
  connection->deadline = clock_.now() + (link.empty() ? limits_.header_deadline : limits_.connect_deadline);
  arm_deadline(*connection);
  return *connection;
}

bool Messenger::send_on(Connection& connection, const Message& message) {
  Frame frame = encode_frame(self_().source, message);
  const size_t size = frame.size();
  if (size - frame_prefix_size > limits_.max_frame_bytes || frame.head.size() - frame_prefix_size > header_bytes_max) {
    // The peer would close the connection, and the next try would be no better.
    log(LogLevel::error, "{}: a {} of {} bytes is over the limit of {} and was not sent", connection.describe(),
        message_name(message), size, limits_.max_frame_bytes);
    return false;
  }
  if (!has_room(connection, size)) return false;
  connection.queued_bytes += size;
  counters_.messages_out += 1;
  counters_.bytes_out += size;
  std::vector<SharedBytes> parts;
  parts.reserve(1 + frame.payload.size());
  parts.emplace_back(std::move(frame.head));
  for (SharedBytes& part : frame.payload) parts.push_back(std::move(part));
  transport_.send(connection.id, std::move(parts));
  // Only the accepting side pauses: if both could, two full queues would wait for each other for ever.
  if (connection.is_accepted() && !connection.is_paused && connection.queued_bytes > limits_.max_queue_bytes / 2) {
    connection.is_paused = true;
    connection.deadline.reset();  // an unfinished frame is late only while this side reads
    transport_.pause_reading(connection.id, true);
  }
  return true;
}

bool Messenger::has_room(Connection& connection, size_t frame_size) {
  if (connection.queued_bytes + frame_size <= limits_.max_queue_bytes) return true;
  counters_.queue_overflows += 1;
  if (connection.is_accepted() && connection.is_client()) {
    log(LogLevel::warning, "{}: closed, since it does not read its answers: {} bytes wait", connection.describe(),
        connection.queued_bytes);
    drop(connection, Status(Code::exhausted, "the queue is full"), Backoff::grow);
  }
  return false;
}

void Messenger::dismiss(Connection& connection, const Status& reason) {
  log(LogLevel::warning, "{}: refused: {}", connection.describe(), reason.to_string());
  send_on(connection, Goodbye{reason});
  finish(connection, reason);
}

void Messenger::finish(Connection& connection, const Status& reason) {
  detach(connection, reason, Backoff::grow);
  if (connection.queued_bytes == 0) drop(connection, reason, Backoff::grow);
}

void Messenger::detach(Connection& connection, const Status& reason, Backoff backoff) {
  if (connection.is_detached) return;
  connection.is_detached = true;
  connection.deadline = clock_.now() + limits_.frame_deadline;
  arm_deadline(connection);
  if (!connection.is_accepted()) {
    redial_later(connection.link, reason, backoff);
    return;
  }
  if (connection.is_client()) {
    clients_ -= 1;
  } else {
    std::erase(connection.peer ? monitors_ : greeting_, connection.id);
  }
  if (connection.peer) {
    log(LogLevel::debug, "{}: over: {}", connection.describe(), reason.to_string());
    notify([this, id = connection.id] { handler_.on_disconnected(id); });
  }
}

void Messenger::drop(Connection& connection, const Status& reason, Backoff backoff) {
  const ConnectionPtr keep_alive = find(connection.id);
  if (!keep_alive) return;
  detach(connection, reason, backoff);
  if (connection.timer != 0) timers_.cancel(connection.timer);
  connections_.erase(connection.id);
  transport_.close(connection.id);
}

void Messenger::run(const std::function<void()>& work) {
  depth_ += 1;
  work();
  depth_ -= 1;
  deliver_notices();
}

void Messenger::notify(std::function<void()> notice) {
  notices_.push_back(std::move(notice));
  if (depth_ > 0 || notice_timer_ != 0) return;
  notice_timer_ = timers_.call_at(clock_.now(), [this] {
    notice_timer_ = 0;
    deliver_notices();
  });
}

void Messenger::deliver_notices() {
  while (depth_ == 0 && !notices_.empty()) {
    const std::function<void()> notice = std::move(notices_.front());
    notices_.pop_front();
    depth_ += 1;
    notice();
    depth_ -= 1;
  }
}

std::string Messenger::Connection::describe() const {
  if (!is_accepted()) return "link to " + link;
  std::string text = "connection " + std::to_string(id);
  if (!peer) return text;
  return text + (is_client() ? " of a client" : " of monitor " + peer->hello.name);
}

}  // namespace synod
