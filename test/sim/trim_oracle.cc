#include "test/sim/trim_oracle.h"

#include <fmt/format.h>

namespace synod::sim {

void TrimOracle::on_chosen(Version version, const SharedBytes& value) {
  const LogChange change = log_change_in(value);
  for (const TrimHold& hold : change.holds) on_hold(version, hold);
  if (change.trim_floor != Version()) on_floor(version, change.trim_floor);
}

void TrimOracle::on_hold(Version version, const TrimHold& hold) {
  if (holds_.count(hold.requester) > 0) {
    findings_.count(hold.state == TrimHold::State::released ? Rare::hold_released
                    : hold.state == TrimHold::State::ended  ? Rare::hold_ended_at_its_bound
                                                            : Rare::hold_renewed);
  }
  holds_.erase(hold.requester);
  if (hold.state != TrimHold::State::held) return;
  holds_[hold.requester] = hold;
  if (hold.version < floor_) {
    findings_.violated(fmt::format("version {} holds the log from version {} on, which is trimmed up to {}",
                                   version.value(), hold.version.value(), floor_.value()));
  }
}

void TrimOracle::on_floor(Version version, Version floor) {
  if (floor <= floor_) {
    findings_.violated(
        fmt::format("version {} moves the trim floor from {} to {}", version.value(), floor_.value(), floor.value()));
  }
  floor_ = floor;
  for (const auto& [requester, hold] : holds_) {
    if (floor_ <= hold.version) continue;
    findings_.violated(fmt::format("version {} trims the log up to version {}, which is held from {} on",
                                   version.value(), floor_.value(), hold.version.value()));
  }
}

void TrimOracle::on_start(const std::string& member, const MonitorStart& start) {
  began_.erase(member);
  if (start.log) on_new_log(member, *start.log);
}

void TrimOracle::check_durable(const std::string& member, const MonitorStart& start) const {
  // A log that is empty up to the applied version comes with a store that was just copied.
  if (!start.log || start.log->first > start.log->applied.version) return;
  const auto began = began_.find(member);
  if (start.log->first <= floor_ || (began != began_.end() && start.log->first <= began->second)) return;
  findings_.violated(fmt::format("{} has trimmed its log up to version {}, and the highest floor was {}", member,
                                 start.log->first.value(), floor_.value()));
}

}  // namespace synod::sim
