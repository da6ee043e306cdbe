// Atomic groups of operations on one key space, and their encoded form. A log value and a chunk of a sync are encoded
// ReplicatedTransactions: physical, absolute and idempotent.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace synod {

// The three key spaces of a store. Replicated: identical on two members at the same applied version. Log: accepted and
// committed entries. Local: what belongs to this store alone.
enum class KeySpace : char { local = 'a', log = 'l', replicated = 'r' };

enum class OpType : uint8_t { put = 1, erase = 2, erase_range = 3 };

struct Op {
  OpType type = OpType::put;
  Bytes key;          // erase_range: the first key of the interval
  Bytes end;          // erase_range: the end, exclusive; empty means to the end of the key space
  SharedBytes value;  // put

  friend bool operator==(const Op&, const Op&) = default;
};

// Operations take effect in the order in which they were added. Not thread safe.
class Transaction {
 public:
  void put(Bytes key, SharedBytes value);
  void erase(Bytes key);
  // Erases the keys in [begin, end), in the store and in what this transaction has put before. An interval without
  // keys (begin >= end, and `end` is not empty) adds no operation.
  void erase_range(Bytes begin, Bytes end);
  // Adds the operations of `other` behind the own ones.
  void append(Transaction other);

  const std::vector<Op>& ops() const { return ops_; }
  bool is_empty() const { return ops_.empty(); }
  // Size of encode() in bytes; constant time.
  size_t encoded_size() const { return encoded_size_; }

  // A format version, the operations, and no checksum: what carries it has one.
  Bytes encode() const;
  // Validates bytes from outside. The values of the result share `encoded`. Fails with `corruption`, naming the defect.
  static Result<Transaction> decode(const SharedBytes& encoded);

  friend bool operator==(const Transaction&, const Transaction&) = default;

 private:
  std::vector<Op> ops_;
  size_t encoded_size_ = 1;
};

// A transaction that is known to be on one key space: one space's operations can't reach another.
template <KeySpace space>
class SpaceTransaction : public Transaction {
 public:
  static Result<SpaceTransaction> decode(const SharedBytes& encoded) {
    Result<Transaction> decoded = Transaction::decode(encoded);
    if (!decoded) return decoded.error();
    SpaceTransaction typed;
    typed.append(*std::move(decoded));
    return typed;
  }
};

using ReplicatedTransaction = SpaceTransaction<KeySpace::replicated>;
using LogTransaction = SpaceTransaction<KeySpace::log>;
using LocalTransaction = SpaceTransaction<KeySpace::local>;

}  // namespace synod
