// What the key-value service stores under a user's key.
#include "base/assert.h"
#include "mon/service/kv_service.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {

void run(ByteView input) {
  const Result<KvRecord> record = KvRecord::decode(input);
  if (record) SYNOD_ASSERT(record->encode() == input, "a record has one stored form");
}

std::vector<Bytes> seeds() {
  return {KvRecord{2, 300, 4, "value"}.encode(), KvRecord{UINT64_MAX, UINT64_MAX, UINT64_MAX, ""}.encode()};
}

}  // namespace synod::fuzz
