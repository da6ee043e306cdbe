// The entry of the Paxos log, in memory. Its stored form is in src/store, its form on the wire in src/msg.
#pragma once

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ids.h"

namespace synod {

// The hash of a value together with all values before it. Two members that hold the same chain hash at a version hold
// the same history up to it. The pn is not part of it: a value that is re-proposed under a newer pn is the same value.
using ChainHash = Digest;

// The hash of the state before version 1, the same on all members of one cluster and on no other.
ChainHash genesis_hash(const Fsid& fsid);
ChainHash chain_hash(const ChainHash& predecessor, Version version, ByteView value);

// A place in the history: a version and the chain hash there.
struct Position {
  Version version;
  ChainHash hash;

  friend bool operator==(const Position&, const Position&) = default;
};

struct LogEntry {
  Version version;
  ProposalNumber pn;      // under which it was accepted
  ChainHash predecessor;  // chain hash at version - 1
  ChainHash hash;         // chain_hash(predecessor, version, value)
  SharedBytes value;      // an encoded ReplicatedTransaction

  Position position() const { return {version, hash}; }
  friend bool operator==(const LogEntry&, const LogEntry&) = default;
};

// Computes the hash.
LogEntry make_log_entry(const Position& predecessor, const ProposalNumber& pn, SharedBytes value);

}  // namespace synod
