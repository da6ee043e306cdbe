#include "base/codec.h"

#include "base/assert.h"

namespace synod {
namespace {

void put_big_endian(Bytes& out, uint64_t number, int width) {
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xff);
}

uint64_t big_endian(ByteView bytes) {
  uint64_t number = 0;
  for (char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

}  // namespace

void put_fixed32(Bytes& out, uint32_t number) { put_big_endian(out, number, 4); }
void put_fixed64(Bytes& out, uint64_t number) { put_big_endian(out, number, 8); }

void put_field(Bytes& out, ByteView field) {
  SYNOD_ASSERT(field.size() <= UINT32_MAX, "a field is shorter than 4 GiB");
  put_fixed32(out, static_cast<uint32_t>(field.size()));
  out += field;
}

ByteView Decoder::take(size_t size) {
  if (failed_ || size > rest_.size()) {
    failed_ = true;
    return {};
  }
  ByteView taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

uint8_t Decoder::fixed8() { return static_cast<uint8_t>(big_endian(take(1))); }
uint32_t Decoder::fixed32() { return static_cast<uint32_t>(big_endian(take(4))); }
uint64_t Decoder::fixed64() { return big_endian(take(8)); }
ByteView Decoder::field() { return take(fixed32()); }

}  // namespace synod
