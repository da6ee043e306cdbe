// Every message of the protocol, as plain structs. doc/protocol.md says who sends which and when; codec.h turns them
// into frames. Sizes are bytes, durations milliseconds. Whatever came over the network has passed the codec's checks
// (known type, lengths that add up, entries whose hash is right) and nothing more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log_entry.h"
#include "base/status.h"
#include "msg/client_messages.h"
#include "msg/member_state.h"
#include "msg/scrub_messages.h"

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
  MemberId leader;         // zero: none known
  SyncProgress sync;       // while state is syncing
  uint64_t commit_us = 0;  // of a leader: the mean time that its values took to be chosen lately; 0: there were none
  std::string alarm = {};  // what it found wrong with its store, or as leader with others'; mostly empty
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
  ProposalNumber released = {};  // the pn that was handed over to the sender, or zero: grants to it bind no longer
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
  Position committed;
  bool disk_hangs = false;  // the peon's: it takes no values for now
};

// The leader of pn has given up its lease for ever, and asks the receiver, which is level, to lead at once.
struct HandOver {
  ProposalNumber pn;
};

// How far must a member have applied to answer a linearizable read that arrived before this was sent?
struct ReadIndex {
  uint64_t id = 0;  // given by the member that asks
};
// Sent under a valid lease only; committed is the leader's at that moment.
struct ReadIndexReply {
  uint64_t id = 0;
  Position committed;
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

// Where a copy of a store stands. Stored with every piece of the copy, and all that a provider needs to go on with it.
//
// Keys may come from the snapshots of several providers. Whatever differs between these was written by versions above
// the lowest of them, so applying the log from there to the highest to the whole copy makes it a store of that version:
// the values in the log are absolute, and may be applied to what has them already.
struct SyncCursor {
  Position base;              // the lowest snapshot that keys were copied from
  Position highest;           // the highest one
  Bytes last_key;             // keys up to this one are there
  bool has_all_keys = false;  // then the log follows
  Position replayed;          // up to where it was applied; the base before it begins

  bool is_complete() const { return has_all_keys && replayed == highest; }
  // Where a log has to begin that is to be applied to it.
  Version log_needed() const { return (has_all_keys ? replayed : base).version.next(); }
  friend bool operator==(const SyncCursor&, const SyncCursor&) = default;
};

struct SyncStart {  // [2]
  uint64_t cookie = 0;
  Version committed;                 // the requester's
  uint32_t window = 1;               // chunks that it takes before it has acknowledged the first of them
  std::optional<SyncCursor> resume;  // of the copy that is to be gone on with
  bool is_delta = false;             // behind the cursor the copy has the keys of an older store, to be compared
};
struct HoldTrim {  // [5] provider to leader, which logs it; also renews
  uint64_t cookie = 0;
  MemberId requester;
  Version version;  // keep the log from here on
};
// A delta sends no key of a range of which both ends have the same digest.
struct SyncRange {
  Bytes last_key;       // it begins behind the one before and ends with this key; empty: with the last key of all
  uint64_t digest = 0;  // of the provider's pairs in it (store/fingerprints.h)

  friend bool operator==(const SyncRange&, const SyncRange&) = default;
};
struct SyncRanges {  // [8] provider to requester
  uint64_t cookie = 0;
  uint64_t sequence = 0;  // from 1
  Bytes after;            // the first range begins behind this key; empty: with the first key of all
  std::vector<SyncRange> ranges;
  uint32_t per_mille = 0;  // as in SyncChunk
};
struct DifferingRange {
  uint32_t index = 0;        // in SyncRanges::ranges
  bool is_cleared = false;   // the requester has too many keys there to tell, and erases them all
  SharedBytes fingerprints;  // else: 8 bytes for each of its pairs there, in the order of the keys
};
struct SyncDiffering {  // [8] the answer; a chunk follows, unless nothing differs and these are not the last ranges
  uint64_t cookie = 0;
  uint64_t sequence = 0;  // of the SyncRanges
  std::vector<DifferingRange> ranges;
};
struct SyncChunk {  // [9], [10]
  uint64_t cookie = 0;
  uint64_t sequence = 0;  // from 1; 0: no chunk, the provider says that it is at it
  bool is_last = false;
  uint64_t keys = 0;
  uint64_t bytes = 0;       // of keys and values
  uint64_t checksum = 0;    // checksum64 of `transaction`
  SharedBytes transaction;  // an encoded ReplicatedTransaction: of puts, or of what the log does
  SyncCursor cursor;        // with this chunk; its `highest` is the provider's snapshot
  Digest digest;            // of the whole snapshot; set on the last chunk only
  uint32_t per_mille = 0;   // of the snapshot, roughly, up to this chunk; 0: not known
  // Of a delta: the SyncRanges whose differences these are, 0 for none; and which of the pairs whose fingerprints were
  // sent for them, counted from 0 over all of these, the requester erases, unless the transaction puts their key.
  uint64_t ranges = 0;
  std::vector<uint32_t> erased = {};
};
struct SyncAck {  // [9], [11]; sent when this chunk and those before it are durable
  uint64_t cookie = 0;
  uint64_t sequence = 0;
};
// The session is over and has failed, at either end.
struct SyncAbort {
  uint64_t cookie = 0;
  Status reason;
};

// ---------------------------------------------------------------------------------------------- requests passed on

// A peon passes a client's request to the leader, under a number of its own.
struct Forward {
  uint64_t id = 0;
  ProposalNumber pn;  // the leadership that is asked
  ClientRequest request;
};
struct ForwardReply {
  uint64_t id = 0;
  ClientReply reply;
};

using Message = std::variant<Hello, Goodbye, Probe, FormPrepare, FormPrepared, FormCommit, Propose, ProposeReply,
                             Collect, Last, Refuse, Begin, Accept, Gap, Commit, Lease, LeaseAck, HandOver, ReadIndex,
                             ReadIndexReply, Fetch, Entries, SyncStart, HoldTrim, SyncRanges, SyncDiffering, SyncChunk,
                             SyncAck, SyncAbort, ScrubReport, ScrubVerdict, ScrubAsk, ScrubSegments, ScrubPairs,
                             ScrubFinding, ClientRequest, ClientReply, Forward, ForwardReply>;

// "lease_ack": for logs and traces.
const char* message_name(const Message& message);

}  // namespace synod
