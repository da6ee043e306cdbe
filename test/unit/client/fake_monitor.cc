#include "test/unit/client/fake_monitor.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace synod {
namespace {

struct Bound {
  int fd;
  std::string address;
};

Bound bind_loopback() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&name), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size), 0);
  return {fd, "127.0.0.1:" + std::to_string(ntohs(name.sin_port))};
}

}  // namespace

std::string free_address() {
  const Bound bound = bind_loopback();
  close(bound.fd);
  return bound.address;
}

FakeMonitor::FakeMonitor(Script script, std::string address, Fsid fsid)
    : script_(std::move(script)),
      address_(std::move(address)),
      messenger_(
          loop_, loop_, loop_, random_, MessengerLimits{},
          [this, fsid] {
            return Messenger::Self{
                Source{fsid, MemberId(1), 1},
                Hello{.version = protocol_version, .kind = PeerKind::monitor, .name = "m", .address = address_}};
          },
          *this) {
  EXPECT_TRUE(messenger_.listen(address_).is_ok());
  thread_ = std::thread([this] { loop_.run(); });
}

FakeMonitor::~FakeMonitor() {
  loop_.stop();
  thread_.join();
}

std::vector<ClientRequest> FakeMonitor::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t FakeMonitor::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

void FakeMonitor::on_message(ConnectionId connection, const PeerInfo&, Received received) {
  const auto* request = std::get_if<ClientRequest>(&received.message);
  ASSERT_NE(request, nullptr);
  if (const auto* open = std::get_if<OpenSessionRequest>(&request->body); open != nullptr && !scripts_opens_) {
    const OpenSessionReply opened{{open->client, ++opens_}};
    EXPECT_TRUE(messenger_.reply(connection, ClientReply{request->id, Status::ok(), opened}));
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(*request);
    connections_.insert(connection);
  }
  Answer answer = script_(*request);
  if (auto* reply = std::get_if<ClientReply>(&answer)) {
    reply->id = request->id;
    EXPECT_TRUE(messenger_.reply(connection, std::move(*reply)));
  } else if (std::holds_alternative<Hangup>(answer)) {
    messenger_.close(connection);
  }
}

DeafListener::DeafListener(std::string greeting) {
  Bound bound = bind_loopback();
  fd_ = bound.fd;
  address_ = std::move(bound.address);
  EXPECT_EQ(listen(fd_, 16), 0);
  if (greeting.empty()) return;
  greeter_ = std::thread([this, greeting = std::move(greeting)] {
    for (int peer = 0; (peer = accept(fd_, nullptr, nullptr)) >= 0; close(peer)) {
      EXPECT_EQ(write(peer, greeting.data(), greeting.size()), static_cast<ssize_t>(greeting.size()));
      char byte = 0;
      while (read(peer, &byte, 1) > 0) {
      }
    }
  });
}

DeafListener::~DeafListener() {
  shutdown(fd_, SHUT_RDWR);
  if (greeter_.joinable()) greeter_.join();
  close(fd_);
}

}  // namespace synod
