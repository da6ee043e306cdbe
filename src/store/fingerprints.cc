#include "store/fingerprints.h"

#include "base/checksum.h"
#include "base/codec.h"

namespace synod {

uint64_t fingerprint(ByteView key, ByteView value) {
  Bytes both;
  put_fixed64(both, checksum64(key));
  put_fixed64(both, checksum64(value));
  return checksum64(both);
}

bool ends_range(ByteView key) { return checksum64(key) % 64 == 0; }

void RangeFingerprints::add(ByteView key, ByteView value) { put_fixed64(encoded_, fingerprint(key, value)); }

uint64_t RangeFingerprints::digest() const { return checksum64(encoded_); }

uint64_t RangeFingerprints::fingerprint_at(ByteView encoded, size_t index) {
  return Decoder(encoded.substr(index * fingerprint_bytes)).fixed64();
}

}  // namespace synod
