// Numbers as LevelDB stores them, read from bytes that may be damaged.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace synod {

// REQUIRES: bytes.size() >= 4.
inline uint32_t little_endian32(ByteView bytes) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) number |= uint32_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  return number;
}

// REQUIRES: bytes.size() >= 8.
inline uint64_t little_endian64(ByteView bytes) {
  return uint64_t{little_endian32(bytes.substr(4))} << 32 | little_endian32(bytes);
}

// Takes varints and fields from the front. The first that does not fit makes it fail; it stays failed, and gives zeros
// and empty views.
class LevelDbDecoder {
 public:
  explicit LevelDbDecoder(ByteView bytes) : rest_(bytes) {}

  uint64_t varint() {
    uint64_t number = 0;
    for (unsigned shift = 0; shift <= 63 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      number |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return number;
    }
    failed_ = true;
    rest_ = {};
    return 0;
  }
  ByteView take(uint64_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const ByteView taken = rest_.substr(0, static_cast<size_t>(size));
    rest_.remove_prefix(static_cast<size_t>(size));
    return taken;
  }
  ByteView field() { return take(varint()); }

  bool has_failed() const { return failed_; }
  bool is_at_end() const { return rest_.empty(); }

 private:
  ByteView rest_;
  bool failed_ = false;
};

}  // namespace synod
