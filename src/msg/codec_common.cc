#include <google/protobuf/io/coded_stream.h>

#include <array>

#include "msg/codec_proto.h"

namespace synod::codec {
namespace {

// The place in this table is the number on the wire.
constexpr std::array code_numbers = {Code::ok,       Code::not_found,   Code::invalid_argument, Code::refused,
                                     Code::in_use,   Code::unavailable, Code::unknown_outcome,  Code::corruption,
                                     Code::io_error, Code::exhausted,   Code::unknown_session};

constexpr uint64_t round_max = uint64_t{1} << 62;

uint32_t number_of(Code code) {
  for (uint32_t number = 0; number < code_numbers.size(); ++number) {
    if (code_numbers[number] == code) return number;
  }
  SYNOD_ASSERT(false, "a status code without a number on the wire");
}

// protobuf.dev, Encoding: the low bits of a tag say how the field is written.
bool skip_field(google::protobuf::io::CodedInputStream& in, uint32_t tag) {
  uint64_t number = 0;
  switch (tag & 7) {
    case 0: return in.ReadVarint64(&number);
    case 1: return in.Skip(8);
    case 2: return in.ReadVarint64(&number) && number <= INT_MAX && in.Skip(static_cast<int>(number));
    case 5: return in.Skip(4);
    default: return false;  // groups, which no message of Synod has
  }
}

}  // namespace

bool has_whole_fields(ByteView header) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(header.data()),
                                            static_cast<int>(header.size()));
  while (const uint32_t tag = in.ReadTag()) {
    if (!skip_field(in, tag)) return false;
  }
  return in.ConsumedEntireMessage();
}

std::string pack(const Digest& digest) { return std::string(digest.view()); }
std::string pack(const Fsid& fsid) { return {fsid.bytes.begin(), fsid.bytes.end()}; }

void pack(const Source& source, proto::Source* to) {
  to->set_fsid(pack(source.fsid));
  to->set_member(source.member.value());
  to->set_start_count(source.start_count);
}

Source unpack(const proto::Source& from, Unpacker& unpacker) {
  return {unpacker.fsid(from.fsid()), MemberId(from.member()), from.start_count()};
}

void pack(const ProposalNumber& pn, proto::ProposalNumber* to) {
  to->set_round(pn.round);
  to->set_member(pn.member.value());
}

ProposalNumber unpack(const proto::ProposalNumber& from) {
  // No count comes so far, and a member that is told such a round could not take one above it.
  if (from.round() > round_max) return {};
  return {from.round(), MemberId(from.member())};
}

void pack(const Position& position, proto::Position* to) {
  to->set_version(position.version.value());
  to->set_hash(pack(position.hash));
}

Position unpack(const proto::Position& from, Unpacker& unpacker) {
  return {Version(from.version()), unpacker.digest(from.hash())};
}

void pack(const LogEntry& entry, proto::LogEntry* to, Packer& packer) {
  to->set_version(entry.version.value());
  pack(entry.pn, to->mutable_pn());
  to->set_predecessor(pack(entry.predecessor));
  to->set_hash(pack(entry.hash));
  to->set_value_size(packer.put(entry.value));
}

LogEntry unpack(const proto::LogEntry& from, Unpacker& unpacker) {
  const ChainHash predecessor = unpacker.digest(from.predecessor());
  const ChainHash hash = unpacker.digest(from.hash());
  SharedBytes value = unpacker.value(from.value_size());
  if (from.version() == 0) unpacker.fail("an entry has the version 0, which is the genesis");
  if (unpacker.has_failed()) return {};
  const Position before{Version(from.version()).previous(), predecessor};
  LogEntry entry = make_log_entry(before, unpack(from.pn()), std::move(value));
  if (entry.hash != hash) unpacker.fail("the value of version " + std::to_string(from.version()) + " fails its hash");
  return entry;
}

void pack(const Status& status, proto::Status* to) {
  to->set_code(number_of(status.code()));
  to->set_message(status.message());
}

Status unpack(const proto::Status& from, Unpacker& unpacker) {
  if (from.code() < code_numbers.size()) return {code_numbers[from.code()], from.message()};
  unpacker.fail("a status has the unknown code " + std::to_string(from.code()));
  return {};
}

void pack(const SyncProgress& progress, proto::SyncProgress* to) {
  to->set_provider(progress.provider);
  to->set_chunks(progress.chunks);
  to->set_keys(progress.keys);
  to->set_bytes(progress.bytes);
  to->set_version(progress.version.value());
  to->set_cookie(progress.cookie);
  to->set_per_mille(progress.per_mille);
  to->set_bytes_per_second(progress.bytes_per_second);
  to->set_remaining_ms(progress.remaining_ms);
}

SyncProgress unpack(const proto::SyncProgress& from) {
  return {from.provider(),  from.chunks(),           from.keys(),
          from.bytes(),     Version(from.version()), from.cookie(),
          from.per_mille(), from.bytes_per_second(), from.remaining_ms()};
}

}  // namespace synod::codec
