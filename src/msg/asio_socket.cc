#include "msg/asio_socket.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "msg/asio_transport.h"

namespace synod {

namespace asio = boost::asio;
using asio::ip::tcp;
using TcpOption = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;

namespace {

// How long sent bytes may go unacknowledged, or unread, before the connection counts as broken. The dialing side is the
// quicker one: it can dial again, which after a partition works sooner than TCP's own retries.
constexpr int dialed_timeout_ms = 10'000;
constexpr int accepted_timeout_ms = 30'000;
constexpr int keepalive_idle_s = 5;
constexpr int keepalive_interval_s = 2;

constexpr size_t max_parts_per_write = 64;          // what Asio passes on to one sendmsg
constexpr size_t max_bytes_per_turn = 1024 * 1024;  // then other connections have their turn

}  // namespace

AsioSocket::AsioSocket(AsioTransport& transport, ConnectionId id, tcp::socket socket, std::string peer)
    : transport_(transport),
      id_(id),
      socket_(std::move(socket)),
      resolver_(socket_.get_executor()),
      peer_(std::move(peer)) {}

void AsioSocket::connect(const Address& address) {
  Error error;
  const asio::ip::address numeric = asio::ip::make_address(address.host, error);
  if (error) return resolve(address);
  connect_to(Endpoints::create(tcp::endpoint(numeric, address.port), address.host, ""));
}

void AsioSocket::resolve(const Address& address) {
  resolver_.async_resolve(address.host, std::to_string(address.port), tcp::resolver::numeric_service,
                          [self = shared_from_this()](const Error& error, const Endpoints& endpoints) {
                            if (self->is_closed_) return;
                            if (error) return self->fail("cannot resolve", error);
                            self->connect_to(endpoints);
                          });
}

void AsioSocket::connect_to(const Endpoints& endpoints) {
  asio::async_connect(socket_, endpoints, [self = shared_from_this()](const Error& error, const tcp::endpoint&) {
    if (!self->is_closed_) self->finish_connect(error);
  });
}

void AsioSocket::finish_connect(const Error& connect_error) {
  if (connect_error) return fail("cannot connect to", connect_error);
  if (const Error error = set_options()) return fail("cannot use the connection to", error);
  Error local_error;
  Error remote_error;
  const tcp::endpoint local = socket_.local_endpoint(local_error);
  const tcp::endpoint remote = socket_.remote_endpoint(remote_error);
  if (local_error || remote_error) return fail("cannot connect to", local_error ? local_error : remote_error);
  // Dialing a free port of this host can, by chance, use that very port as the source, and TCP connects it to itself.
  if (local == remote) return fail("cannot connect to", asio::error::connection_refused);
  is_connected_ = true;
  Error ignored;
  socket_.set_option(TcpOption(dialed_timeout_ms), ignored);
  transport_.handler().on_connected(id_);
  if (is_closed_) return;
  wait_read();
  flush_later();
}

void AsioSocket::start_accepted() {
  if (const Error error = set_options()) {
    // Only the transport may tell, after it has announced the connection.
    asio::post(socket_.get_executor(), [self = shared_from_this(), error] {
      if (!self->is_closed_) self->fail("cannot use the connection from", error);
    });
    return;
  }
  is_connected_ = true;
  Error ignored;
  socket_.set_option(TcpOption(accepted_timeout_ms), ignored);
  wait_read();
}

AsioSocket::Error AsioSocket::set_options() {
  using KeepAliveIdle = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using KeepAliveInterval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  Error error;
  socket_.non_blocking(true, error);
  if (error) return error;
  // What follows only makes the connection better.
  Error ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  socket_.set_option(KeepAliveIdle(keepalive_idle_s), ignored);
  socket_.set_option(KeepAliveInterval(keepalive_interval_s), ignored);
  return {};
}

void AsioSocket::wait_read() {
  if (is_read_pending_ || is_paused_ || !is_connected_) return;
  is_read_pending_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const Error& error) {
    self->is_read_pending_ = false;
    if (self->is_closed_ || self->is_paused_) return;
    if (error) return self->fail("cannot read from", error);
    self->read();
  });
}

void AsioSocket::read() {
  std::vector<char>& buffer = transport_.read_buffer();
  Error error;
  const size_t size = socket_.read_some(asio::buffer(buffer), error);
  if (error == asio::error::eof) return fail("the other side closed the connection", {});
  if (error && error != asio::error::would_block && error != asio::error::interrupted) {
    return fail("lost the connection to", error);
  }
  if (size > 0) transport_.handler().on_bytes(id_, ByteView(buffer.data(), size));
  if (!is_closed_) wait_read();
}

void AsioSocket::send(std::vector<SharedBytes> parts) {
  for (SharedBytes& part : parts) {
    if (!part.empty()) queue_.push_back(std::move(part));
  }
  flush_later();
}

// In a turn of its own, so that all frames of one turn leave in one system call, and so that send() calls nothing back.
void AsioSocket::flush_later() {
  if (is_flush_pending_ || !is_connected_ || queue_.empty()) return;
  is_flush_pending_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (!self->is_closed_) self->flush();
  });
}

void AsioSocket::wait_write() {
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const Error& error) {
    if (self->is_closed_) return;
    if (error) return self->fail("cannot write to", error);
    self->flush();
  });
}

void AsioSocket::flush() {
  if (const Error error = write_some()) return fail("lost the connection to", error);
  if (!queue_.empty()) return wait_write();
  is_flush_pending_ = false;
  transport_.handler().on_drained(id_);
}

AsioSocket::Error AsioSocket::write_some() {
  std::vector<asio::const_buffer> buffers;
  for (size_t written = 0; !queue_.empty() && written < max_bytes_per_turn;) {
    buffers.clear();
    size_t skipped = first_written_;
    for (size_t i = 0; i < std::min(queue_.size(), max_parts_per_write); ++i) {
      const ByteView part = queue_[i].view().substr(std::exchange(skipped, 0));
      buffers.emplace_back(part.data(), part.size());
    }
    Error error;
    size_t size = socket_.write_some(buffers, error);
    if (error == asio::error::would_block) return {};
    if (error && error != asio::error::interrupted) return error;
    written += size;
    while (size > 0) {
      const size_t left = queue_.front().size() - first_written_;
      const size_t step = std::min(left, size);
      size -= step;
      first_written_ += step;
      if (step == left) {
        queue_.pop_front();
        first_written_ = 0;
      }
    }
  }
  return {};
}

void AsioSocket::pause_reading(bool paused) {
  is_paused_ = paused;
  wait_read();
}

void AsioSocket::close() {
  is_closed_ = true;
  queue_.clear();
  resolver_.cancel();
  Error ignored;
  socket_.close(ignored);
}

void AsioSocket::fail(const std::string& what, const Error& error) {
  std::string text = error ? what + " " + peer_ + ": " + error.message() : what;
  transport_.on_failed(id_, Status(Code::unavailable, std::move(text)));
}

}  // namespace synod
