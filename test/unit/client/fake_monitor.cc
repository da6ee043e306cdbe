#include "test/unit/client/fake_monitor.h"

#include <gtest/gtest.h>

#include <utility>

namespace synod {

FakeMonitor::FakeMonitor(Transport& transport, Timers& timers, const Clock& clock, std::string address, Script script,
                         Fsid fsid)
    : script_(std::move(script)),
      address_(std::move(address)),
      messenger_(
          transport, timers, clock, random_, MessengerLimits{},
          [this, fsid] {
            return Messenger::Self{
                Source{fsid, MemberId(1), 1},
                Hello{.version = protocol_version, .kind = PeerKind::monitor, .name = "m", .address = address_}};
          },
          *this) {
  EXPECT_TRUE(messenger_.listen(address_).is_ok());
}

void FakeMonitor::on_message(ConnectionId connection, const PeerInfo&, Received received) {
  const auto* request = std::get_if<ClientRequest>(&received.message);
  ASSERT_NE(request, nullptr);
  if (const auto* open = std::get_if<OpenSessionRequest>(&request->body); open != nullptr && !scripts_opens_) {
    const OpenSessionReply opened{{open->client, ++opens_}};
    EXPECT_TRUE(messenger_.reply(connection, ClientReply{request->id, Status::ok(), opened}));
    return;
  }
  requests_.push_back(*request);
  connections_.insert(connection);
  Answer answer = script_(*request);
  if (auto* reply = std::get_if<ClientReply>(&answer)) {
    reply->id = request->id;
    EXPECT_TRUE(messenger_.reply(connection, std::move(*reply)));
  } else if (std::holds_alternative<Hangup>(answer)) {
    messenger_.close(connection);
  }
}

}  // namespace synod
