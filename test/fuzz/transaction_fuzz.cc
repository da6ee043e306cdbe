// Encoded transactions: values of the log, chunks of a sync.
#include "base/assert.h"
#include "store/transaction.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {

void run(ByteView input) {
  const Result<Transaction> decoded = Transaction::decode(SharedBytes::copy_of(input));
  if (!decoded) return;
  const Bytes encoded = decoded->encode();
  SYNOD_ASSERT(encoded == input, "a transaction has one encoded form");
  SYNOD_ASSERT(decoded->encoded_size() == encoded.size(), "the size is known without encoding");
}

std::vector<Bytes> seeds() {
  Transaction all;
  all.put("kv/k/key", SharedBytes(Bytes("value\0with zero", 15)));
  all.put("", SharedBytes());
  all.erase("kv/k/gone");
  all.erase_range("a", "b");
  all.erase_range("z", "");
  Transaction large;
  for (int i = 0; i < 20; ++i) large.put("key " + std::to_string(i), SharedBytes(Bytes(100, 'v')));
  return {Transaction().encode(), all.encode(), large.encode()};
}

}  // namespace synod::fuzz
