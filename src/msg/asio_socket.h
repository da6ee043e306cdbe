// One TCP connection of AsioLoop: waits until the socket is ready, then reads or writes without blocking, so that no
// buffer is in use between two events. Private to src/msg.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "msg/transport.h"

namespace synod {

class AsioTransport;

class AsioSocket : public std::enable_shared_from_this<AsioSocket> {
 public:
  // `peer` names the other end in messages.
  AsioSocket(AsioTransport& transport, ConnectionId id, boost::asio::ip::tcp::socket socket, std::string peer);

  void connect(const Address& address);
  void start_accepted();
  void send(std::vector<SharedBytes> parts);
  void pause_reading(bool paused);
  void close();

 private:
  using Error = boost::system::error_code;
  using Endpoints = boost::asio::ip::tcp::resolver::results_type;

  void resolve(const Address& address);
  void connect_to(const Endpoints& endpoints);
  void finish_connect(const Error& error);
  Error set_options();
  void wait_read();
  void read();
  void wait_write();
  void flush_later();
  void flush();
  Error write_some();
  void fail(const std::string& what, const Error& error);

  AsioTransport& transport_;
  const ConnectionId id_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::ip::tcp::resolver resolver_;
  const std::string peer_;
  std::deque<SharedBytes> queue_;
  size_t first_written_ = 0;  // how much of the queue's first part has left
  bool is_connected_ = false;
  bool is_closed_ = false;
  bool is_paused_ = false;
  bool is_read_pending_ = false;
  bool is_flush_pending_ = false;
};

}  // namespace synod
