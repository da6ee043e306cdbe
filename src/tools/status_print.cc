#include "tools/status_print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

namespace synod {
namespace {

constexpr size_t columns = 7;
using Row = std::array<std::string, columns>;

std::string sync_text(const SyncProgress& sync) {
  if (sync.provider.empty()) return "-";
  std::string text = fmt::format("from {}: ", sync.provider);
  if (sync.per_mille > 0) text += fmt::format("{} %, ", sync.per_mille / 10);
  text += fmt::format("{} chunks, {} keys, {}", sync.chunks, sync.keys, readable_bytes(sync.bytes));
  if (sync.bytes_per_second > 0) text += fmt::format(", {}/s", readable_bytes(sync.bytes_per_second));
  if (sync.remaining_ms > 0) text += fmt::format(", {} s to go", (sync.remaining_ms + 999) / 1000);
  return text + fmt::format(", version {}", sync.version.value());
}

std::string hold_text(const HoldStatus& hold) {
  const std::string since =
      fmt::format("{} of {} in {} s", readable_bytes(hold.bytes), readable_bytes(hold.bytes_max), hold.age_ms / 1000);
  if (hold.is_ended) return fmt::format("the hold on the log for {} has ended at its bound: {}", hold.owner, since);
  return fmt::format("the log is held for {} from version {} on: {}{}", hold.owner, hold.version.value(), since,
                     (hold.blocks_trimming ? "; it would be trimmed by now" : std::string()) +
                         (hold.delay_ms > 0 ? fmt::format("; writes are slowed by up to {} ms", hold.delay_ms) : ""));
}

Row row_of(const MemberStatus& member) {
  return {member.name,
          to_string(member.id),
          member.address,
          state_of(member),
          std::to_string(member.first.value()),
          std::to_string(member.committed.value()),
          sync_text(member.sync)};
}

std::string table(const std::vector<Row>& rows) {
  std::array<size_t, columns> width{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < columns; ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < columns; ++i) line += fmt::format("{:<{}}  ", row[i], width[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace

std::string state_of(const MemberStatus& member) {
  return member.reachable ? std::string(to_string(member.state)) : "unreachable";
}

std::string readable_bytes(uint64_t bytes) {
  constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double number = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; number >= 1023.95 && unit + 1 < units.size(); ++unit) number /= 1024;
  return fmt::format("{:.1f} {}", number, units[unit]);
}

std::string status_table(const StatusReply& status) {
  std::string text = fmt::format("cluster  {}\n", status.fsid ? to_string(status.fsid) : "not formed yet");
  text +=
      status.leader.empty() ? "leader   none\n" : fmt::format("leader   {} (epoch {})\n", status.leader, status.epoch);
  text += fmt::format("quorum   {} ({} of {})\n",
                      status.quorum.empty() ? "none" : fmt::format("{}", fmt::join(status.quorum, " ")),
                      status.quorum.size(), status.voter_count());
  text += fmt::format("answer   from {} ({}){}{}\n\n", status.answered_by, to_string(status.state),
                      status.detail.empty() ? "" : ": ", status.detail);
  std::vector<Row> rows = {{"NAME", "ID", "ADDRESS", "STATE", "FIRST", "LAST", "SYNC"}};
  for (const MemberStatus& member : status.members) rows.push_back(row_of(member));
  text += table(rows);
  for (const HoldStatus& hold : status.holds) text += "\n" + hold_text(hold);
  if (!status.holds.empty()) text += "\n";
  for (const MemberStatus& member : status.members) {
    if (!member.alarm.empty()) text += fmt::format("\nALARM    {}: {}\n", member.name, member.alarm);
  }
  return text;
}

}  // namespace synod
