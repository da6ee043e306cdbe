#include "msg/codec_proto.h"
#include "proto/client.pb.h"

namespace synod::codec {

// clang-format off
template <> struct ProtoOf<ClientRequest> { using type = proto::ClientRequest; };
template <> struct ProtoOf<ClientReply> { using type = proto::ClientReply; };
template <> struct ProtoOf<Forward> { using type = proto::Forward; };
template <> struct ProtoOf<ForwardReply> { using type = proto::ForwardReply; };
// clang-format on

// ---------------------------------------------------------------------------------------------- requests

void pack(const SessionId& session, proto::SessionId* to) {
  to->set_client(session.client);
  to->set_number(session.number);
}

SessionId unpack(const proto::SessionId& from) { return {from.client(), from.number()}; }

void pack(const RequestTag& tag, proto::RequestTag* to) {
  pack(tag.session, to->mutable_session());
  to->set_sequence(tag.sequence);
  to->set_lowest_unanswered(tag.lowest_unanswered);
}

RequestTag unpack(const proto::RequestTag& from) {
  return {unpack(from.session()), from.sequence(), from.lowest_unanswered()};
}

void pack_body(const WriteRequest& body, proto::ClientRequest* to, Packer& packer) {
  proto::WriteRequest* write = to->mutable_write();
  for (const WriteOp& op : body.ops) {
    proto::WriteOp* packed = write->add_ops();
    packed->set_type(static_cast<uint32_t>(op.type));
    packed->set_key(op.key);
    packed->set_value_size(packer.put(op.value));
  }
  if (body.tag) pack(*body.tag, write->mutable_tag());
}

void pack_body(const RangeRequest& body, proto::ClientRequest* to, Packer&) {
  proto::RangeRequest* range = to->mutable_range();
  range->set_begin(body.begin);
  range->set_end(body.end);
  range->set_limit(body.limit);
  range->set_consistency(static_cast<uint32_t>(body.consistency));
}

void pack_body(const StatusRequest&, proto::ClientRequest* to, Packer&) { to->mutable_status(); }

void pack_body(const OpenSessionRequest& body, proto::ClientRequest* to, Packer&) {
  to->mutable_open_session()->set_client(body.client);
}
void pack_body(const TransferRequest& body, proto::ClientRequest* to, Packer&) {
  to->mutable_transfer()->set_name(body.name);
}

void pack_body(const ScrubRequest& body, proto::ClientRequest* to, Packer&) {
  to->mutable_scrub()->set_number(body.number);
}

WriteRequest unpack_body(const proto::WriteRequest& from, Unpacker& unpacker) {
  WriteRequest body;
  for (const proto::WriteOp& op : from.ops()) {
    const auto type = unpacker.enumerator(op.type(), WriteOp::Type::erase);
    body.ops.push_back({type, op.key(), unpacker.value(op.value_size())});
    if (unpacker.has_failed()) break;
  }
  if (from.has_tag()) body.tag = unpack(from.tag());
  return body;
}

RangeRequest unpack_body(const proto::RangeRequest& from, Unpacker& unpacker) {
  return {from.begin(), from.end(), from.limit(), unpacker.enumerator(from.consistency(), Consistency::serializable)};
}

void pack(const ClientRequest& message, proto::ClientRequest* to, Packer& packer) {
  to->set_id(message.id);
  to->set_timeout_ms(message.timeout_ms);
  std::visit([&](const auto& body) { pack_body(body, to, packer); }, message.body);
}

void unpack(const proto::ClientRequest& from, ClientRequest& message, Unpacker& unpacker) {
  message.id = from.id();
  message.timeout_ms = from.timeout_ms();
  switch (from.body_case()) {
    case proto::ClientRequest::kWrite: message.body = unpack_body(from.write(), unpacker); break;
    case proto::ClientRequest::kRange: message.body = unpack_body(from.range(), unpacker); break;
    case proto::ClientRequest::kStatus: message.body = StatusRequest{}; break;
    case proto::ClientRequest::kOpenSession: message.body = OpenSessionRequest{from.open_session().client()}; break;
    case proto::ClientRequest::kTransfer: message.body = TransferRequest{from.transfer().name()}; break;
    case proto::ClientRequest::kScrub: message.body = ScrubRequest{from.scrub().number()}; break;
    case proto::ClientRequest::BODY_NOT_SET: unpacker.fail("a client's request is of unknown kind"); break;
  }
}

// ---------------------------------------------------------------------------------------------- replies

void pack_body(const std::monostate&, proto::ClientReply*, Packer&) {}

void pack_body(const WriteReply& body, proto::ClientReply* to, Packer&) {
  to->mutable_write()->set_revision(body.revision);
  for (const uint64_t erased : body.erased) to->mutable_write()->add_erased(erased);
}

void pack_body(const RangeReply& body, proto::ClientReply* to, Packer& packer) {
  proto::RangeReply* range = to->mutable_range();
  range->set_revision(body.revision);
  range->set_more(body.more);
  for (const KeyValue& item : body.items) {
    proto::KeyValue* packed = range->add_items();
    packed->set_key(item.key);
    packed->set_value_size(packer.put(item.value));
    packed->set_create_revision(item.create_revision);
    packed->set_mod_revision(item.mod_revision);
    packed->set_version(item.version);
  }
}

void pack_body(const OpenSessionReply& body, proto::ClientReply* to, Packer&) {
  pack(body.session, to->mutable_open_session()->mutable_session());
}

void pack_member(const MemberStatus& member, proto::MemberStatus* to) {
  to->set_name(member.name);
  to->set_id(member.id.value());
  to->set_address(member.address);
  to->set_reachable(member.reachable);
  to->set_has_vote(member.has_vote);
  to->set_state(static_cast<uint32_t>(member.state));
  to->set_first(member.first.value());
  to->set_committed(member.committed.value());
  pack(member.sync, to->mutable_sync());
  to->set_alarm(member.alarm);
}

void pack_hold(const HoldStatus& hold, proto::HoldStatus* to) {
  to->set_owner(hold.owner);
  to->set_version(hold.version.value());
  to->set_bytes(hold.bytes);
  to->set_bytes_max(hold.bytes_max);
  to->set_age_ms(hold.age_ms);
  to->set_delay_ms(hold.delay_ms);
  to->set_is_ended(hold.is_ended);
  to->set_blocks_trimming(hold.blocks_trimming);
}

void pack_body(const StatusReply& body, proto::ClientReply* to, Packer&) {
  proto::StatusReply* status = to->mutable_member_status();
  status->set_fsid(pack(body.fsid));
  status->set_answered_by(body.answered_by);
  status->set_state(static_cast<uint32_t>(body.state));
  status->set_detail(body.detail);
  status->set_leader(body.leader);
  status->set_epoch(body.epoch);
  for (const std::string& name : body.quorum) status->add_quorum(name);
  for (const MemberStatus& member : body.members) pack_member(member, status->add_members());
  for (const HoldStatus& hold : body.holds) pack_hold(hold, status->add_holds());
}

void pack_body(const TransferReply& body, proto::ClientReply* to, Packer&) {
  to->mutable_transfer()->set_leader(body.leader);
}

void pack_body(const ScrubReply& body, proto::ClientReply* to, Packer&) {
  proto::ScrubReply* scrub = to->mutable_scrub();
  scrub->set_phase(static_cast<uint32_t>(body.phase));
  scrub->set_version(body.version.value());
  scrub->set_is_agreed(body.is_agreed);
  for (const ScrubbedMember& member : body.members) {
    proto::ScrubbedMember* packed = scrub->add_members();
    packed->set_name(member.name);
    pack(member.check, packed->mutable_check());
    packed->set_differs(member.differs);
    pack(member.differing, packed->mutable_differing());
    packed->set_text(member.text);
  }
}

WriteReply unpack_body(const proto::WriteReply& from, Unpacker&) {
  return {from.revision(), {from.erased().begin(), from.erased().end()}};
}

RangeReply unpack_body(const proto::RangeReply& from, Unpacker& unpacker) {
  RangeReply body;
  body.revision = from.revision();
  body.more = from.more();
  for (const proto::KeyValue& item : from.items()) {
    body.items.push_back(
        {item.key(), unpacker.value(item.value_size()), item.create_revision(), item.mod_revision(), item.version()});
    if (unpacker.has_failed()) break;
  }
  return body;
}

MemberStatus unpack_member(const proto::MemberStatus& from, Unpacker& unpacker) {
  MemberStatus member;
  member.name = from.name();
  member.id = MemberId(from.id());
  member.address = from.address();
  member.reachable = from.reachable();
  member.has_vote = from.has_vote();
  member.state = unpacker.enumerator(from.state(), MemberState::learner);
  member.first = Version(from.first());
  member.committed = Version(from.committed());
  member.sync = unpack(from.sync());
  member.alarm = from.alarm();
  return member;
}

StatusReply unpack_body(const proto::StatusReply& from, Unpacker& unpacker) {
  StatusReply body;
  body.fsid = unpacker.fsid(from.fsid());
  body.answered_by = from.answered_by();
  body.state = unpacker.enumerator(from.state(), MemberState::learner);
  body.detail = from.detail();
  body.leader = from.leader();
  body.epoch = from.epoch();
  body.quorum.assign(from.quorum().begin(), from.quorum().end());
  for (const proto::MemberStatus& member : from.members()) body.members.push_back(unpack_member(member, unpacker));
  for (const proto::HoldStatus& hold : from.holds()) {
    body.holds.push_back({hold.owner(), Version(hold.version()), hold.bytes(), hold.bytes_max(), hold.age_ms(),
                          hold.delay_ms(), hold.is_ended(), hold.blocks_trimming()});
  }
  return body;
}

ScrubReply unpack_body(const proto::ScrubReply& from, Unpacker& unpacker) {
  ScrubReply body;
  body.phase = unpacker.enumerator(from.phase(), ScrubReply::Phase::over);
  body.version = Version(from.version());
  body.is_agreed = from.is_agreed();
  for (const proto::ScrubbedMember& member : from.members()) {
    body.members.push_back(
        {member.name(), unpack(member.check(), unpacker), member.differs(), unpack(member.differing()), member.text()});
  }
  return body;
}

void pack(const ClientReply& message, proto::ClientReply* to, Packer& packer) {
  to->set_id(message.id);
  pack(message.status, to->mutable_status());
  std::visit([&](const auto& body) { pack_body(body, to, packer); }, message.body);
}

void unpack(const proto::ClientReply& from, ClientReply& message, Unpacker& unpacker) {
  message.id = from.id();
  message.status = unpack(from.status(), unpacker);
  switch (from.body_case()) {
    case proto::ClientReply::kWrite: message.body = unpack_body(from.write(), unpacker); break;
    case proto::ClientReply::kRange: message.body = unpack_body(from.range(), unpacker); break;
    case proto::ClientReply::kMemberStatus: message.body = unpack_body(from.member_status(), unpacker); break;
    case proto::ClientReply::kOpenSession:
      message.body = OpenSessionReply{unpack(from.open_session().session())};
      break;
    case proto::ClientReply::kTransfer: message.body = TransferReply{from.transfer().leader()}; break;
    case proto::ClientReply::kScrub: message.body = unpack_body(from.scrub(), unpacker); break;
    case proto::ClientReply::BODY_NOT_SET: break;
  }
}

// ---------------------------------------------------------------------------------------------- forwarding

void pack(const Forward& message, proto::Forward* to, Packer& packer) {
  to->set_id(message.id);
  pack(message.pn, to->mutable_pn());
  pack(message.request, to->mutable_request(), packer);
}

void unpack(const proto::Forward& from, Forward& message, Unpacker& unpacker) {
  message.id = from.id();
  message.pn = unpack(from.pn());
  unpack(from.request(), message.request, unpacker);
}

void pack(const ForwardReply& message, proto::ForwardReply* to, Packer& packer) {
  to->set_id(message.id);
  pack(message.reply, to->mutable_reply(), packer);
}

void unpack(const proto::ForwardReply& from, ForwardReply& message, Unpacker& unpacker) {
  message.id = from.id();
  unpack(from.reply(), message.reply, unpacker);
}

template struct MessageCodec<ClientRequest>;
template struct MessageCodec<ClientReply>;
template struct MessageCodec<Forward>;
template struct MessageCodec<ForwardReply>;

}  // namespace synod::codec
