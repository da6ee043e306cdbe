// The logs of all members of a cluster, as `synod-mon --trace-sync` writes them, for SyncOrder. Each log has the lives
// of one member, the oldest first, and whatever else; its last line in each life may be cut off.
#pragma once

#include <deque>
#include <istream>
#include <map>
#include <optional>
#include <string>

#include "test/sim/check/sync/sync_order.h"

namespace synod::sim {

class SyncLogs {
 public:
  // Reads one log. A line that ought to be an event and is none is a violation, and so is a log of two members.
  void read(const std::string& file, std::istream& log);
  // Judges the events of all logs, in an order in which nothing is received before it is sent. Returns the first
  // violation, with its place, or nothing; where there is no such order, what the next event of each log lacks.
  std::string check();
  uint64_t events() const { return order_.events(); }

 private:
  struct Line {
    std::string where;  // FILE:LINE
    MemberState state = MemberState::forming;
    std::optional<SyncEvent> event;
  };
  // Judges the next line of the member.
  void take(const std::string& member);
  // What the next line lacks.
  std::string waits_for(const std::string& member) const;
  // As many lines as lack nothing.
  bool take_due(const std::string& member);
  void refuse_all();
  void refuse(const std::string& where, const std::string& why);

  std::map<std::string, std::deque<Line>> lines_;  // by member
  SyncOrder order_;
  std::string violation_;
};

}  // namespace synod::sim
