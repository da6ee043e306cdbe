#include "msg/asio_transport.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "base/log.h"

namespace synod {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;

namespace {

Result<tcp::endpoint> resolve_now(asio::io_context& context, const Address& address) {
  Error error;
  if (const asio::ip::address numeric = asio::ip::make_address(address.host, error); !error) {
    return tcp::endpoint(numeric, address.port);
  }
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
  if (error) return Status(Code::io_error, error.message());
  if (found.empty()) return Status(Code::io_error, "the name has no address");
  return found.begin()->endpoint();
}

Error open_acceptor(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  Error error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  return error;
}

}  // namespace

Status AsioTransport::listen(const std::string& text) {
  const Result<Address> address = parse_address(text);
  if (!address) return address.error();
  const std::string what = "cannot listen on " + text + ": ";
  const Result<tcp::endpoint> endpoint = resolve_now(context_, *address);
  if (!endpoint) return {endpoint.error().code(), what + endpoint.error().message()};
  Acceptor acceptor(context_);
  if (const Error error = open_acceptor(acceptor, *endpoint)) {
    return {error == asio::error::address_in_use ? Code::in_use : Code::io_error, what + error.message()};
  }
  acceptors_.push_back(std::move(acceptor));
  accept(acceptors_.back());
  return Status::ok();
}

void AsioTransport::accept(Acceptor& acceptor) {
  acceptor.async_accept([this, &acceptor](const Error& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      on_accept(std::move(socket));
      accept(acceptor);
      return;
    }
    // Out of descriptors, for example. The dialer stays in the backlog; trying at once would spin.
    log(LogLevel::warning, "cannot accept a connection: {}", error.message());
    timers_.call_at(BootTimers::now() + std::chrono::milliseconds(100), [this, &acceptor] { accept(acceptor); });
  });
}

void AsioTransport::on_accept(tcp::socket socket) {
  if (handler_ == nullptr) return;
  Error error;
  const tcp::endpoint endpoint = socket.remote_endpoint(error);
  if (error) return;  // gone already
  const SocketPtr connection = add(std::move(socket), endpoint.address().to_string());
  const ConnectionId id = last_id_;
  handler_->on_accepted(id);
  if (find(id)) connection->start_accepted();
}

ConnectionId AsioTransport::connect(const std::string& text) {
  const SocketPtr socket = add(tcp::socket(context_), text);
  const ConnectionId id = last_id_;
  const Result<Address> address = parse_address(text);
  if (address) {
    socket->connect(*address);
  } else {
    asio::post(context_, [this, id, reason = address.error()] { on_failed(id, reason); });
  }
  return id;
}

void AsioTransport::send(ConnectionId id, std::vector<SharedBytes> parts) {
  if (const SocketPtr socket = find(id)) socket->send(std::move(parts));
}

void AsioTransport::pause_reading(ConnectionId id, bool paused) {
  if (const SocketPtr socket = find(id)) socket->pause_reading(paused);
}

void AsioTransport::close(ConnectionId id) {
  const SocketPtr socket = find(id);
  if (!socket) return;
  sockets_.erase(id);
  socket->close();
}

void AsioTransport::on_failed(ConnectionId id, const Status& reason) {
  if (!find(id)) return;
  close(id);
  handler().on_closed(id, reason);
}

AsioTransport::SocketPtr AsioTransport::find(ConnectionId id) const {
  const auto found = sockets_.find(id);
  return found == sockets_.end() ? nullptr : found->second;
}

AsioTransport::SocketPtr AsioTransport::add(tcp::socket socket, const std::string& peer) {
  const ConnectionId id = ++last_id_;
  SocketPtr connection = std::make_shared<AsioSocket>(*this, id, std::move(socket), peer);
  sockets_.emplace(id, connection);
  return connection;
}

}  // namespace synod
