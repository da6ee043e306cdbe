#include "msg/codec_proto.h"
#include "proto/sync.pb.h"

namespace synod::codec {

// clang-format off
template <> struct ProtoOf<SyncStart> { using type = proto::SyncStart; };
template <> struct ProtoOf<HoldTrim> { using type = proto::HoldTrim; };
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
}

void unpack(const proto::SyncStart& from, SyncStart& message, Unpacker& unpacker) {
  message.cookie = from.cookie();
  message.committed = Version(from.committed());
  message.window = from.window();
  if (from.has_resume()) message.resume = unpack(from.resume(), unpacker);
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
template struct MessageCodec<SyncChunk>;
template struct MessageCodec<SyncAck>;
template struct MessageCodec<SyncAbort>;

}  // namespace synod::codec
