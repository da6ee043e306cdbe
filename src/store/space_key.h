// How the implementations of KeyValueDB lay the key spaces out in one sorted run of keys: one byte for the space, then
// the key. doc/store.md.
#pragma once

#include "base/bytes.h"
#include "store/transaction.h"

namespace synod {

inline Bytes space_key(KeySpace space, ByteView key) {
  Bytes stored;
  stored.reserve(1 + key.size());
  stored += static_cast<char>(space);
  stored += key;
  return stored;
}

// The end of the interval of stored keys that an erase_range up to `end` covers: an empty end is the end of the space.
inline Bytes space_range_end(KeySpace space, ByteView end) {
  return end.empty() ? Bytes(1, static_cast<char>(static_cast<char>(space) + 1)) : space_key(space, end);
}

// False for a first byte that no version of this program writes.
inline bool is_stored_key(ByteView stored) {
  if (stored.empty()) return false;
  const auto space = static_cast<KeySpace>(stored.front());
  return space == KeySpace::local || space == KeySpace::log || space == KeySpace::replicated;
}

}  // namespace synod
