#include "store/records.h"

#include <fmt/format.h>

#include "base/codec.h"
#include "store/monitor_store.h"

namespace synod {
namespace {

constexpr uint8_t entry_format = 1;
constexpr size_t digest_size = sizeof(Digest::bytes);
constexpr size_t header_size = 1 + 8 + 8 + digest_size + digest_size;

}  // namespace

Bytes encode_position(const Position& position) {
  Bytes out;
  put_fixed64(out, position.version.value());
  out += position.hash.view();
  return out;
}

Result<Position> decode_position(ByteView bytes) {
  Decoder decoder(bytes);
  const Version version(decoder.fixed64());
  const ByteView hash = decoder.take(digest_size);
  if (!decoder.is_complete()) {
    return Status(Code::corruption,
                  fmt::format("a stored position has {} bytes instead of {}", bytes.size(), 8 + digest_size));
  }
  return Position{version, digest_from(hash)};
}

Bytes log_key(Version version) {
  Bytes key;
  put_fixed64(key, version.value());
  return key;
}

Bytes encode_entry(const LogEntry& entry) {
  Bytes out;
  out.reserve(header_size + entry.value.size());
  out += static_cast<char>(entry_format);
  put_fixed64(out, entry.pn.round);
  put_fixed64(out, entry.pn.member.value());
  out += entry.predecessor.view();
  out += entry.hash.view();
  out += entry.value.view();
  return out;
}

Result<LogEntry> decode_entry(ByteView key, ByteView stored) {
  Decoder key_decoder(key);
  LogEntry entry;
  entry.version = Version(key_decoder.fixed64());
  if (!key_decoder.is_complete()) {
    return Status(Code::corruption, fmt::format("a key of the log has {} bytes instead of 8", key.size()));
  }
  Decoder decoder(stored);
  const uint8_t format = decoder.fixed8();
  entry.pn.round = decoder.fixed64();
  entry.pn.member = MemberId(decoder.fixed64());
  const ByteView predecessor = decoder.take(digest_size);
  const ByteView hash = decoder.take(digest_size);
  if (decoder.has_failed() || format != entry_format) {
    return Status(Code::corruption,
                  fmt::format("the stored log entry {} has a malformed header", entry.version.value()));
  }
  entry.predecessor = digest_from(predecessor);
  entry.hash = digest_from(hash);
  entry.value = SharedBytes::copy_of(stored.substr(header_size));
  if (chain_hash(entry.predecessor, entry.version, entry.value.view()) != entry.hash) {
    return Status(Code::corruption,
                  fmt::format("the stored log entry {} does not match its hash", entry.version.value()));
  }
  return entry;
}

void add_sequence(DbBatch& batch, uint64_t sequence) {
  Bytes number;
  put_fixed64(number, sequence);
  LocalTransaction put;
  put.put(Bytes(batch_sequence_key), SharedBytes(std::move(number)));
  batch.add(std::move(put));
}

}  // namespace synod
