#include "test/sim/vote_oracle.h"

#include <fmt/format.h>

#include <type_traits>

namespace synod::sim {
namespace {

template <class M, class... Allowed>
constexpr bool is_one_of = (std::is_same_v<M, Allowed> || ...);

// All others are votes, orders of a leader, or answers that others build on.
bool may_be_sent_by_anybody(const Message& message) {
  return std::visit(
      [](const auto& m) {
        return is_one_of<std::decay_t<decltype(m)>, Hello, Goodbye, Probe, Fetch, SyncStart, SyncDiffering, SyncAck,
                         SyncAbort>;
      },
      message);
}

}  // namespace

void VoteOracle::on_formed(const Monmap& monmap) {
  if (!voters_.empty()) return;
  for (const Member& member : monmap.members) voters_.insert(member.id);
}

std::string VoteOracle::on_sent(const std::string& from, const Source& source, const Message& message) const {
  if (has_vote(source.member) || may_be_sent_by_anybody(message)) return {};
  return fmt::format("{} sends {}, and its member id {} has no vote", from, message_name(message),
                     to_string(source.member));
}

}  // namespace synod::sim
