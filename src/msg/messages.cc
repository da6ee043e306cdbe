#include "msg/messages.h"

#include <algorithm>

#include "msg/message_types.h"

namespace synod {

const char* message_name(const Message& message) { return message_types[message.index()].name; }

size_t StatusReply::voter_count() const {
  return static_cast<size_t>(std::count_if(members.begin(), members.end(), [](const auto& m) { return m.has_vote; }));
}

const char* to_string(MemberState state) {
  switch (state) {
    case MemberState::forming: return "forming";
    case MemberState::outsider: return "outsider";
    case MemberState::probing: return "probing";
    case MemberState::syncing: return "syncing";
    case MemberState::electing: return "electing";
    case MemberState::leader: return "leader";
    case MemberState::peon: return "peon";
    case MemberState::learner: return "learner";
  }
  return "invalid";
}

}  // namespace synod
