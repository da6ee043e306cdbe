// Every message of the protocol, as plain structs. doc/protocol.md says who sends which and when; codec.h turns them
// into frames. Sizes are bytes, durations milliseconds. Whatever came over the network has passed the codec's checks
// (known type, lengths that add up, entries whose hash is right) and nothing more.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log_entry.h"
#include "base/status.h"

namespace synod {

inline constexpr uint32_t protocol_version = 1;

// Who sends: in every frame between monitors. A client's frames leave it empty.
struct Source {
  Fsid fsid;  // zero until prepared
  MemberId member;
  uint64_t start_count = 0;  // how often this data directory was started

  friend bool operator==(const Source&, const Source&) = default;
};

// ---------------------------------------------------------------------------------------------- connections

enum class PeerKind : uint8_t { monitor = 1, client = 2 };

// First frame in both directions of a connection: the dialer's, then the answer.
struct Hello {
  uint32_t version = protocol_version;
  PeerKind kind = PeerKind::client;
  std::string name;     // a monitor's name
  std::string address;  // where a monitor listens, HOST:PORT
};

// Ends a connection, with the reason; nothing follows.
struct Goodbye {
  Status reason;
};

// ---------------------------------------------------------------------------------------------- members

enum class MemberState : uint8_t {
  forming = 1,   // waits for the other first members
  outsider = 2,  // the cluster exists and this member id is not part of it
  probing = 3,   // looks for a leader, or for a majority to elect one
  syncing = 4,   // copies a peer's store; votes and serves nothing
  electing = 5,  // asks to be elected
  leader = 6,
  peon = 7,
};
enum class FormationState : uint8_t { fresh = 1, prepared = 2, formed = 3 };

// The progress of a running sync, as the requester knows it.
struct SyncProgress {
  std::string provider;  // name
  uint64_t chunks = 0;
  uint64_t keys = 0;
  uint64_t bytes = 0;
  Version version;  // of the snapshot

