// A decoder with two defects, for the test of the driver: it dies of a number that is cut short, and believes a length.
#include "base/assert.h"
#include "base/codec.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {

void run(ByteView input) {
  Decoder decoder(input);
  const uint8_t kind = decoder.fixed8();
  const uint32_t length = decoder.fixed32();
  if (kind == 'n') SYNOD_ASSERT(!decoder.has_failed(), "the planted bug");
  if (kind == 'l' && length < (1U << 28)) Bytes(length, 'x').shrink_to_fit();
}

std::vector<Bytes> seeds() { return {Bytes("n\0\0\0\1", 5), Bytes("l\0\0\0\1", 5)}; }

}  // namespace synod::fuzz
