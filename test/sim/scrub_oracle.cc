#include "test/sim/scrub_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace synod::sim {
namespace {

constexpr size_t versions_max = 50;

// Of somebody who could not be compared an alarm may tell at any time.
bool tells_of_a_difference(ByteView alarm) {
  return alarm.find("differ") != ByteView::npos || alarm.find("majority") != ByteView::npos;
}

}  // namespace

void ScrubOracle::on_start(const std::string& member, const ScrubMemory& memory) {
  refuted_.erase(member);
  if (memory.is_refuted) refuted_.insert(member);
}

std::string ScrubOracle::on_written(const std::string& member, const StoreWrites& writes) {
  for (const StoreWrite& write : writes) {
    if (const auto* put = std::get_if<PutLocal>(&write)) {
      if (put->key == refuted_key) {
        refuted_.insert(member);
        if (!expects_rot_) return member + " takes its store for a wrong one, and no byte was changed";
      }
      const bool is_false = put->key == alarm_key && !expects_rot_ && tells_of_a_difference(put->value.view());
      if (is_false) return fmt::format("{} raises an alarm, and no byte was changed: {}", member, put->value.view());
    } else if (const auto* erased = std::get_if<EraseLocal>(&write)) {
      if (erased->key == refuted_key) refuted_.erase(member);
    }
  }
  return "";
}

std::string ScrubOracle::on_read(const std::string& member, const ScrubRead& read) {
  if (!read.is_last) return "";
  auto& of_members = read_[read.version];
  of_members[member] = read.digest;
  std::string wrong;
  for (const auto& [other, digest] : of_members) {
    if (digest == read.digest || expects_rot_) continue;
    wrong = fmt::format("the stores of {} and {} differ as version {} left them", other, member, read.version.value());
  }
  if (read_.size() > versions_max) read_.erase(read_.begin());
  return wrong;
}

std::string ScrubOracle::on_repair(const std::string& member, const Repair& repair) const {
  if (!expects_rot_) return member + " is to be healed, and no byte was changed";
  const auto point = read_.find(repair.point);
  std::map<Digest, size_t> against;
  if (point != read_.end()) {
    const auto own = point->second.find(member);
    for (const auto& [other, digest] : point->second) {
      if (own == point->second.end() || digest != own->second) ++against[digest];
    }
  }
  const bool is_majority =
      std::any_of(against.begin(), against.end(), [&](const auto& item) { return item.second >= majority_; });
  if (is_majority) return "";
  return fmt::format(
      "{} stops voting after the scrub at version {}, and no majority agrees on another digest than its own", member,
      repair.point.value());
}

std::string ScrubOracle::on_sent(const std::string& from, const Message& message) const {
  if (expects_rot_) return "";
  if (const auto* verdict = std::get_if<ScrubVerdict>(&message)) return on_verdict(from, *verdict);
  if (const auto* finding = std::get_if<ScrubFinding>(&message)) {
    return fmt::format("{} finds out where its store differs, and no byte was changed: {}", from, finding->text);
  }
  return "";
}

std::string ScrubOracle::on_verdict(const std::string& from, const ScrubVerdict& verdict) const {
  std::optional<Digest> known;
  for (const ScrubCheck& check : verdict.checks) {
    const bool is_other = check.state == ScrubState::done && check.digest != known.value_or(check.digest);
    if (is_other || check.state == ScrubState::unreadable) {
      return fmt::format("{} judges that stores differ at version {}, and no byte was changed {}", from,
                         verdict.point.version.value(), check.reason);
    }
    if (check.state == ScrubState::done) known = check.digest;
  }
  return "";
}

std::string ScrubOracle::on_sync_event(const std::string& member, const SyncEvent& event) const {
  const bool serves = event.kind == SyncEventKind::session_opened || event.kind == SyncEventKind::ranges_sent ||
                      event.kind == SyncEventKind::chunk_sent || event.kind == SyncEventKind::last_chunk_sent;
  if (!serves || refuted_.count(member) == 0) return "";
  return member + " lets others copy a store that a majority has refuted";
}

}  // namespace synod::sim
