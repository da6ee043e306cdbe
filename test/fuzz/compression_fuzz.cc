// The compressed transaction of a chunk.
#include "base/assert.h"
#include "base/compression.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {

constexpr size_t bytes_max = 1 << 20;

void run(ByteView input) {
  if (const std::optional<Bytes> compressed = compress(input)) {
    SYNOD_ASSERT(compressed->size() < input.size(), "it is compressed where that saves something");
    SYNOD_ASSERT(*decompress(*compressed, input.size()) == input, "what was compressed comes back");
  }
  const Result<Bytes> bytes = decompress(input, bytes_max);
  SYNOD_ASSERT(!bytes || bytes->size() <= bytes_max, "nothing becomes more than is allowed");
}

std::vector<Bytes> seeds() {
  return {"",
          Bytes(100, 'x'),
          *compress(Bytes(100, 'x')),
          *compress(Bytes(2 * bytes_max, 'x')),
          *compress("a service is a service is a service is a service is a service is a service"),
          "\xff\xff\xff\xff\x0f\x01"};
}

}  // namespace synod::fuzz
