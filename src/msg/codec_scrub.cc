#include "msg/codec_proto.h"
#include "proto/scrub.pb.h"

namespace synod::codec {

// clang-format off
template <> struct ProtoOf<ScrubReport> { using type = proto::ScrubReport; };
template <> struct ProtoOf<ScrubVerdict> { using type = proto::ScrubVerdict; };
template <> struct ProtoOf<ScrubAsk> { using type = proto::ScrubAsk; };
template <> struct ProtoOf<ScrubSegments> { using type = proto::ScrubSegments; };
template <> struct ProtoOf<ScrubPairs> { using type = proto::ScrubPairs; };
template <> struct ProtoOf<ScrubFinding> { using type = proto::ScrubFinding; };
// clang-format on

void pack(const ScrubCheck& check, proto::ScrubCheck* to) {
  to->set_member(check.member.value());
  to->set_state(static_cast<uint32_t>(check.state));
  to->set_keys(check.keys);
  to->set_bytes(check.bytes);
  to->set_digest(pack(check.digest));
  to->set_reason(check.reason);
}

ScrubCheck unpack(const proto::ScrubCheck& from, Unpacker& unpacker) {
  return {MemberId(from.member()),
          unpacker.enumerator(from.state(), ScrubState::unreadable),
          from.keys(),
          from.bytes(),
          unpacker.digest(from.digest()),
          from.reason()};
}

void pack(const DifferingKeys& differing, proto::DifferingKeys* to) {
  for (const Bytes& key : differing.keys) to->add_keys(key);
  to->set_count(differing.count);
  to->set_is_all(differing.is_all);
}

DifferingKeys unpack(const proto::DifferingKeys& from) {
  return {{from.keys().begin(), from.keys().end()}, from.count(), from.is_all()};
}

void pack(const ScrubReport& message, proto::ScrubReport* to, Packer&) {
  pack(message.point, to->mutable_point());
  pack(message.check, to->mutable_check());
}

void unpack(const proto::ScrubReport& from, ScrubReport& message, Unpacker& unpacker) {
  message.point = unpack(from.point(), unpacker);
  message.check = unpack(from.check(), unpacker);
}

void pack(const ScrubVerdict& message, proto::ScrubVerdict* to, Packer&) {
  pack(message.point, to->mutable_point());
  to->set_is_known(message.is_known);
  for (const ScrubCheck& check : message.checks) pack(check, to->add_checks());
  for (const uint64_t request : message.requests) to->add_requests(request);
}

void unpack(const proto::ScrubVerdict& from, ScrubVerdict& message, Unpacker& unpacker) {
  message.point = unpack(from.point(), unpacker);
  message.is_known = from.is_known();
  for (const proto::ScrubCheck& check : from.checks()) message.checks.push_back(unpack(check, unpacker));
  message.requests.assign(from.requests().begin(), from.requests().end());
}

void pack(const ScrubAsk& message, proto::ScrubAsk* to, Packer&) {
  to->set_version(message.version.value());
  to->set_pairs(message.is_for_pairs);
  to->set_after(message.after);
  to->set_last_key(message.last_key);
}

void unpack(const proto::ScrubAsk& from, ScrubAsk& message, Unpacker&) {
  message.version = Version(from.version());
  message.is_for_pairs = from.pairs();
  message.after = from.after();
  message.last_key = from.last_key();
}

void pack(const ScrubSegments& message, proto::ScrubSegments* to, Packer&) {
  to->set_version(message.version.value());
  to->set_after(message.after);
  pack(message.failure, to->mutable_failure());
  for (const ScrubSegment& segment : message.segments) {
    proto::ScrubSegment* packed = to->add_segments();
    packed->set_last_key(segment.last_key);
    packed->set_digest(pack(segment.digest));
  }
  to->set_is_last(message.is_last);
}

void unpack(const proto::ScrubSegments& from, ScrubSegments& message, Unpacker& unpacker) {
  message.version = Version(from.version());
  message.after = from.after();
  message.failure = unpack(from.failure(), unpacker);
  for (const proto::ScrubSegment& segment : from.segments()) {
    message.segments.push_back({segment.last_key(), unpacker.digest(segment.digest())});
  }
  message.is_last = from.is_last();
}

void pack(const ScrubPairs& message, proto::ScrubPairs* to, Packer&) {
  to->set_version(message.version.value());
  to->set_after(message.after);
  pack(message.failure, to->mutable_failure());
  for (const ScrubPair& pair : message.pairs) {
    proto::ScrubPair* packed = to->add_pairs();
    packed->set_key(pair.key);
    packed->set_fingerprint(pair.fingerprint);
  }
  to->set_is_last(message.is_last);
}

void unpack(const proto::ScrubPairs& from, ScrubPairs& message, Unpacker& unpacker) {
  message.version = Version(from.version());
  message.after = from.after();
  message.failure = unpack(from.failure(), unpacker);
  for (const proto::ScrubPair& pair : from.pairs()) message.pairs.push_back({pair.key(), pair.fingerprint()});
  message.is_last = from.is_last();
}

void pack(const ScrubFinding& message, proto::ScrubFinding* to, Packer&) {
  pack(message.point, to->mutable_point());
  to->set_is_over(message.is_over);
  pack(message.differing, to->mutable_differing());
  to->set_text(message.text);
}

void unpack(const proto::ScrubFinding& from, ScrubFinding& message, Unpacker& unpacker) {
  message.point = unpack(from.point(), unpacker);
  message.is_over = from.is_over();
  message.differing = unpack(from.differing());
  message.text = from.text();
}

template struct MessageCodec<ScrubReport>;
template struct MessageCodec<ScrubVerdict>;
template struct MessageCodec<ScrubAsk>;
template struct MessageCodec<ScrubSegments>;
template struct MessageCodec<ScrubPairs>;
template struct MessageCodec<ScrubFinding>;

}  // namespace synod::codec
