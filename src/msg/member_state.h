// What a member is, and how far its sync has come: told to members in probes, and to clients in the status.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"

namespace synod {

enum class MemberState : uint8_t {
  forming = 1,   // waits for the other first members
  outsider = 2,  // the cluster exists and this member id is not part of it
  probing = 3,   // looks for a leader, or for a majority to elect one
  syncing = 4,   // copies a peer's store; votes and serves nothing
  electing = 5,  // asks to be elected
  leader = 6,
  peon = 7,
  learner = 8,  // follows the log under a member id that has no vote
};
enum class FormationState : uint8_t { fresh = 1, prepared = 2, formed = 3 };

// The progress of a running sync, as the requester knows it.
struct SyncProgress {
  std::string provider;  // name
  uint64_t chunks = 0;
  uint64_t keys = 0;
  uint64_t bytes = 0;
  Version version;  // of the snapshot
  uint64_t cookie = 0;
  uint32_t per_mille = 0;         // of the snapshot, roughly; 0: not known
  uint64_t bytes_per_second = 0;  // of this session
  uint64_t remaining_ms = 0;      // milliseconds, if it goes on like this; 0: not known

  friend bool operator==(const SyncProgress&, const SyncProgress&) = default;
};

const char* to_string(MemberState state);  // "leader"

}  // namespace synod
