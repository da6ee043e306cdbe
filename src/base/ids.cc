#include "base/ids.h"

#include <fmt/format.h>

namespace synod {

std::string to_string(MemberId id) { return fmt::format("{:016x}", id.value()); }

std::string to_string(const ProposalNumber& pn) { return fmt::format("{}.{:016x}", pn.round, pn.member.value()); }

std::string to_string(const Fsid& fsid) {
  std::string text;
  for (size_t i = 0; i < fsid.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", fsid.bytes[i]);
  }
  return text;
}

Result<Fsid> parse_fsid(const std::string& text) {
  const Status malformed(Code::invalid_argument, fmt::format("'{}' is not a cluster id (8-4-4-4-12 hex digits)", text));
  Fsid fsid;
  size_t digits = 0;
  for (char c : text) {
    if (c == '-') continue;
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0 || digits == 32) return malformed;
    uint8_t& byte = fsid.bytes[digits / 2];
    byte = static_cast<uint8_t>(byte << 4 | digit);
    ++digits;
  }
  if (digits != 32 || to_string(fsid) != text) return malformed;
  return fsid;
}

}  // namespace synod
