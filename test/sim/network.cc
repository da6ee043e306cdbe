#include "test/sim/network.h"

#include <algorithm>

namespace synod::sim {
namespace {
constexpr Duration stall_max = std::chrono::seconds(2);
constexpr Duration stall_poll = std::chrono::milliseconds(10);
}  // namespace

HostTransport::HostTransport(Network& network, std::string host) : network_(network), host_(std::move(host)) {}

HostTransport::~HostTransport() {
  std::erase_if(network_.listeners_, [&](const auto& item) { return item.second == this; });
  const std::set<ConnectionId> open = own_;
  for (ConnectionId connection : open) network_.close(connection);
}

Status HostTransport::listen(const std::string& address) {
  network_.listeners_[address] = this;
  return Status::ok();
}

ConnectionId HostTransport::connect(const std::string& address) { return network_.open(*this, address); }

void HostTransport::send(ConnectionId connection, std::vector<SharedBytes> parts) {
  if (own_.count(connection) == 0) return;
  Bytes bytes;
  for (const SharedBytes& part : parts) bytes += part.view();
  network_.transmit(connection, std::move(bytes));
}

void HostTransport::close(ConnectionId connection) {
  if (own_.count(connection) > 0) network_.close(connection);
}

Duration Network::delay() {
  const auto span = static_cast<uint64_t>((delay_high_ - delay_low_).count()) + 1;
  return delay_low_ + Duration(static_cast<int64_t>(random_.below(span)));
}

ConnectionId Network::open(HostTransport& from, const std::string& address) {
  const ConnectionId client = ++last_connection_;
  from.own_.insert(client);
  ends_[client] = {&from, from.host_, 0, scheduler_.now(), {}, {}};
  scheduler_.call_after(delay(), [this, client, address] { accept(client, address); });
  return client;
}

void Network::accept(ConnectionId client, const std::string& address) {
  const auto it = ends_.find(client);
  if (it == ends_.end()) return;
  const auto listener = listeners_.find(address);
  if (listener == listeners_.end() || is_cut(it->second.host, address) || is_cut(address, it->second.host)) {
    broken(client, "connection refused");
    return;
  }
  const ConnectionId server = ++last_connection_;
  HostTransport* transport = listener->second;
  transport->own_.insert(server);
  ends_[server] = {transport, address, client, scheduler_.now(), {}, {}};
  ends_[client].peer = server;
  transport->handler_->on_accepted(server);
  const auto still = ends_.find(client);
  if (still != ends_.end()) still->second.transport->handler_->on_connected(client);
}

void Network::transmit(ConnectionId from, Bytes bytes) {
  const End& sender = ends_.at(from);
  const auto receiver = ends_.find(sender.peer);
  if (receiver != ends_.end()) {
    // In up to three pieces, cut anywhere.
    while (!bytes.empty()) {
      const size_t size = random_.chance(70) ? bytes.size() : 1 + random_.below(bytes.size());
      End& end = receiver->second;
      end.arriving.push_back(bytes.substr(0, size));
      bytes.erase(0, size);
      end.delivered_until = std::max(end.delivered_until, scheduler_.now() + delay());
      scheduler_.call_at(end.delivered_until, [this, to = receiver->first] { deliver(to); });
    }
  }
  scheduler_.call_after(Duration(0), [this, from] {
    const auto it = ends_.find(from);
    if (it != ends_.end()) it->second.transport->handler_->on_drained(from);
  });
}

void Network::deliver(ConnectionId to) {
  const auto it = ends_.find(to);
  if (it == ends_.end() || it->second.arriving.empty()) return;
  End& end = it->second;
  const auto sender = ends_.find(end.peer);
  if (sender != ends_.end() && is_cut(sender->second.host, end.host)) {
    if (end.stalled_since == TimePoint()) end.stalled_since = scheduler_.now();
    if (scheduler_.now() - end.stalled_since > stall_max) {
      const ConnectionId other = end.peer;
      broken(to, "timed out");
      broken(other, "timed out");
    } else {
      scheduler_.call_after(stall_poll, [this, to] { deliver(to); });
    }
    return;
  }
  end.stalled_since = TimePoint();
  const Bytes piece = std::move(end.arriving.front());
  end.arriving.pop_front();
  end.transport->handler_->on_bytes(to, piece);
}

void Network::close(ConnectionId connection) {
  const auto it = ends_.find(connection);
  if (it == ends_.end()) return;
  const ConnectionId peer = it->second.peer;
  it->second.transport->own_.erase(connection);
  ends_.erase(it);
  if (peer != 0) scheduler_.call_after(delay_high_, [this, peer] { broken(peer, "closed by the other side"); });
}

void Network::broken(ConnectionId connection, const char* why) {
  const auto it = ends_.find(connection);
  if (it == ends_.end()) return;
  HostTransport* transport = it->second.transport;
  transport->own_.erase(connection);
  ends_.erase(it);
  transport->handler_->on_closed(connection, Status(Code::unavailable, why));
}

}  // namespace synod::sim
