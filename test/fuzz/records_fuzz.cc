// What a store keeps of the log: positions and entries under their keys.
#include "base/assert.h"
#include "store/records.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {
namespace {

constexpr size_t key_size = 8;
constexpr size_t hash_offset = 1 + 8 + 8 + sizeof(Digest::bytes);
constexpr size_t value_offset = hash_offset + sizeof(Digest::bytes);

// Makes the hash fit, so that what lies behind its check is reached too.
Bytes with_right_hash(ByteView key, Bytes stored) {
  if (key.size() != key_size || stored.size() < value_offset) return stored;
  uint64_t version = 0;
  for (const char c : key) version = version << 8 | static_cast<unsigned char>(c);
  const Digest predecessor = digest_from(ByteView(stored).substr(hash_offset - sizeof(Digest::bytes), 16));
  const ChainHash hash = chain_hash(predecessor, Version(version), ByteView(stored).substr(value_offset));
  stored.replace(hash_offset, hash.bytes.size(), hash.view());
  return stored;
}

void check_entry(ByteView key, ByteView stored) {
  const Result<LogEntry> entry = decode_entry(key, stored);
  if (!entry) return;
  SYNOD_ASSERT(log_key(entry->version) == key, "an entry knows its key");
  SYNOD_ASSERT(encode_entry(*entry) == stored, "an entry has one stored form");
}

}  // namespace

void run(ByteView input) {
  if (const Result<Position> position = decode_position(input)) {
    SYNOD_ASSERT(encode_position(*position) == input, "a position has one stored form");
  }
  const ByteView key = input.substr(0, key_size);
  const Bytes stored(input.substr(key.size()));
  check_entry(key, stored);
  check_entry(key, with_right_hash(key, stored));
  check_entry(input.substr(0, input.size() / 2), stored);
}

std::vector<Bytes> seeds() {
  const ProposalNumber pn{7, MemberId(0xfedcba9876543210)};
  const LogEntry first = make_log_entry({Version(), genesis_hash(Fsid{})}, pn, SharedBytes(Bytes("first value")));
  const LogEntry empty = make_log_entry(first.position(), pn, SharedBytes());
  return {encode_position(first.position()), log_key(first.version) + encode_entry(first),
          log_key(empty.version) + encode_entry(empty)};
}

}  // namespace synod::fuzz
