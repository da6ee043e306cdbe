// What a store keeps of the log: positions, entries under their keys, and the holds on trimming.
#include "base/assert.h"
#include "store/log_change.h"
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

void check_hold(ByteView key, ByteView stored) {
  const Result<TrimHold> hold = decode_trim_hold(key, stored);
  if (!hold) return;
  SYNOD_ASSERT(trim_hold_key(hold->requester) == key, "a hold knows its key");
  SYNOD_ASSERT(encode_trim_hold(*hold) == stored, "a hold has one stored form");
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
  check_hold(Bytes(trim_hold_prefix) + Bytes(key), stored);
  for (const TrimHold& hold : log_change_in(SharedBytes::copy_of(input)).holds) {
    SYNOD_ASSERT(hold.state == TrimHold::State::released || hold.requester, "a hold that is logged is somebody's");
  }
}

std::vector<Bytes> seeds() {
  const ProposalNumber pn{7, MemberId(0xfedcba9876543210)};
  const LogEntry first = make_log_entry({Version(), genesis_hash(Fsid{})}, pn, SharedBytes(Bytes("first value")));
  const LogEntry empty = make_log_entry(first.position(), pn, SharedBytes());
  const TrimHold hold{pn.member, 42, TrimHold::State::ended, Version(7), 1000, 2000};
  ReplicatedTransaction change;
  change.put(trim_hold_key(hold.requester), SharedBytes(encode_trim_hold(hold)));
  change.put(Bytes(trim_floor_key), SharedBytes(Bytes(8, '\1')));
  change.erase(trim_hold_key(MemberId(5)));
  return {encode_position(first.position()), log_key(first.version) + encode_entry(first),
          log_key(empty.version) + encode_entry(empty), Bytes(8, '\2') + encode_trim_hold(hold), change.encode()};
}

}  // namespace synod::fuzz
