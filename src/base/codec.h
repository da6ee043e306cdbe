// Encoding of what is stored on disk: fixed-width numbers in big-endian order (so that keys sort as numbers do) and
// byte strings with a length before them. What goes over the network is encoded in src/msg.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace synod {

void put_fixed32(Bytes& out, uint32_t number);
void put_fixed64(Bytes& out, uint64_t number);
// A 32-bit length, then the bytes. REQUIRES: field.size() < 2^32.
void put_field(Bytes& out, ByteView field);

// Reads what the functions above wrote, from bytes that may be damaged. The first read past the end, or a length that
// does not fit, makes the reader fail; it stays failed, and reads return zeros and empty views.
class Decoder {
 public:
  explicit Decoder(ByteView bytes) : rest_(bytes) {}

  uint8_t fixed8();
  uint32_t fixed32();
  uint64_t fixed64();
  ByteView field();
  ByteView take(size_t size);

  bool has_failed() const { return failed_; }
  size_t remaining() const { return rest_.size(); }
  // True if all bytes were read and none was missing.
  bool is_complete() const { return !failed_ && rest_.empty(); }

 private:
  ByteView rest_;
  bool failed_ = false;
};

}  // namespace synod
