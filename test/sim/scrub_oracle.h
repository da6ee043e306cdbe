// The oracle of scrubs: that members read one version alike, that nobody finds a difference, raises an alarm for one or
// is healed unless a store was changed, that who stops voting has a majority against it (I-24), and that nobody copies
// a store that was found to be wrong. Each check returns what is wrong, or nothing.
#pragma once

#include <map>
#include <set>
#include <string>

#include "mon/core/monitor.h"
#include "mon/core/sync/sync_event.h"

namespace synod::sim {

class ScrubOracle {
 public:
  explicit ScrubOracle(size_t majority) : majority_(majority) {}

  // From now on a store may be changed behind its member's back.
  void expect_rot() { expects_rot_ = true; }
  bool expects_rot() const { return expects_rot_; }
  // Whether the member knows a majority against its store, or did when it ended.
  bool is_refuted(const std::string& member) const { return refuted_.count(member) > 0; }

  void on_start(const std::string& member, const ScrubMemory& memory);
  void forget(const std::string& member) { refuted_.erase(member); }
  // The member's store is another one.
  void on_switched(const std::string& member) { refuted_.erase(member); }
  std::string on_written(const std::string& member, const StoreWrites& writes);
  std::string on_read(const std::string& member, const ScrubRead& read);
  // The member's store is durably marked for it.
  std::string on_repair(const std::string& member, const Repair& repair) const;
  // That enters the network now.
  std::string on_sent(const std::string& from, const Message& message) const;
  std::string on_sync_event(const std::string& member, const SyncEvent& event) const;

 private:
  std::string on_verdict(const std::string& from, const ScrubVerdict& verdict) const;

  size_t majority_;
  std::map<Version, std::map<std::string, Digest>> read_;  // at a scrub point, by member; of the latest
  std::set<std::string> refuted_;                          // members that know a majority against their store
  bool expects_rot_ = false;
};

}  // namespace synod::sim
