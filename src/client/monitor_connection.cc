#include "client/monitor_connection.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "msg/messenger.h"

namespace synod {
namespace {
constexpr size_t max_frame_bytes = MessengerLimits{}.max_frame_bytes;
}  // namespace

MonitorConnection::MonitorConnection(Transport& transport, std::function<void()> on_event)
    : transport_(transport), on_event_(std::move(on_event)), reader_(max_frame_bytes) {
  transport_.set_handler(this);
}

MonitorConnection::~MonitorConnection() {
  close();
  transport_.set_handler(nullptr);
}

void MonitorConnection::open(const std::string& address) {
  close();
  reply_.reset();
  address_ = address;
  connection_ = transport_.connect(address);
}

void MonitorConnection::close() {
  if (connection_ != 0) transport_.close(std::exchange(connection_, 0));
  ready_ = false;
  reader_ = FrameReader(max_frame_bytes);
  lost_.reset();
}

void MonitorConnection::send(const Message& message) {
  Frame frame = encode_frame(Source{}, message);
  std::vector<SharedBytes> parts;
  parts.reserve(1 + frame.payload.size());
  parts.emplace_back(std::move(frame.head));
  for (SharedBytes& part : frame.payload) parts.push_back(std::move(part));
  transport_.send(connection_, std::move(parts));
}

std::optional<ClientReply> MonitorConnection::take_reply(uint64_t id) {
  std::optional<ClientReply> taken = std::exchange(reply_, std::nullopt);
  if (taken && taken->id != id) taken.reset();
  return taken;
}

void MonitorConnection::on_connected(ConnectionId connection) {
  if (connection == connection_) send(Hello{});
}

void MonitorConnection::on_bytes(ConnectionId connection, ByteView bytes) {
  // A message may end the connection in the middle of the bytes.
  while (connection == connection_ && !bytes.empty()) {
    Result<std::optional<Received>> received = reader_.read(bytes);
    if (!received) return lose(received.error());
    if (*received) on_message(*std::move(*received));
  }
}

void MonitorConnection::on_closed(ConnectionId connection, const Status& reason) {
  if (connection != connection_) return;
  connection_ = 0;
  lose(reason);
}

void MonitorConnection::on_message(Received received) {
  const Fsid& fsid = received.source.fsid;
  if (fsid && fsid_ && fsid != fsid_) {
    return lose(Status(Code::refused, fmt::format("it belongs to cluster {}, the monitors asked before to {}",
                                                  to_string(fsid), to_string(fsid_))));
  }
  if (fsid) fsid_ = fsid;
  if (const auto* hello = std::get_if<Hello>(&received.message)) {
    on_hello(*hello);
  } else if (const auto* goodbye = std::get_if<Goodbye>(&received.message)) {
    lose(goodbye->reason);
  } else if (auto* reply = std::get_if<ClientReply>(&received.message)) {
    if (!ready_) return lose(Status(Code::corruption, "it answered before it said hello"));
    reply_ = std::move(*reply);
    on_event_();
  }
}

void MonitorConnection::on_hello(const Hello& hello) {
  if (hello.version != protocol_version) {
    return lose(Status(Code::refused, fmt::format("it speaks version {} of the protocol, this program version {}",
                                                  hello.version, protocol_version)));
  }
  ready_ = true;
  on_event_();
}

void MonitorConnection::lose(Status reason) {
  close();
  lost_ = std::move(reason);
  on_event_();
}

}  // namespace synod
