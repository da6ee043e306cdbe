#include "mon/core/monmap.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checksum.h"
#include "base/codec.h"
#include "msg/transport.h"

namespace synod {
namespace {
constexpr uint32_t monmap_format = 1;
constexpr size_t members_max = 1000;

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

Status check_part(const std::vector<InitialMember>& before, const InitialMember& member, const std::string& part) {
  if (!is_name(member.name)) {
    return {Code::invalid_argument,
            fmt::format("'{}' in the member list does not begin with a name (letters, digits, '-', '_', '.') and '='",
                        part)};
  }
  if (Result<Address> address = parse_address(member.address); !address) return address.error();
  for (const InitialMember& other : before) {
    if (other.name == member.name) {
      return {Code::invalid_argument, fmt::format("name '{}' stands twice in the member list", member.name)};
    }
    if (other.address == member.address) {
      return {Code::invalid_argument, fmt::format("address '{}' stands twice in the member list", member.address)};
    }
  }
  return Status::ok();
}
}  // namespace

const Member* Monmap::find(MemberId id) const {
  const auto it = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.id == id; });
  return it == members.end() ? nullptr : &*it;
}

const Member* Monmap::find_name(const std::string& name) const {
  const auto it = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.name == name; });
  return it == members.end() ? nullptr : &*it;
}

bool Monmap::is_voter(MemberId id) const {
  const Member* member = find(id);
  return member != nullptr && member->role == MemberRole::voter;
}

size_t Monmap::voter_count() const {
  return static_cast<size_t>(
      std::count_if(members.begin(), members.end(), [](const Member& m) { return m.role == MemberRole::voter; }));
}

bool Monmap::is_majority(const std::set<MemberId>& ids) const {
  const auto voters = std::count_if(ids.begin(), ids.end(), [&](MemberId id) { return is_voter(id); });
  return static_cast<size_t>(voters) >= majority();
}

Bytes Monmap::encode() const {
  Bytes out;
  put_fixed32(out, monmap_format);
  out.append(fsid.bytes.begin(), fsid.bytes.end());
  put_fixed64(out, epoch);
  put_fixed32(out, static_cast<uint32_t>(members.size()));
  for (const Member& member : members) {
    put_field(out, member.name);
    put_fixed64(out, member.id.value());
    put_field(out, member.address);
    out += static_cast<char>(member.role);
  }
  return out;
}

Result<Monmap> Monmap::decode(ByteView bytes) {
  const Status malformed(Code::corruption, "a monmap does not decode");
  Decoder in(bytes);
  Monmap monmap;
  if (in.fixed32() != monmap_format) return malformed;
  const ByteView fsid = in.take(monmap.fsid.bytes.size());
  std::copy(fsid.begin(), fsid.end(), monmap.fsid.bytes.begin());
  monmap.epoch = in.fixed64();
  const uint32_t count = in.fixed32();
  if (in.has_failed() || count > members_max) return malformed;
  for (uint32_t i = 0; i < count; ++i) {
    Member member;
    member.name = in.field();
    member.id = MemberId(in.fixed64());
    member.address = in.field();
    const uint8_t role = in.fixed8();
    if (in.has_failed() || role < 1 || role > 2) return malformed;
    member.role = static_cast<MemberRole>(role);
    monmap.members.push_back(std::move(member));
  }
  if (!in.is_complete()) return malformed;
  return monmap;
}

Result<std::vector<InitialMember>> parse_initial_members(const std::string& text) {
  std::vector<InitialMember> members;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, comma - begin);
    const size_t equals = part.find('=');
    InitialMember member;
    if (equals != std::string::npos) member = {part.substr(0, equals), part.substr(equals + 1)};
    SYNOD_RETURN_IF_ERROR(check_part(members, member, part));
    members.push_back(std::move(member));
    begin = comma + 1;
  }
  return members;
}

uint64_t digest_of(const std::vector<InitialMember>& members) {
  Bytes text;
  for (const InitialMember& member : members) {
    put_field(text, member.name);
    put_field(text, member.address);
  }
  return checksum64(text);
}

}  // namespace synod
