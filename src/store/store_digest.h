// The digest of a replicated space. It is made of segments: runs of keys, each of which ends where the last key itself
// says so, so that two stores with the same keys have the same segments, and each can be digested for itself, by
// another thread or at another time.
//
// Not thread safe.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/checksum.h"

namespace synod {

// Keys of a segment, on average.
inline constexpr uint64_t segment_keys = 1024;

// Whether this key ends its segment.
bool ends_segment(ByteView key);

// Digests one segment after the other.
class SegmentDigester {
 public:
  // Keys in order. True: the segment is whole, and take() is due.
  bool add(ByteView key, ByteView value);
  bool is_empty() const { return keys_ == 0; }
  uint64_t keys() const { return keys_; }
  // Of the keys since the last call.
  Digest take();

 private:
  Digester digester_;
  uint64_t keys_ = 0;
};

// The digest of the space, from its segments.
class StoreDigester {
 public:
  void add(ByteView key, ByteView value);
  // REQUIRES: the pairs of the segment before, if there are any, are whole.
  void add_segment(const Digest& segment);
  Digest finish();

 private:
  SegmentDigester segment_;
  Digester all_;
};

}  // namespace synod
