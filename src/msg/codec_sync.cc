#include "msg/codec_proto.h"
#include "proto/sync.pb.h"

namespace synod::codec {

// clang-format off
template <> struct ProtoOf<SyncStart> { using type = proto::SyncStart; };
template <> struct ProtoOf<HoldTrim> { using type = proto::HoldTrim; };
template <> struct ProtoOf<HoldTrimReply> { using type = proto::HoldTrimReply; };
template <> struct ProtoOf<ReleaseTrim> { using type = proto::ReleaseTrim; };
template <> struct ProtoOf<SyncChunk> { using type = proto::SyncChunk; };
template <> struct ProtoOf<SyncAck> { using type = proto::SyncAck; };
template <> struct ProtoOf<SyncAbort> { using type = proto::SyncAbort; };
// clang-format on

void pack(const SyncStart& message, proto::SyncStart* to, Packer&) {
  to->set_cookie(message.cookie);
  to->set_committed(message.committed.value());
}

void unpack(const proto::SyncStart& from, SyncStart& message, Unpacker&) {
  message.cookie = from.cookie();
  message.committed = Version(from.committed());
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

void pack(const HoldTrimReply& message, proto::HoldTrimReply* to, Packer&) {
  to->set_cookie(message.cookie);
  to->set_first(message.first.value());
}

void unpack(const proto::HoldTrimReply& from, HoldTrimReply& message, Unpacker&) {
  message.cookie = from.cookie();
  message.first = Version(from.first());
}

void pack(const ReleaseTrim& message, proto::ReleaseTrim* to, Packer&) { to->set_cookie(message.cookie); }
void unpack(const proto::ReleaseTrim& from, ReleaseTrim& message, Unpacker&) { message.cookie = from.cookie(); }

void pack(const SyncChunk& message, proto::SyncChunk* to, Packer& packer) {
  to->set_cookie(message.cookie);
  to->set_sequence(message.sequence);
  to->set_is_last(message.is_last);
  to->set_keys(message.keys);
  to->set_checksum(message.checksum);
  to->set_transaction_size(packer.put(message.transaction));
  pack(message.position, to->mutable_position());
  to->set_digest(pack(message.digest));
}

void unpack(const proto::SyncChunk& from, SyncChunk& message, Unpacker& unpacker) {
  message.cookie = from.cookie();
  message.sequence = from.sequence();
  message.is_last = from.is_last();
  message.keys = from.keys();
  message.checksum = from.checksum();
  message.transaction = unpacker.value(from.transaction_size());
  message.position = unpack(from.position(), unpacker);
  message.digest = unpacker.digest(from.digest());
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
template struct MessageCodec<HoldTrimReply>;
template struct MessageCodec<ReleaseTrim>;
template struct MessageCodec<SyncChunk>;
template struct MessageCodec<SyncAck>;
template struct MessageCodec<SyncAbort>;

}  // namespace synod::codec