  friend bool operator==(const SyncProgress&, const SyncProgress&) = default;
};

// Sent to every known address twice a lease, in every state: who am I, and how far. Receiving one is what "reachable"
// means.
struct Probe {
  std::string name;
  std::string address;
  MemberState state = MemberState::probing;
  FormationState formation = FormationState::fresh;
  uint64_t members_digest = 0;  // of the list of first members, in order; compared while forming
  Bytes monmap;                 // encoded; empty until prepared
  Version first;                // lowest version in the log
  Position committed;           // last committed version
  ProposalNumber promised;
  MemberId leader;    // zero: none known
  SyncProgress sync;  // while state is syncing
};

// Formation (design: "Who counts", rule 8).
struct FormPrepare {
  Bytes monmap;
};
struct FormPrepared {
  Fsid fsid;
};
struct FormCommit {
  Bytes monmap;
};

// ---------------------------------------------------------------------------------------------- election and Paxos

// Pre-vote: would you promise pn? Obliges nobody.
struct Propose {
  ProposalNumber pn;
  Version committed;
};
struct ProposeReply {
  ProposalNumber pn;
  bool granted = false;
  ProposalNumber promised;  // the voter's
};

// Phase 1.
struct Collect {
  ProposalNumber pn;
  Position committed;
};
// A promise. Sent when it is durable.
struct Last {
  ProposalNumber pn;
  Version first;
  Position committed;
  std::vector<LogEntry> accepted;  // above the voter's committed position, each with the pn it was accepted under
};
// Answer to a collect, begin or lease of a pn that is too low, or that a grant forbids (then promised < pn).
struct Refuse {
  ProposalNumber pn;
  ProposalNumber promised;
};

// Phase 2.
struct Begin {
  LogEntry entry;  // entry.pn is the leader's
  Position committed;
};
// An acceptance of one version. Sent when it is durable.
struct Accept {
  ProposalNumber pn;
  Position position;
};
// A begin that does not chain on what the peon holds; `position` is the last one that it accepted under pn or knows to
// be committed, after which the leader goes on.
struct Gap {
  ProposalNumber pn;
  Position position;
};
struct Commit {
  ProposalNumber pn;
  Position committed;
};

// Renews the peons' grants and tells the news. Goes to every member of the monmap.
struct Lease {
  ProposalNumber pn;
  uint64_t sequence = 0;
  Position committed;
  Version first;
  std::vector<MemberId> quorum;  // members whose grants are valid, the leader included
};
struct LeaseAck {
  ProposalNumber pn;
  uint64_t sequence = 0;
  Position position;  // last accepted under pn, or committed
  Version committed;
};

// Catch-up: committed entries, in bounded pieces, asked for by the one who lacks them.
struct Fetch {
  Version from;
  Version to;  // inclusive
};
struct Entries {
  Version first;                  // the sender's log begins here
  Version wanted;                 // Fetch.from
  std::vector<LogEntry> entries;  // committed, in order, the first is `wanted`; empty if it is trimmed
};

// ---------------------------------------------------------------------------------------------- store synchronization

// The number in brackets is the step of doc/sync.md. A cookie names one session; the requester draws it at random.
struct SyncStart {  // [2]
  uint64_t cookie = 0;
  Version committed;  // the requester's
};
struct HoldTrim {  // [5] provider to leader; also renews
  uint64_t cookie = 0;
  MemberId requester;
  Version version;  // keep the log from here on
};
struct HoldTrimReply {  // [5]
  uint64_t cookie = 0;
  Version first;  // the earliest version that the leader holds
};
struct ReleaseTrim {  // [13] requester to leader, in quorum
  uint64_t cookie = 0;
};
struct SyncChunk {  // [9], [10]
  uint64_t cookie = 0;
  uint64_t sequence = 0;  // from 1
  bool is_last = false;
  uint64_t keys = 0;
  uint64_t checksum = 0;    // checksum64 of `transaction`
  SharedBytes transaction;  // an encoded ReplicatedTransaction of puts
  Position position;        // of the snapshot
  Digest digest;            // of the whole snapshot; set on the last chunk only
};
struct SyncAck {  // [9], [11]; sent when the chunk is durable
  uint64_t cookie = 0;
  uint64_t sequence = 0;
};
// The session is over and has failed, at either end.
struct SyncAbort {
  uint64_t cookie = 0;
  Status reason;
};

// ---------------------------------------------------------------------------------------------- clients

enum class Consistency : uint8_t { linearizable = 1, serializable = 2 };

struct WriteOp {
  enum class Type : uint8_t { put = 1, erase = 2 };
  Type type = Type::put;
  Bytes key;
  SharedBytes value;  // put
};
// Applied atomically, as one revision.
struct WriteRequest {
  std::vector<WriteOp> ops;
};
// The keys in [begin, end); an empty end means to the last key. A single key is [key, key + "\0").
struct RangeRequest {
  Bytes begin;
  Bytes end;
  uint64_t limit = 0;  // most keys in the answer; 0: as many as fit into one answer
  Consistency consistency = Consistency::linearizable;
};
struct StatusRequest {};

struct ClientRequest {
  uint64_t id = 0;          // drawn by the client, echoed by the answer
  uint32_t timeout_ms = 0;  // after which the client will not wait any longer
  std::variant<WriteRequest, RangeRequest, StatusRequest> body;
};

struct WriteReply {
  uint64_t revision = 0;         // the store's, after the request
  std::vector<uint64_t> erased;  // per op: 1 if an erase found its key, else 0
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
};
struct StatusReply {
  Fsid fsid;
  std::string answered_by;
  MemberState state = MemberState::probing;  // of the one who answers
  std::string detail;                        // one sentence on what it waits for, or empty
  std::string leader;                        // empty: none known
  uint64_t epoch = 0;                        // round of the leader's pn
  std::vector<std::string> quorum;           // names
  std::vector<MemberStatus> members;         // in monmap order
};
// status is ok, or: not done (unavailable, invalid_argument, refused) or unknown_outcome.
struct ClientReply {
  uint64_t id = 0;
  Status status;
  std::variant<std::monostate, WriteReply, RangeReply, StatusReply> body;
};

// A peon passes a client's request to the leader, under a number of its own.
struct Forward {
  uint64_t id = 0;
  ClientRequest request;
};
struct ForwardReply {
  uint64_t id = 0;
  ClientReply reply;
};

using Message = std::variant<Hello, Goodbye, Probe, FormPrepare, FormPrepared, FormCommit, Propose, ProposeReply,
                             Collect, Last, Refuse, Begin, Accept, Gap, Commit, Lease, LeaseAck, Fetch, Entries,
                             SyncStart, HoldTrim, HoldTrimReply, ReleaseTrim, SyncChunk, SyncAck, SyncAbort,
                             ClientRequest, ClientReply, Forward, ForwardReply>;

// "lease_ack": for logs and traces.
const char* message_name(const Message& message);

const char* to_string(MemberState state);  // "leader"

}  // namespace synod
