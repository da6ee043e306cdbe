// What a client and a monitor say to each other, as plain structs. Part of messages.h, which includes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "msg/member_state.h"
#include "msg/scrub_messages.h"

namespace synod {

enum class Consistency : uint8_t { linearizable = 1, serializable = 2 };

struct WriteOp {
  enum class Type : uint8_t { put = 1, erase = 2 };
  Type type = Type::put;
  Bytes key;
  SharedBytes value;  // put
};
// Most operations of one request, and of one value of the log.
inline constexpr size_t write_ops_max = 10'000;

// One session of one client. Zero in either part names none.
struct SessionId {
  uint64_t client = 0;  // random, drawn by the client
  uint64_t number = 0;  // given by the cluster when it opened the session, and to no other

  friend bool operator==(const SessionId&, const SessionId&) = default;
};
// Opens a session for the client, or finds the one that it has: a retry does no harm.
struct OpenSessionRequest {
  uint64_t client = 0;  // random, not zero
};

// Which request of which session this is: a retry bears the same, and gets the answer that the first got.
struct RequestTag {
  SessionId session;
  uint64_t sequence = 0;           // counts the client's requests, from 1
  uint64_t lowest_unanswered = 0;  // 1 to `sequence`: the answers to all below have been received, or are given up
};
// Applied atomically, as one revision. Without a tag it must be sent only once.
struct WriteRequest {
  std::vector<WriteOp> ops;
  std::optional<RequestTag> tag = std::nullopt;
};
// The keys in [begin, end); an empty end means to the last key. A single key is [key, key + "\0").
struct RangeRequest {
  Bytes begin;
  Bytes end;
  uint64_t limit = 0;  // most keys in the answer; 0: as many as fit into one answer
  Consistency consistency = Consistency::linearizable;
};
struct StatusRequest {};
// Asks the leader to hand over to a member.
struct TransferRequest {
  std::string name;
};

struct ClientRequest {
  uint64_t id = 0;          // drawn by the client, echoed by the answer
  uint32_t timeout_ms = 0;  // after which the client will not wait any longer
  std::variant<WriteRequest, RangeRequest, StatusRequest, OpenSessionRequest, TransferRequest, ScrubRequest> body;
};

struct WriteReply {
  uint64_t revision = 0;         // the store's, after the request
  std::vector<uint64_t> erased;  // per op: 1 if an erase found its key, else 0
};
struct OpenSessionReply {
  SessionId session;
};
struct KeyValue {
  Bytes key;
  SharedBytes value;
  uint64_t create_revision = 0;
  uint64_t mod_revision = 0;
  uint64_t version = 0;
};
struct RangeReply {
  uint64_t revision = 0;
  std::vector<KeyValue> items;  // in key order
  bool more = false;            // the range holds more than the answer
};
struct MemberStatus {
  std::string name;
  MemberId id;
  std::string address;
  bool reachable = false;  // heard of within three leases; else the rest is what was last heard
  MemberState state = MemberState::probing;
  Version first;
  Version committed;
  SyncProgress sync;
  bool has_vote = true;    // false: its member id is none of those that count
  std::string alarm = {};  // as in Probe
};
// Keeps the log from being trimmed, for a member that syncs.
struct HoldStatus {
  std::string owner;             // the member's name
  Version version;               // the log is kept from here on
  uint64_t bytes = 0;            // of values that were chosen since; as far as the one who answers has counted
  uint64_t bytes_max = 0;        // the hold ends when it has come to these; by the settings of the one who answers
  uint64_t age_ms = 0;           // milliseconds; as it was logged last
  uint64_t delay_ms = 0;         // of a leader that slows writes, so that the sync can keep up: of each value
  bool is_ended = false;         // at its bound: it keeps nothing any more
  bool blocks_trimming = false;  // without it more would be trimmed by now
};
struct StatusReply {
  Fsid fsid;
  std::string answered_by;
  MemberState state = MemberState::probing;  // of the one who answers
  std::string detail;                        // one sentence on what it waits for, or empty
  std::string leader;                        // empty: none known
  uint64_t epoch = 0;                        // round of the leader's pn
  std::vector<std::string> quorum;           // names
  std::vector<MemberStatus> members;         // in monmap order, and then those that have no vote
  std::vector<HoldStatus> holds;

  size_t voter_count() const;
};
struct TransferReply {
  std::string leader;  // the name of the one that leads now
};
// status is ok, or: not done (unavailable, invalid_argument, refused, exhausted, unknown_session) or unknown_outcome.
// "Not done" is said of this copy of a request; of another copy it says nothing.
struct ClientReply {
  uint64_t id = 0;
  Status status;
  std::variant<std::monostate, WriteReply, RangeReply, StatusReply, OpenSessionReply, TransferReply, ScrubReply> body;
};

}  // namespace synod
