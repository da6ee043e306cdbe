// The messenger's receiving side: transport events, hellos, deadlines.
#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "msg/messenger_state.h"

namespace synod {

void Messenger::on_accepted(ConnectionId id) {
  run([&] { make_room(greeting_, limits_.max_greeting, "connections without a hello"); });
  counters_.accepted += 1;
  greeting_.push_back(id);
  open(id, "").is_connected = true;
}

void Messenger::make_room(std::deque<ConnectionId>& connections, size_t most, const char* what) {
  if (connections.size() < most) return;
  Connection& oldest = *find(connections.front());
  counters_.refused_connections += 1;
  log(LogLevel::warning, "{}: closed for a newer one, since {} {} are open", oldest.describe(), most, what);
  drop(oldest, Status(Code::exhausted, "closed for a newer connection"), Backoff::grow);
}

void Messenger::on_connected(ConnectionId id) {
  const ConnectionPtr connection = find(id);
  if (!connection || connection->is_detached) return;
  connection->is_connected = true;
  connection->deadline = clock_.now() + limits_.header_deadline;
  arm_deadline(*connection);
  run([&] { send_hello(*connection); });
}

void Messenger::on_bytes(ConnectionId id, ByteView bytes) {
  counters_.bytes_in += bytes.size();
  const ConnectionPtr connection = find(id);
  if (!connection || connection->is_detached) return;
  run([&] { receive(connection, bytes); });
}

void Messenger::on_drained(ConnectionId id) {
  const ConnectionPtr connection = find(id);
  if (!connection) return;
  connection->queued_bytes = 0;
  run([&] {
    if (connection->is_detached) {
      drop(*connection, Status::ok(), Backoff::grow);
    } else if (connection->is_paused) {
      resume(connection);
    }
  });
}

void Messenger::on_closed(ConnectionId id, const Status& reason) {
  const ConnectionPtr connection = find(id);
  if (!connection) return;
  run([&] { drop(*connection, reason, connection->peer ? Backoff::restart : Backoff::grow); });
}

void Messenger::receive(const ConnectionPtr& connection, ByteView bytes) {
  bool has_new_frame = false;
  while (!bytes.empty()) {
    if (connection->is_detached) return;  // by a handler, or by what it sent before
    if (connection->is_paused) {
      connection->held_back.append(bytes);
      break;
    }
    Result<std::optional<Received>> received = connection->reader.read(bytes);
    if (!received) {
      reject(*connection, received.error());
      return;
    }
    if (*received) {
      has_new_frame = true;
      receive_frame(connection, std::move(**received));
    }
  }
  if (!connection->is_detached) watch_progress(*connection, has_new_frame);
}

void Messenger::receive_frame(const ConnectionPtr& connection, Received received) {
  counters_.messages_in += 1;
  if (std::holds_alternative<Hello>(received.message)) return receive_hello(connection, std::move(received));
  if (std::holds_alternative<Goodbye>(received.message)) return receive_goodbye(connection, std::move(received));
  if (!connection->peer) {
    const std::string name = message_name(received.message);
    reject(*connection, Status(Code::refused, name + " before the hello"));
    return;
  }
  handler_.on_message(connection->id, *connection->peer, std::move(received));
}

void Messenger::receive_hello(const ConnectionPtr& connection, Received received) {
  Hello& hello = std::get<Hello>(received.message);
  if (connection->peer) {
    reject(*connection, Status(Code::refused, "a second hello"));
    return;
  }
  if (hello.version != protocol_version) {
    // Both ends log it, and a client prints it.
    const std::string who = hello.kind == PeerKind::client ? "the client" : "monitor " + hello.name;
    dismiss(*connection,
            Status(Code::refused, fmt::format("{} speaks version {} of the protocol, monitor {} version {}: update the "
                                              "older one",
                                              who, hello.version, self_().hello.name, protocol_version)));
    return;
  }
  const bool is_client = hello.kind == PeerKind::client;
  if (connection->is_accepted() && is_client && clients_ >= limits_.max_clients) {
    counters_.refused_connections += 1;
    dismiss(*connection,
            Status(Code::unavailable,
                   fmt::format("this monitor serves {} clients already, which is its limit", limits_.max_clients)));
    return;
  }
  connection->peer = PeerInfo{received.source, std::move(hello)};
  connection->deadline.reset();
  if (connection->is_accepted()) {
    std::erase(greeting_, connection->id);
    if (is_client) {
      clients_ += 1;
    } else {
      make_room(monitors_, limits_.max_monitors, "connections of monitors");
      monitors_.push_back(connection->id);
    }
    send_hello(*connection);
    log(LogLevel::debug, "{}: accepted", connection->describe());
    return;
  }
  Link& link = links_.at(connection->link);
  link.is_up = true;
  link.reason = Status::ok();
  log(LogLevel::info, "{}: up, with monitor {}", connection->describe(), connection->peer->hello.name);
  handler_.on_link_up(connection->link, *connection->peer);
}

void Messenger::receive_goodbye(const ConnectionPtr& connection, Received received) {
  Status reason = std::get<Goodbye>(received.message).reason;
  if (reason.is_ok()) reason = Status(Code::unavailable, "the other side said goodbye");
  if (connection->peer) handler_.on_message(connection->id, *connection->peer, std::move(received));
  drop(*connection, reason, Backoff::grow);
}

void Messenger::reject(Connection& connection, const Status& why) {
  counters_.bad_frames += 1;
  log(LogLevel::warning, "{}: closed, since it sent something bad: {}", connection.describe(), why.to_string());
  drop(connection, why, Backoff::grow);
}

void Messenger::resume(const ConnectionPtr& connection) {
  connection->is_paused = false;
  receive(connection, std::exchange(connection->held_back, Bytes()));
  if (!connection->is_detached && !connection->is_paused) transport_.pause_reading(connection->id, false);
}

void Messenger::send_hello(Connection& connection) { send_on(connection, self_().hello); }

void Messenger::watch_progress(Connection& connection, bool has_new_frame) {
  if (!connection.peer) return;  // the deadline of the hello stands, however slowly it comes
  const FrameReader::Progress progress = connection.reader.progress();
  if (progress == FrameReader::Progress::between_frames || connection.is_paused) {
    connection.frame_started.reset();
    connection.deadline.reset();
    return;
  }
  if (!connection.frame_started || has_new_frame) connection.frame_started = clock_.now();
  const bool is_in_prefix = progress == FrameReader::Progress::in_prefix;
  connection.deadline = *connection.frame_started + (is_in_prefix ? limits_.header_deadline : limits_.frame_deadline);
  arm_deadline(connection);
}

// Frames come much more often than they are late, so a timer that became too early is left to fire in vain.
void Messenger::arm_deadline(Connection& connection) {
  if (!connection.deadline) return;
  if (connection.timer != 0) {
    if (connection.timer_at <= *connection.deadline) return;
    timers_.cancel(connection.timer);
  }
  connection.timer_at = *connection.deadline;
  connection.timer = timers_.call_at(connection.timer_at, [this, id = connection.id] { on_deadline(id); });
}

void Messenger::on_deadline(ConnectionId id) {
  const ConnectionPtr connection = find(id);
  if (!connection) return;
  connection->timer = 0;
  if (!connection->deadline) return;
  if (clock_.now() < *connection->deadline) {
    arm_deadline(*connection);
    return;
  }
  const char* late = !connection->is_connected ? "no connection"
                     : connection->is_detached ? "it does not read the last bytes for it"
                     : !connection->peer       ? "no hello"
                                               : "an unfinished frame";
  const Status reason(Code::unavailable, std::string("too late: ") + late);
  if (connection->is_connected && !connection->is_detached) {
    counters_.deadlines += 1;
    log(LogLevel::warning, "{}: closed, {}", connection->describe(), reason.message());
  }
  run([&] { drop(*connection, reason, Backoff::grow); });
}

}  // namespace synod
