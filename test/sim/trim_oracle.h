// The oracle of trimming: the logged trim floor only goes up, and never past a hold (I-22), and no member's log is
// trimmed above it. It reads the values that are chosen.
#pragma once

#include <map>
#include <string>

#include "mon/core/monitor.h"
#include "test/sim/findings.h"

namespace synod::sim {

class TrimOracle {
 public:
  explicit TrimOracle(Findings& findings) : findings_(findings) {}

  void on_chosen(Version version, const SharedBytes& value);
  void on_start(const std::string& member, const MonitorStart& start);
  // The member's log is another one: of a copied store, or of a cluster that was formed.
  void on_new_log(const std::string& member, const LogState& log) { began_[member] = log.first; }
  void forget(const std::string& member) { began_.erase(member); }
  // That a directory, `start` being what was read from it, holds a log that is not trimmed above the floor.
  void check_durable(const std::string& member, const MonitorStart& start) const;

 private:
  void on_hold(Version version, const TrimHold& hold);
  void on_floor(Version version, Version floor);

  Findings& findings_;
  Version floor_ = Version(1);            // the highest one that was chosen
  std::map<MemberId, TrimHold> holds_;    // that were chosen, and not ended, by requester
  std::map<std::string, Version> began_;  // where a member's log began when it was made: it never had what is below
};

}  // namespace synod::sim
