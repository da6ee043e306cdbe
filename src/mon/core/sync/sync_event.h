// What happens in store synchronization, one event for each thing that one member does, at both ends and at the leader:
// for operators, and for the checker of test/sim/check/sync, which judges the traces of all members. doc/sync.md lists
// them by step. Values; used by any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ids.h"
#include "base/status.h"

namespace synod {

// In the order of the steps. Behind each: the fields that it has beside the cookie, which is zero outside of sessions.
enum class SyncEventKind : uint8_t {
  // ---- [1]
  started,    // a process of the member: start, marked, chunks (of its copy), reason (why its copy is of no use)
  must_copy,  // version (that a provider has to have at least)
  // ---- [2]
  provider_chosen,  // provider, version (that it has committed)
  asked,            // provider, version (committed), window, delta
  session_opened,   // requester, version (held by the provider itself from there on), window
  session_refused,  // requester, reason
  // ---- [3]
  marking,    // its disk is told to mark the store
  marked,     // durably
  unmarking,  // its disk is told to take the mark away
  unmarked,   // durably
  // ---- [4]
  copy_made,      // an empty one
  copy_cloned,    // of the own store, for a delta
  copy_resumed,   // version (the highest in it), chunks
  copy_given_up,  // chunks, reason
  // ---- [5]
  hold_asked,   // requester, leader, version; also to renew it
  hold_taken,   // by the leader: requester, version
  hold_logged,  // was chosen, also anew: requester, version, at (the version that says so)
  hold_ended,   // the same, at its bound
  // ---- [6]
  snapshot_opened,  // requester, version
  // ---- [7]
  session_ended,   // the requester is told: requester, reason
  session_closed,  // the requester has given it up, or begun another: requester
  abort_received,  // provider, reason
  failed,          // the provider is told: provider, chunks (of the copy that is kept), reason
  // ---- [8]
  alive_sent,          // instead of a chunk: requester
  alive_received,      // provider
  ranges_sent,         // of a delta: requester, sequence (one of its own), ranges (how many)
  ranges_received,     // provider, sequence, ranges
  differing_sent,      // the answer: provider, sequence, ranges (how many of them)
  differing_received,  // requester, sequence, ranges
  // ---- [9]
  chunk_sent,      // requester, sequence, keys, bytes, settles (sequence of the ranges that it is for; 0: none)
  chunk_received,  // provider, sequence, keys, bytes, settles
  chunk_written,   // durably: sequence, chunks (of the copy)
  ack_sent,        // provider, sequence
  ack_received,    // requester, sequence
  // ---- [10]
  last_chunk_sent,      // requester, sequence, keys, bytes, settles, digest
  last_chunk_received,  // provider, sequence, keys, bytes, settles, digest
  // ---- [11]
  verifying,
  verified,           // version, digest
  last_ack_sent,      // provider, sequence
  last_ack_received,  // and the session is over: requester, sequence
  // ---- [12]
  switching,
  switched,  // durably: version
  // ---- [13]
  hold_over,      // decided by the leader: requester, reason (quorum, level, silent or bound)
  hold_released,  // was chosen: requester, at
  // ---- [14]
  in_quorum,
  level,  // a learner, with all that it can hear
};
inline constexpr size_t sync_event_kinds = static_cast<size_t>(SyncEventKind::level) + 1;

struct SyncEvent {
  SyncEventKind kind = SyncEventKind::started;
  uint64_t cookie = 0;
  // The other end, or whom a hold is for. The parts of the core know ids; the Monitor fills in the names.
  MemberId peer_id = {};
  std::string peer = {};
  MemberId leader_id = {};
  std::string leader = {};
  uint64_t start = 0;
  bool is_marked = false;
  Version version = {};
  Version at = {};
  uint32_t window = 0;
  bool is_delta = false;
  uint64_t chunks = 0;
  uint64_t sequence = 0;
  uint64_t keys = 0;
  uint64_t bytes = 0;
  uint64_t ranges = 0;
  uint64_t settles = 0;
  Digest digest = {};
  std::string reason = {};

  // Ids are not part of the line.
  friend bool operator==(const SyncEvent&, const SyncEvent&) = default;
};

int step_of(SyncEventKind kind);  // of doc/sync.md

// "sync [9] chunk-sent cookie=000000000000002a requester=c sequence=7 keys=12 bytes=2048": one line, the fields of the
// kind in a fixed order.
std::string to_string(const SyncEvent& event);
// A line of a log that is about a sync and not written for people, from "sync [" on: it must parse, if it is whole.
bool is_sync_event(ByteView text);
// The inverse of to_string. Fails with `invalid_argument`.
Result<SyncEvent> parse_sync_event(ByteView text);

}  // namespace synod
