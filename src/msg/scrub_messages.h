// What members and clients say to each other about a scrub (doc/sync.md, *Continuous proof*), as plain structs. Part of
// messages.h, which includes it. A scrub is named by its point: the version, and the chain hash there, of the value
// that asked for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ids.h"
#include "base/log_entry.h"
#include "base/status.h"

namespace synod {

enum class ScrubState : uint8_t {
  missing = 1,     // it has said nothing, or takes no part: `reason`
  walking = 2,     // it is at it
  done = 3,        // it has read all of its store
  unreadable = 4,  // its store cannot be read: `reason`
};

// How far one member is, or what it has found in its own store.
struct ScrubCheck {
  MemberId member;
  ScrubState state = ScrubState::missing;
  uint64_t keys = 0;   // that were read
  uint64_t bytes = 0;  // of keys and values
  Digest digest;       // done: of the store
  std::string reason;

  friend bool operator==(const ScrubCheck&, const ScrubCheck&) = default;
};

// Member to leader: while it is at it, and when it is through until it hears the verdict.
struct ScrubReport {
  Position point;
  ScrubCheck check;
};
// Leader to all: what each member has found, by which each judges for itself.
struct ScrubVerdict {
  Position point;
  bool is_known = true;  // false: this leader knows nothing of the scrub, which is over without a verdict
  std::vector<ScrubCheck> checks;
  std::vector<uint64_t> requests;  // of clients, that this scrub answers
};
// Of a member that differs, to one that agrees with the majority: which segments has your store, or which pairs are in
// this range?
struct ScrubAsk {
  Version version;  // of the scrub point
  bool is_for_pairs = false;
  Bytes after;
  Bytes last_key;  // of pairs: up to here; empty: to the last key
};
struct ScrubSegment {
  Bytes last_key;
  Digest digest;
};
// The answers: what comes behind `after`, in bounded pieces.
struct ScrubSegments {
  Version version;
  Bytes after;
  Status failure;  // else ok: it cannot tell, and why
  std::vector<ScrubSegment> segments;
  bool is_last = false;
};
struct ScrubPair {
  Bytes key;
  uint64_t fingerprint = 0;  // store/fingerprints.h
};
struct ScrubPairs {
  Version version;
  Bytes after;
  Status failure;
  std::vector<ScrubPair> pairs;
  bool is_last = false;  // of the range
};
// The keys in which a store differs from another one.
struct DifferingKeys {
  std::vector<Bytes> keys;  // the first of them
  uint64_t count = 0;       // of all of them
  bool is_all = false;      // else there may be more

  friend bool operator==(const DifferingKeys&, const DifferingKeys&) = default;
};
// Of a member that differs, to all: in which keys, and what it does about it.
struct ScrubFinding {
  Position point;
  bool is_over = false;  // false: it is still finding out
  DifferingKeys differing;
  std::string text;  // a sentence
};

// ---------------------------------------------------------------------------------------------- clients

// Asks for a scrub that begins after the first request with this number, or how far it is.
struct ScrubRequest {
  uint64_t number = 0;  // random, drawn by the client
};
// What became of one member.
struct ScrubbedMember {
  std::string name;
  ScrubCheck check;
  bool differs = false;     // its store cannot be read, or is not what others have
  DifferingKeys differing;  // as it has told, and what it does about it
  std::string text;
};
struct ScrubReply {
  enum class Phase : uint8_t {
    waiting = 1,  // the scrub point is not chosen yet
    walking = 2,
    naming = 3,  // members differ, and find out where
    over = 4,
  };
  Phase phase = Phase::waiting;
  Version version;                      // of the scrub point
  bool is_agreed = false;               // a majority of the voters has one digest
  std::vector<ScrubbedMember> members;  // in monmap order; empty while it waits
};

}  // namespace synod
