// Conversions between the structs and the generated protobuf classes that several families need, and the body of
// MessageCodec. Private to src/msg, for the codec_*.cc only. A family provides for each of its messages
//
//   template <> struct ProtoOf<M> { using type = proto::M; };
//   void pack(const M&, proto::M*, Packer&);
//   void unpack(const proto::M&, M&, Unpacker&);
#pragma once

#include <climits>
#include <string>

#include "base/assert.h"
#include "msg/codec_parts.h"
#include "proto/common.pb.h"

namespace synod::codec {

void pack(const Source& source, proto::Source* to);
void pack(const ProposalNumber& pn, proto::ProposalNumber* to);
void pack(const Position& position, proto::Position* to);
void pack(const LogEntry& entry, proto::LogEntry* to, Packer& packer);
void pack(const Status& status, proto::Status* to);
void pack(const SyncProgress& progress, proto::SyncProgress* to);
void pack(const ScrubCheck& check, proto::ScrubCheck* to);
void pack(const DifferingKeys& differing, proto::DifferingKeys* to);
std::string pack(const Digest& digest);
std::string pack(const Fsid& fsid);

Source unpack(const proto::Source& from, Unpacker& unpacker);
ProposalNumber unpack(const proto::ProposalNumber& from);
Position unpack(const proto::Position& from, Unpacker& unpacker);
// Recomputes the hash, and fails if it is not the one that was sent.
LogEntry unpack(const proto::LogEntry& from, Unpacker& unpacker);
Status unpack(const proto::Status& from, Unpacker& unpacker);
SyncProgress unpack(const proto::SyncProgress& from);
ScrubCheck unpack(const proto::ScrubCheck& from, Unpacker& unpacker);
DifferingKeys unpack(const proto::DifferingKeys& from);

// Whether each field of the header ends within it. Protobuf finds out too, but only after it has made room, up to 50
// MB, for what such a field says that it holds.
bool has_whole_fields(ByteView header);

template <class M>
struct ProtoOf;

template <class M>
void MessageCodec<M>::encode(const Source& source, const M& message, Packer& packer, Bytes& head) {
  typename ProtoOf<M>::type to;
  if (source != Source{}) pack(source, to.mutable_source());
  pack(message, &to, packer);
  SYNOD_ASSERT(to.ByteSizeLong() <= INT_MAX, "a header of 2 GiB");
  to.AppendToString(&head);
}

template <class M>
Status MessageCodec<M>::decode(ByteView header, Unpacker& unpacker, Source& source, M& message) {
  typename ProtoOf<M>::type from;
  if (header.size() > INT_MAX || !has_whole_fields(header) ||
      !from.ParseFromArray(header.data(), static_cast<int>(header.size()))) {
    unpacker.fail("the header cannot be parsed");
    return unpacker.finish();
  }
  if (from.has_source()) source = unpack(from.source(), unpacker);
  unpack(from, message, unpacker);
  return unpacker.finish();
}

}  // namespace synod::codec
