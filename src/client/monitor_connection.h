// One connection to one monitor, as a client sees it: dial, hello, then messages. Does not dial again: a client that
// loses one goes to the next monitor (which is why this is not a Messenger, whose links come back by themselves and do
// not tell of a refused dial).
//
// Not thread safe; all on the loop's thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "msg/frame_reader.h"
#include "msg/messages.h"
#include "msg/transport.h"

namespace synod {

class MonitorConnection : private TransportHandler {
 public:
  // Takes the transport's handler for itself. `on_event` is called after something changed: the connection became
  // ready, a message came, it was lost. It must not call back into the connection.
  MonitorConnection(Transport& transport, std::function<void()> on_event);
  ~MonitorConnection() override;

  // Closes what was open and dials.
  void open(const std::string& address);
  void close();

  bool is_ready() const { return ready_; }  // both hellos were exchanged
  // Why the connection ended without close(); empty while it lasts, and while there is none.
  const std::optional<Status>& lost() const { return lost_; }
  const std::string& address() const { return address_; }

  // REQUIRES: is_ready().
  void send(const Message& message);
  // The answer with this id, if it has come, also when the connection was lost after it; others are forgotten.
  std::optional<ClientReply> take_reply(uint64_t id);

 private:
  void on_accepted(ConnectionId) override {}
  void on_connected(ConnectionId connection) override;
  void on_bytes(ConnectionId connection, ByteView bytes) override;
  void on_drained(ConnectionId) override {}
  void on_closed(ConnectionId connection, const Status& reason) override;

  void on_message(Received received);
  void on_hello(const Hello& hello);
  void lose(Status reason);

  Transport& transport_;
  std::function<void()> on_event_;
  std::string address_;
  ConnectionId connection_ = 0;  // zero: none
  bool ready_ = false;
  FrameReader reader_;
  std::optional<Status> lost_;
  std::optional<ClientReply> reply_;
  // Of the first monitor that told; another cluster's monitor is not listened to.
  Fsid fsid_;
};

}  // namespace synod
