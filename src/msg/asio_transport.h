// The sockets and listeners of AsioLoop. Private to src/msg.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/assert.h"
#include "msg/asio_socket.h"
#include "msg/boot_timers.h"
#include "msg/transport.h"

namespace synod {

class AsioTransport {
 public:
  AsioTransport(boost::asio::io_context& context, BootTimers& timers) : context_(context), timers_(timers) {}

  void set_handler(TransportHandler* handler) { handler_ = handler; }
  Status listen(const std::string& address);
  ConnectionId connect(const std::string& address);
  void send(ConnectionId connection, std::vector<SharedBytes> parts);
  void pause_reading(ConnectionId connection, bool paused);
  void close(ConnectionId connection);

  // For the sockets. What one reads is used up before another reads.
  TransportHandler& handler() const {
    SYNOD_ASSERT(handler_ != nullptr, "a connection without a handler");
    return *handler_;
  }
  std::vector<char>& read_buffer() { return read_buffer_; }
  void on_failed(ConnectionId connection, const Status& reason);

 private:
  using Acceptor = boost::asio::ip::tcp::acceptor;
  using SocketPtr = std::shared_ptr<AsioSocket>;

  SocketPtr find(ConnectionId connection) const;
  SocketPtr add(boost::asio::ip::tcp::socket socket, const std::string& peer);
  void accept(Acceptor& acceptor);
  void on_accept(boost::asio::ip::tcp::socket socket);

  boost::asio::io_context& context_;
  BootTimers& timers_;
  TransportHandler* handler_ = nullptr;
  std::list<Acceptor> acceptors_;
  std::unordered_map<ConnectionId, SocketPtr> sockets_;
  ConnectionId last_id_ = 0;
  std::vector<char> read_buffer_ = std::vector<char>(256 * 1024);
};

}  // namespace synod
