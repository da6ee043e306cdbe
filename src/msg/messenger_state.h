// What the messenger knows of a connection and of a link. Private to src/msg.
#pragma once

#include <optional>
#include <string>

#include "msg/frame_reader.h"
#include "msg/messenger.h"

namespace synod {

struct Messenger::Connection {
  Connection(ConnectionId connection_id, std::string link_address, size_t max_frame_bytes)
      : id(connection_id), link(std::move(link_address)), reader(max_frame_bytes) {}

  bool is_accepted() const { return link.empty(); }
  bool is_client() const { return peer && peer->hello.kind == PeerKind::client; }
  std::string describe() const;  // for logs

  const ConnectionId id;
  const std::string link;  // the address that was dialed; empty for an accepted connection
  FrameReader reader;
  std::optional<PeerInfo> peer;  // from its hello
  bool is_connected = false;
  bool is_detached = false;  // nothing is received any more, what is queued still leaves
  bool is_paused = false;
  Bytes held_back;          // received while paused
  size_t queued_bytes = 0;  // since the queue was last empty
  std::optional<TimePoint> frame_started;
  std::optional<TimePoint> deadline;
  TimerId timer = 0;  // may fire earlier than the deadline, never later
  TimePoint timer_at;
};

struct Messenger::Link {
  ConnectionId connection = 0;  // zero while it waits to be dialed again
  bool is_up = false;
  Duration backoff{};
  TimerId redial = 0;
  Status reason{Code::unavailable, "not connected yet"};
};

}  // namespace synod
