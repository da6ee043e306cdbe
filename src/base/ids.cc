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

}  // namespace synod
