#include "msg/codec_proto.h"
#include "proto/paxos.pb.h"

namespace synod::codec {

// clang-format off
template <> struct ProtoOf<Propose> { using type = proto::Propose; };
template <> struct ProtoOf<ProposeReply> { using type = proto::ProposeReply; };
template <> struct ProtoOf<Collect> { using type = proto::Collect; };
template <> struct ProtoOf<Last> { using type = proto::Last; };
template <> struct ProtoOf<Refuse> { using type = proto::Refuse; };
template <> struct ProtoOf<Begin> { using type = proto::Begin; };
template <> struct ProtoOf<Accept> { using type = proto::Accept; };
template <> struct ProtoOf<Gap> { using type = proto::Gap; };
template <> struct ProtoOf<Commit> { using type = proto::Commit; };
template <> struct ProtoOf<Lease> { using type = proto::Lease; };
template <> struct ProtoOf<LeaseAck> { using type = proto::LeaseAck; };
template <> struct ProtoOf<HandOver> { using type = proto::HandOver; };
template <> struct ProtoOf<ReadIndex> { using type = proto::ReadIndex; };
template <> struct ProtoOf<ReadIndexReply> { using type = proto::ReadIndexReply; };
template <> struct ProtoOf<Fetch> { using type = proto::Fetch; };
template <> struct ProtoOf<Entries> { using type = proto::Entries; };
// clang-format on

template <class Field>
std::vector<LogEntry> unpack_entries(const Field& from, Unpacker& unpacker) {
  std::vector<LogEntry> entries;
  for (const proto::LogEntry& entry : from) {
    entries.push_back(unpack(entry, unpacker));
    if (unpacker.has_failed()) break;
  }
  return entries;
}

void pack(const Propose& message, proto::Propose* to, Packer&) {
  pack(message.pn, to->mutable_pn());
  to->set_committed(message.committed.value());
}

void unpack(const proto::Propose& from, Propose& message, Unpacker&) {
  message.pn = unpack(from.pn());
  message.committed = Version(from.committed());
}

void pack(const ProposeReply& message, proto::ProposeReply* to, Packer&) {
  pack(message.pn, to->mutable_pn());
  to->set_granted(message.granted);
  pack(message.promised, to->mutable_promised());
}

void unpack(const proto::ProposeReply& from, ProposeReply& message, Unpacker&) {
  message.pn = unpack(from.pn());
  message.granted = from.granted();
  message.promised = unpack(from.promised());
}

void pack(const Collect& message, proto::Collect* to, Packer&) {
  pack(message.pn, to->mutable_pn());
  pack(message.committed, to->mutable_committed());
  if (message.released) pack(message.released, to->mutable_released());
}

void unpack(const proto::Collect& from, Collect& message, Unpacker& unpacker) {
  message.pn = unpack(from.pn());
  message.committed = unpack(from.committed(), unpacker);
  // Without a round it names no leadership, and is the same as none.
  if (from.released().round() != 0) message.released = unpack(from.released());
}

void pack(const Last& message, proto::Last* to, Packer& packer) {
  pack(message.pn, to->mutable_pn());
  to->set_first(message.first.value());
  pack(message.committed, to->mutable_committed());
  for (const LogEntry& entry : message.accepted) pack(entry, to->add_accepted(), packer);
}

void unpack(const proto::Last& from, Last& message, Unpacker& unpacker) {
  message.pn = unpack(from.pn());
  message.first = Version(from.first());
  message.committed = unpack(from.committed(), unpacker);
  message.accepted = unpack_entries(from.accepted(), unpacker);
}

void pack(const Refuse& message, proto::Refuse* to, Packer&) {
  pack(message.pn, to->mutable_pn());
  pack(message.promised, to->mutable_promised());
}

void unpack(const proto::Refuse& from, Refuse& message, Unpacker&) {
  message.pn = unpack(from.pn());
  message.promised = unpack(from.promised());
}

void pack(const Begin& message, proto::Begin* to, Packer& packer) {
  pack(message.entry, to->mutable_entry(), packer);
  pack(message.committed, to->mutable_committed());
}

void unpack(const proto::Begin& from, Begin& message, Unpacker& unpacker) {
  message.entry = unpack(from.entry(), unpacker);
  message.committed = unpack(from.committed(), unpacker);
}

void pack(const Accept& message, proto::Accept* to, Packer&) {
  pack(message.pn, to->mutable_pn());
  pack(message.position, to->mutable_position());
}

void unpack(const proto::Accept& from, Accept& message, Unpacker& unpacker) {
  message.pn = unpack(from.pn());
  message.position = unpack(from.position(), unpacker);
}

void pack(const Gap& message, proto::Gap* to, Packer&) {
  pack(message.pn, to->mutable_pn());
  pack(message.position, to->mutable_position());
}

void unpack(const proto::Gap& from, Gap& message, Unpacker& unpacker) {
  message.pn = unpack(from.pn());
  message.position = unpack(from.position(), unpacker);
}

void pack(const Commit& message, proto::Commit* to, Packer&) {
  pack(message.pn, to->mutable_pn());
  pack(message.committed, to->mutable_committed());
}

void unpack(const proto::Commit& from, Commit& message, Unpacker& unpacker) {
  message.pn = unpack(from.pn());
  message.committed = unpack(from.committed(), unpacker);
}

void pack(const Lease& message, proto::Lease* to, Packer&) {
  pack(message.pn, to->mutable_pn());
  to->set_sequence(message.sequence);
  pack(message.committed, to->mutable_committed());
  to->set_first(message.first.value());
  for (const MemberId member : message.quorum) to->add_quorum(member.value());
}

void unpack(const proto::Lease& from, Lease& message, Unpacker& unpacker) {
  message.pn = unpack(from.pn());
  message.sequence = from.sequence();
  message.committed = unpack(from.committed(), unpacker);
  message.first = Version(from.first());
  for (const uint64_t member : from.quorum()) message.quorum.emplace_back(member);
}

void pack(const LeaseAck& message, proto::LeaseAck* to, Packer&) {
  pack(message.pn, to->mutable_pn());
  to->set_sequence(message.sequence);
  pack(message.position, to->mutable_position());
  pack(message.committed, to->mutable_committed());
  to->set_disk_hangs(message.disk_hangs);
}

void unpack(const proto::LeaseAck& from, LeaseAck& message, Unpacker& unpacker) {
  message.pn = unpack(from.pn());
  message.sequence = from.sequence();
  message.position = unpack(from.position(), unpacker);
  message.committed = unpack(from.committed(), unpacker);
  message.disk_hangs = from.disk_hangs();
}

void pack(const HandOver& message, proto::HandOver* to, Packer&) { pack(message.pn, to->mutable_pn()); }

void unpack(const proto::HandOver& from, HandOver& message, Unpacker&) { message.pn = unpack(from.pn()); }

void pack(const ReadIndex& message, proto::ReadIndex* to, Packer&) { to->set_id(message.id); }

void unpack(const proto::ReadIndex& from, ReadIndex& message, Unpacker&) { message.id = from.id(); }

void pack(const ReadIndexReply& message, proto::ReadIndexReply* to, Packer&) {
  to->set_id(message.id);
  pack(message.committed, to->mutable_committed());
}

void unpack(const proto::ReadIndexReply& from, ReadIndexReply& message, Unpacker& unpacker) {
  message.id = from.id();
  message.committed = unpack(from.committed(), unpacker);
}

void pack(const Fetch& message, proto::Fetch* to, Packer&) {
  to->set_from(message.from.value());
  to->set_to(message.to.value());
}

void unpack(const proto::Fetch& from, Fetch& message, Unpacker&) {
  message.from = Version(from.from());
  message.to = Version(from.to());
}

void pack(const Entries& message, proto::Entries* to, Packer& packer) {
  to->set_first(message.first.value());
  to->set_wanted(message.wanted.value());
  for (const LogEntry& entry : message.entries) pack(entry, to->add_entries(), packer);
}

void unpack(const proto::Entries& from, Entries& message, Unpacker& unpacker) {
  message.first = Version(from.first());
  message.wanted = Version(from.wanted());
  message.entries = unpack_entries(from.entries(), unpacker);
}

template struct MessageCodec<Propose>;
template struct MessageCodec<ProposeReply>;
template struct MessageCodec<Collect>;
template struct MessageCodec<Last>;
template struct MessageCodec<Refuse>;
template struct MessageCodec<Begin>;
template struct MessageCodec<Accept>;
template struct MessageCodec<Gap>;
template struct MessageCodec<Commit>;
template struct MessageCodec<Lease>;
template struct MessageCodec<LeaseAck>;
template struct MessageCodec<HandOver>;
template struct MessageCodec<ReadIndex>;
template struct MessageCodec<ReadIndexReply>;
template struct MessageCodec<Fetch>;
template struct MessageCodec<Entries>;

}  // namespace synod::codec
