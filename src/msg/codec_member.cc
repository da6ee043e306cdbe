#include "msg/codec_proto.h"
#include "proto/member.pb.h"

namespace synod::codec {

// clang-format off
template <> struct ProtoOf<Hello> { using type = proto::Hello; };
template <> struct ProtoOf<Goodbye> { using type = proto::Goodbye; };
template <> struct ProtoOf<Probe> { using type = proto::Probe; };
template <> struct ProtoOf<FormPrepare> { using type = proto::FormPrepare; };
template <> struct ProtoOf<FormPrepared> { using type = proto::FormPrepared; };
template <> struct ProtoOf<FormCommit> { using type = proto::FormCommit; };
// clang-format on

void pack(const Hello& message, proto::Hello* to, Packer&) {
  to->set_version(message.version);
  to->set_kind(static_cast<uint32_t>(message.kind));
  to->set_name(message.name);
  to->set_address(message.address);
}

void unpack(const proto::Hello& from, Hello& message, Unpacker& unpacker) {
  message.version = from.version();
  message.kind = unpacker.enumerator(from.kind(), PeerKind::client);
  message.name = from.name();
  message.address = from.address();
}

void pack(const Goodbye& message, proto::Goodbye* to, Packer&) { pack(message.reason, to->mutable_reason()); }

void unpack(const proto::Goodbye& from, Goodbye& message, Unpacker& unpacker) {
  message.reason = unpack(from.reason(), unpacker);
}

void pack(const Probe& message, proto::Probe* to, Packer&) {
  to->set_name(message.name);
  to->set_address(message.address);
  to->set_state(static_cast<uint32_t>(message.state));
  to->set_formation(static_cast<uint32_t>(message.formation));
  to->set_members_digest(message.members_digest);
  to->set_monmap(message.monmap);
  to->set_first(message.first.value());
  pack(message.committed, to->mutable_committed());
  pack(message.promised, to->mutable_promised());
  to->set_leader(message.leader.value());
  pack(message.sync, to->mutable_sync());
  to->set_commit_us(message.commit_us);
  to->set_alarm(message.alarm);
}

void unpack(const proto::Probe& from, Probe& message, Unpacker& unpacker) {
  message.name = from.name();
  message.address = from.address();
  message.state = unpacker.enumerator(from.state(), MemberState::learner);
  message.formation = unpacker.enumerator(from.formation(), FormationState::formed);
  message.members_digest = from.members_digest();
  message.monmap = from.monmap();
  message.first = Version(from.first());
  message.committed = unpack(from.committed(), unpacker);
  message.promised = unpack(from.promised());
  message.leader = MemberId(from.leader());
  message.sync = unpack(from.sync());
  message.commit_us = from.commit_us();
  message.alarm = from.alarm();
}

void pack(const FormPrepare& message, proto::FormPrepare* to, Packer&) { to->set_monmap(message.monmap); }
void unpack(const proto::FormPrepare& from, FormPrepare& message, Unpacker&) { message.monmap = from.monmap(); }

void pack(const FormPrepared& message, proto::FormPrepared* to, Packer&) { to->set_fsid(pack(message.fsid)); }
void unpack(const proto::FormPrepared& from, FormPrepared& message, Unpacker& unpacker) {
  message.fsid = unpacker.fsid(from.fsid());
}

void pack(const FormCommit& message, proto::FormCommit* to, Packer&) { to->set_monmap(message.monmap); }
void unpack(const proto::FormCommit& from, FormCommit& message, Unpacker&) { message.monmap = from.monmap(); }

template struct MessageCodec<Hello>;
template struct MessageCodec<Goodbye>;
template struct MessageCodec<Probe>;
template struct MessageCodec<FormPrepare>;
template struct MessageCodec<FormPrepared>;
template struct MessageCodec<FormCommit>;

}  // namespace synod::codec
