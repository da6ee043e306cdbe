#include "msg/messages.h"

#include "msg/message_types.h"

namespace synod {

const char* message_name(const Message& message) { return message_types[message.index()].name; }

const char* to_string(MemberState state) {
  switch (state) {
    case MemberState::forming: return "forming";
    case MemberState::outsider: return "outsider";
    case MemberState::probing: return "probing";
    case MemberState::syncing: return "syncing";
    case MemberState::electing: return "electing";
    case MemberState::leader: return "leader";
    case MemberState::peon: return "peon";
  }
  return "invalid";
}

}  // namespace synod
