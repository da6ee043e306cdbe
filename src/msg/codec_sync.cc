#include "msg/codec_proto.h"
#include "proto/sync.pb.h"

namespace synod::codec {

// clang-format off
template <> struct ProtoOf<SyncStart> { using type = proto::SyncStart; };
template <> struct ProtoOf<HoldTrim> { using type = proto::HoldTrim; };
template <> struct ProtoOf<SyncRanges> { using type = proto::SyncRanges; };
template <> struct ProtoOf<SyncDiffering> { using type = proto::SyncDiffering; };
template <> struct ProtoOf<SyncChunk> { using type = proto::SyncChunk; };
template <> struct ProtoOf<SyncAck> { using type = proto::SyncAck; };
template <> struct ProtoOf<SyncAbort> { using type = proto::SyncAbort; };
// clang-format on

void pack(const SyncCursor& cursor, proto::SyncCursor* to) {
  pack(cursor.base, to->mutable_base());
  pack(cursor.highest, to->mutable_highest());
  to->set_last_key(cursor.last_key);
  to->set_has_all_keys(cursor.has_all_keys);
  pack(cursor.replayed, to->mutable_replayed());
}

SyncCursor unpack(const proto::SyncCursor& from, Unpacker& unpacker) {
  SyncCursor cursor;
  cursor.base = unpack(from.base(), unpacker);
  cursor.highest = unpack(from.highest(), unpacker);
  cursor.last_key = from.last_key();
  cursor.has_all_keys = from.has_all_keys();
  cursor.replayed = unpack(from.replayed(), unpacker);
  return cursor;
}

void pack(const SyncStart& message, proto::SyncStart* to, Packer&) {
  to->set_cookie(message.cookie);
  to->set_committed(message.committed.value());
  to->set_window(message.window);
  if (message.resume) pack(*message.resume, to->mutable_resume());
  to->set_is_delta(message.is_delta);
  to->set_takes_compressed(message.takes_compressed);
}

void unpack(const proto::SyncStart& from, SyncStart& message, Unpacker& unpacker) {
  message.cookie = from.cookie();
  message.committed = Version(from.committed());
  message.window = from.window();
  if (from.has_resume()) message.resume = unpack(from.resume(), unpacker);
  message.is_delta = from.is_delta();
  message.takes_compressed = from.takes_compressed();
}

void pack(const HoldTrim& message, proto::HoldTrim* to, Packer&) {
  to->set_cookie(message.cookie);
  to->set_requester(message.requester.value());
  to->set_version(message.version.value());
}

void unpack(const proto::HoldTrim& from, HoldTrim& message, Unpacker&) {
  message.cookie = from.cookie();
  message.requester = MemberId(from.requester());
  message.version = Version(from.version());
}

void pack(const SyncRanges& message, proto::SyncRanges* to, Packer&) {
  to->set_cookie(message.cookie);
  to->set_sequence(message.sequence);
  to->set_after(message.after);
  for (const SyncRange& range : message.ranges) {
    proto::SyncRange* packed = to->add_ranges();
    packed->set_last_key(range.last_key);
    packed->set_digest(range.digest);
  }
  to->set_per_mille(message.per_mille);
}

void unpack(const proto::SyncRanges& from, SyncRanges& message, Unpacker&) {
  message.cookie = from.cookie();
  message.sequence = from.sequence();
  message.after = from.after();
  message.ranges.reserve(static_cast<size_t>(from.ranges_size()));
  for (const proto::SyncRange& range : from.ranges()) message.ranges.push_back({range.last_key(), range.digest()});
  message.per_mille = from.per_mille();
}

void pack(const SyncDiffering& message, proto::SyncDiffering* to, Packer& packer) {
  to->set_cookie(message.cookie);
  to->set_sequence(message.sequence);
  for (const DifferingRange& range : message.ranges) {
    proto::DifferingRange* packed = to->add_ranges();
    packed->set_index(range.index);
    packed->set_is_cleared(range.is_cleared);
    packed->set_fingerprints_size(packer.put(range.fingerprints));
  }
}

void unpack(const proto::SyncDiffering& from, SyncDiffering& message, Unpacker& unpacker) {
  message.cookie = from.cookie();
  message.sequence = from.sequence();
  for (const proto::DifferingRange& range : from.ranges()) {
    if (range.fingerprints_size() % sizeof(uint64_t) != 0) unpacker.fail("a fingerprint does not have 8 bytes");
    message.ranges.push_back({range.index(), range.is_cleared(), unpacker.value(range.fingerprints_size())});
  }
}

void pack(const SyncChunk& message, proto::SyncChunk* to, Packer& packer) {
  to->set_cookie(message.cookie);
  to->set_sequence(message.sequence);
  to->set_is_last(message.is_last);
  to->set_keys(message.keys);
  to->set_checksum(message.checksum);
  to->set_transaction_size(packer.put(message.transaction));
  pack(message.cursor, to->mutable_cursor());
  to->set_digest(pack(message.digest));
  to->set_bytes(message.bytes);
  to->set_per_mille(message.per_mille);
  to->set_ranges(message.ranges);
  for (const uint32_t number : message.erased) to->add_erased(number);
  to->set_is_compressed(message.is_compressed);
}

void unpack(const proto::SyncChunk& from, SyncChunk& message, Unpacker& unpacker) {
  message.cookie = from.cookie();
  message.sequence = from.sequence();
  message.is_last = from.is_last();
  message.keys = from.keys();
  message.checksum = from.checksum();
  message.transaction = unpacker.value(from.transaction_size());
  message.cursor = unpack(from.cursor(), unpacker);
  message.digest = unpacker.digest(from.digest());
  message.bytes = from.bytes();
  message.per_mille = from.per_mille();
  message.ranges = from.ranges();
  message.erased.assign(from.erased().begin(), from.erased().end());
  message.is_compressed = from.is_compressed();
}

void pack(const SyncAck& message, proto::SyncAck* to, Packer&) {
  to->set_cookie(message.cookie);
  to->set_sequence(message.sequence);
}

void unpack(const proto::SyncAck& from, SyncAck& message, Unpacker&) {
  message.cookie = from.cookie();
  message.sequence = from.sequence();
}

void pack(const SyncAbort& message, proto::SyncAbort* to, Packer&) {
  to->set_cookie(message.cookie);
  pack(message.reason, to->mutable_reason());
}

void unpack(const proto::SyncAbort& from, SyncAbort& message, Unpacker& unpacker) {
  message.cookie = from.cookie();
  message.reason = unpack(from.reason(), unpacker);
}

template struct MessageCodec<SyncStart>;
template struct MessageCodec<HoldTrim>;
template struct MessageCodec<SyncRanges>;
template struct MessageCodec<SyncDiffering>;
template struct MessageCodec<SyncChunk>;
template struct MessageCodec<SyncAck>;
template struct MessageCodec<SyncAbort>;

}  // namespace synod::codec
