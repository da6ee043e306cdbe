#include "test/sim/network.h"

#include <algorithm>

namespace synod::sim {
namespace {

constexpr size_t frames_remembered = 24;       // by each link between two members
constexpr size_t frame_remembered_max = 4096;  // bytes; larger ones are not repeated

Bytes join(const std::vector<SharedBytes>& parts) {
  Bytes bytes;
  size_t size = 0;
  for (const SharedBytes& part : parts) size += part.view().size();
  bytes.reserve(size);
  for (const SharedBytes& part : parts) bytes += part.view();
  return bytes;
}

}  // namespace

// ---------------------------------------------------------------------------------------------- one process's side

HostTransport::HostTransport(Network& network, std::string host, ProcessGate* gate)
    : network_(network), host_(std::move(host)), gate_(gate) {}

HostTransport::~HostTransport() {
  *alive_ = false;
  std::erase_if(network_.listeners_, [&](const auto& item) { return item.second == this; });
  const std::set<ConnectionId> open = own_;
  for (ConnectionId connection : open) network_.close(connection);
}

void HostTransport::vanish() {
  std::erase_if(network_.listeners_, [&](const auto& item) { return item.second == this; });
  const std::set<ConnectionId> open = std::exchange(own_, {});
  for (ConnectionId connection : open) network_.vanish(connection);
}

// Into the process, when it runs; not at all, if it has ended by then.
void HostTransport::enter(std::function<void(TransportHandler&)> work) {
  if (gate_ == nullptr) {
    if (handler_ != nullptr) work(*handler_);
    return;
  }
  gate_->enter([this, alive = alive_, work = std::move(work)] {
    if (*alive && handler_ != nullptr) work(*handler_);
  });
}

Status HostTransport::listen(const std::string& address) {
  network_.listeners_[address] = this;
  return Status::ok();
}

ConnectionId HostTransport::connect(const std::string& address) { return network_.open(this, host_, address); }

void HostTransport::send(ConnectionId connection, std::vector<SharedBytes> parts) {
  const auto it = network_.ends_.find(connection);
  if (own_.count(connection) == 0 || it == network_.ends_.end()) return;
  Bytes frame = join(parts);
  if (network_.tap_) network_.tap_(host_, it->second.peer_host, frame);
  network_.link(host_, it->second.peer_host).bytes_sent += frame.size();
  network_.remember(host_, it->second.peer_host, std::exchange(it->second.is_first_frame, false), frame);
  network_.transmit(connection, std::move(frame));
}

void HostTransport::pause_reading(ConnectionId connection, bool paused) {
  const auto it = network_.ends_.find(connection);
  if (it == network_.ends_.end()) return;
  it->second.is_paused = paused;
  if (!paused) network_.deliver_all(connection);
}

void HostTransport::close(ConnectionId connection) {
  if (own_.count(connection) > 0) network_.close(connection);
}

// ---------------------------------------------------------------------------------------------- conditions

bool Network::is_cut(const std::string& from, const std::string& to) const {
  const auto it = links_.find({from, to});
  return it != links_.end() && it->second.is_cut;
}

uint64_t Network::bytes_sent(const std::string& from, const std::string& to) const {
  const auto it = links_.find({from, to});
  return it == links_.end() ? 0 : it->second.bytes_sent;
}

void Network::heal(const std::string& from, const std::string& to) {
  const auto it = links_.find({from, to});
  if (it == links_.end()) return;
  it->second.is_cut = false;
  it->second.clogged_until = TimePoint();
  for (const auto& [id, end] : ends_) {
    if (end.host == to && end.peer_host == from) deliver_all(id);
  }
}

void Network::heal_all() {
  std::vector<std::pair<std::string, std::string>> cut;
  for (const auto& [hosts, link] : links_) {
    if (link.is_cut || link.clogged_until > scheduler_.now()) cut.push_back(hosts);
  }
  for (const auto& [from, to] : cut) heal(from, to);
}

void Network::clog(const std::string& from, const std::string& to, Duration length) {
  Link& clogged = link(from, to);
  clogged.clogged_until = std::max(clogged.clogged_until, scheduler_.now() + length);
}

void Network::reset(const std::string& one, const std::string& other) {
  std::vector<ConnectionId> between;
  for (const auto& [id, end] : ends_) {
    const bool is_between = (end.host == one && end.peer_host == other) || (end.host == other && end.peer_host == one);
    if (is_between) between.push_back(id);
  }
  for (ConnectionId id : between) broken(id, "connection reset");
}

void Network::half_open(const std::string& loses, const std::string& keeps) {
  std::vector<ConnectionId> lost;
  for (const auto& [id, end] : ends_) {
    if (end.host == loses && end.peer_host == keeps) lost.push_back(id);
  }
  for (ConnectionId id : lost) broken(id, "connection reset");
}

Duration Network::delay() { return options_.delay_min + random_.exponential(options_.delay_mean); }

// ---------------------------------------------------------------------------------------------- connections

ConnectionId Network::open(HostTransport* from, const std::string& host, const std::string& address) {
  const ConnectionId client = ++last_connection_;
  if (from != nullptr) from->own_.insert(client);
  End& end = ends_[client];
  end.transport = from;
  end.host = host;
  end.peer_host = address;
  end.arrives_until = scheduler_.now();
  dial(client, address, std::chrono::seconds(1));
  return client;
}

// A call that does not get through is repeated, as TCP does; one to a host without a listener is refused.
void Network::dial(ConnectionId client, const std::string& address, Duration retry) {
  scheduler_.call_after(delay(), [this, client, address, retry] {
    const auto it = ends_.find(client);
    if (it == ends_.end()) return;
    const std::string host = it->second.host;
    if (is_cut(host, address) || is_cut(address, host)) {
      scheduler_.call_after(retry, [this, client, address, retry] {
        if (ends_.count(client) > 0) dial(client, address, 2 * retry);
      });
      return;
    }
    const auto listener = listeners_.find(address);
    if (listener == listeners_.end()) {
      broken(client, "connection refused");
      return;
    }
    const ConnectionId server = ++last_connection_;
    HostTransport* transport = listener->second;
    transport->own_.insert(server);
    End& end = ends_[server];
    end.transport = transport;
    end.host = address;
    end.peer_host = host;
    end.peer = client;
    end.arrives_until = scheduler_.now();
    ends_[client].peer = server;
    transport->enter([server](TransportHandler& handler) { handler.on_accepted(server); });
    const auto still = ends_.find(client);
    if (still == ends_.end() || still->second.transport == nullptr) return;
    still->second.transport->enter([client](TransportHandler& handler) { handler.on_connected(client); });
  });
}

void Network::remember(const std::string& from, const std::string& to, bool is_first, ByteView frame) {
  if (listeners_.count(from) == 0 || listeners_.count(to) == 0) return;  // between members only
  Link& remembered = link(from, to);
  if (is_first) {
    remembered.hello = Bytes(frame);
    return;
  }
  if (frame.size() > frame_remembered_max) return;
  remembered.history.emplace_back(frame);
  if (remembered.history.size() > frames_remembered) remembered.history.pop_front();
}

size_t Network::replay(const std::string& from, const std::string& to) {
  const Link& remembered = link(from, to);
  if (remembered.hello.empty() || remembered.history.empty()) return 0;
  Bytes bytes = remembered.hello;
  const size_t count = 1 + random_.below(remembered.history.size());
  for (size_t i = 0; i < count; ++i) bytes += random_.pick(remembered.history);
  const ConnectionId client = open(nullptr, from, to);
  // It is dialed first; what it sends is kept with the other end once there is one.
  scheduler_.call_after(options_.delay_min + 20 * options_.delay_mean, [this, client, bytes = std::move(bytes)] {
    const auto it = ends_.find(client);
    if (it == ends_.end()) return;
    if (it->second.peer != 0) transmit(client, bytes);
    scheduler_.call_after(std::chrono::seconds(1), [this, client] {
      if (ends_.count(client) > 0) close(client);
    });
  });
  return count;
}

void Network::transmit(ConnectionId from, Bytes bytes) {
  const End& sender = ends_.at(from);
  scheduler_.trace().add(from);
  scheduler_.trace().add(ByteView(bytes));
  const auto receiver = ends_.find(sender.peer);
  if (sender.peer != 0 && receiver == ends_.end()) {
    // The other end is gone: half-open until this is noticed, by its answer or for the lack of one.
    const bool is_answered = listeners_.count(sender.peer_host) > 0 && !is_cut(sender.host, sender.peer_host);
    scheduler_.call_after(is_answered ? delay() : options_.stall_max,
                          [this, from] { broken(from, "connection reset"); });
    return;
  }
  if (receiver == ends_.end()) return;  // not connected yet: the messenger sends nothing then
  if (random_.chance_per_million(options_.reset_per_million)) {
    scheduler_.call_after(delay(), [this, from, to = receiver->first] {
      broken(from, "connection reset");
      broken(to, "connection reset");
    });
    return;
  }
  End& end = receiver->second;
  const bool was_room = end.arriving_bytes <= socket_buffer;
  Duration under_way = delay();
  if (random_.chance_per_million(options_.loss_per_million)) under_way += options_.retransmission;
  end.arrives_until = std::max(end.arrives_until, scheduler_.now() + under_way);
  size_t begin = 0;
  while (begin < bytes.size()) {
    const size_t left = bytes.size() - begin;
    const size_t size = random_.chance(options_.split_percent) ? 1 + random_.below(left) : left;
    end.arriving.push_back({end.arrives_until, bytes.substr(begin, size)});
    end.arriving_bytes += size;
    begin += size;
    deliver_later(receiver->first, end.arrives_until);
  }
  most_under_way_ = std::max(most_under_way_, end.arriving_bytes);
  if (was_room && end.arriving_bytes <= socket_buffer) {
    scheduler_.call_after(Duration(0), [this, from] { tell_drained(from); });
  } else {
    end.wants_drained = true;
  }
}

void Network::tell_drained(ConnectionId sender) {
  const auto it = ends_.find(sender);
  if (it == ends_.end() || it->second.transport == nullptr) return;
  it->second.transport->enter([sender](TransportHandler& handler) { handler.on_drained(sender); });
}

void Network::deliver_later(ConnectionId to, TimePoint when) {
  scheduler_.call_at(when, [this, to] { deliver(to); });
}

// One piece, if one is due. Whatever keeps it here sees to it that this is called again.
void Network::deliver(ConnectionId to) {
  const auto it = ends_.find(to);
  if (it == ends_.end()) return;
  End& end = it->second;
  if (end.arriving.empty() || end.is_paused || scheduler_.now() < end.arriving.front().arrives) return;
  const Link& way = link(end.peer_host, end.host);
  if (way.clogged_until > scheduler_.now()) return deliver_later(to, way.clogged_until);
  if (way.is_cut) return stall(to, end);
  end.stalled_since = TimePoint();
  Bytes piece = std::move(end.arriving.front().bytes);
  end.arriving.pop_front();
  end.arriving_bytes -= piece.size();
  if (end.wants_drained && end.arriving_bytes <= socket_buffer) {
    end.wants_drained = false;
    scheduler_.call_after(Duration(0), [this, sender = end.peer] { tell_drained(sender); });
  }
  if (end.transport == nullptr) return;
  end.transport->enter([to, piece = std::move(piece)](TransportHandler& handler) { handler.on_bytes(to, piece); });
}

// Until the link is healed, or for too long.
void Network::stall(ConnectionId to, End& end) {
  const bool is_new = end.stalled_since == TimePoint();
  if (is_new) end.stalled_since = scheduler_.now();
  const TimePoint gives_up = end.stalled_since + options_.stall_max;
  if (is_new) deliver_later(to, gives_up);
  if (scheduler_.now() < gives_up) return;
  const ConnectionId other = end.peer;
  broken(to, "timed out");
  broken(other, "timed out");
}

// All that has come meanwhile.
void Network::deliver_all(ConnectionId to) {
  const auto it = ends_.find(to);
  if (it == ends_.end()) return;
  for (size_t i = it->second.arriving.size(); i > 0; --i) {
    deliver_later(to, std::max(scheduler_.now(), it->second.arriving[it->second.arriving.size() - i].arrives));
  }
}

// ---------------------------------------------------------------------------------------------- ends

// This side hangs up. The other one hears of it, if the link lets it, after all that was sent.
void Network::close(ConnectionId connection) {
  const auto it = ends_.find(connection);
  if (it == ends_.end()) return;
  const ConnectionId peer = it->second.peer;
  const std::string host = it->second.host;
  const std::string peer_host = it->second.peer_host;
  if (it->second.transport != nullptr) it->second.transport->own_.erase(connection);
  ends_.erase(it);
  const auto other = ends_.find(peer);
  if (other == ends_.end() || is_cut(host, peer_host)) return;
  const TimePoint when = std::max(other->second.arrives_until, scheduler_.now()) + delay();
  scheduler_.call_at(when, [this, peer] { broken(peer, "closed by the other side"); });
}

void Network::vanish(ConnectionId connection) { ends_.erase(connection); }

void Network::broken(ConnectionId connection, const char* why) {
  const auto it = ends_.find(connection);
  if (it == ends_.end()) return;
  HostTransport* transport = it->second.transport;
  ends_.erase(it);
  if (transport == nullptr) return;
  transport->own_.erase(connection);
  transport->enter(
      [connection, why](TransportHandler& handler) { handler.on_closed(connection, Status(Code::unavailable, why)); });
}

}  // namespace synod::sim
