// How two stores find out in which pairs they differ without sending them: a fingerprint for each pair, and a digest
// for each range of keys. Either may be the same by chance, once in 2^64: whoever relies on it verifies the whole in
// the end (store_digest.h).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace synod {

inline constexpr size_t fingerprint_bytes = sizeof(uint64_t);

uint64_t fingerprint(ByteView key, ByteView value);

// A range ends behind such a key, which is one in 64, so that ranges do not move with what lies before them; and
// nothing is lost by ends elsewhere, too.
bool ends_range(ByteView key);

// The fingerprints of a range, one behind the other.
class RangeFingerprints {
 public:
  void add(ByteView key, ByteView value);
  size_t size() const { return encoded_.size() / fingerprint_bytes; }
  uint64_t at(size_t index) const { return fingerprint_at(encoded_, index); }
  // Of the range.
  uint64_t digest() const;
  Bytes take() { return std::move(encoded_); }

  // REQUIRES: the encoded fingerprints are more than `index`.
  static uint64_t fingerprint_at(ByteView encoded, size_t index);

 private:
  Bytes encoded_;
};

}  // namespace synod
