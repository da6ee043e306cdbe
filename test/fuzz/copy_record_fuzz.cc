// Where an unfinished copy stands, as it is read back from the copy.
#include "base/assert.h"
#include "mon/core/sync/copy_record.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {

void run(ByteView input) {
  const Result<CopyRecord> record = CopyRecord::decode(input);
  if (!record) {
    SYNOD_ASSERT(record.error().code() == Code::corruption, "what the disk returned is named as damage");
    return;
  }
  SYNOD_ASSERT(record->encode() == input, "a record has one form");
}

std::vector<Bytes> seeds() {
  CopyRecord some_keys;
  some_keys.cursor.base = some_keys.cursor.highest = some_keys.cursor.replayed = {Version(7), ChainHash{{1, 2, 3}}};
  some_keys.cursor.last_key = "key/000123";
  some_keys.chunks = 4;
  some_keys.keys = 40;
  some_keys.bytes = 4000;
  CopyRecord all_keys = some_keys;
  all_keys.cursor.highest = {Version(9), ChainHash{{4}}};
  all_keys.cursor.has_all_keys = true;
  return {CopyRecord().encode(), some_keys.encode(), all_keys.encode()};
}

}  // namespace synod::fuzz
