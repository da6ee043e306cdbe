// Where a store synchronization can be broken off: at each of its events, at each of the three that take part, in each
// way. An event stands for the step of a member in which it happens, so a message is met before and after it is sent,
// on its way, and after it has come; a chunk, also while it is written.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mon/core/sync/sync_event.h"

namespace synod::sim {

enum class SyncRole : uint8_t {
  own,     // whose event it is
  other,   // the other end of its session
  leader,  // whoever leads then
};
inline constexpr size_t sync_roles = static_cast<size_t>(SyncRole::leader) + 1;

enum class SyncBreak : uint8_t {
  cut_before,  // of `own` only: the power fails, and nothing that the step asks for leaves or is begun
  cut_after,   // the power fails when all of it has left and is begun
  cut_inside_a_write,
  kill,  // somewhat later
  pause,
  cut_off,  // from all others
};
inline constexpr size_t sync_breaks = static_cast<size_t>(SyncBreak::cut_off) + 1;

struct SyncPoint {
  SyncEventKind kind = SyncEventKind::started;
  SyncRole role = SyncRole::own;
  SyncBreak how = SyncBreak::kill;
};
inline constexpr size_t sync_points = sync_event_kinds * sync_roles * sync_breaks;

// A bijection of the points and the numbers below sync_points, of which some cannot be reached.
size_t number_of(const SyncPoint& point);
SyncPoint sync_point(size_t number);
// Whether a run can come there: some events are of no session, some of deltas only.
bool can_be_reached(const SyncPoint& point, bool is_delta);
// Of these most syncs have none.
bool is_seldom(SyncEventKind kind);
// Of these a sync has many.
bool is_of_chunks(SyncEventKind kind);
// "at chunk-sent, cut off the other end".
std::string to_string(const SyncPoint& point);

// Which points wait for their event, and who is at which end.
class ArmedSyncPoints {
 public:
  struct Armed {
    size_t fault = 0;  // its number
    SyncPoint point;
    uint64_t passes = 0;  // so many such events are let pass first
  };
  void arm(Armed armed) { armed_.push_back(armed); }
  void disarm(size_t fault);
  void clear() { armed_.clear(); }

  struct Hit {
    Armed armed;
    std::string victim;  // a member's name, or the id of a learner
  };
  // `leader`: empty if there is none, and nothing that is to be done to it is done then.
  std::optional<Hit> on_event(const std::string& member, const SyncEvent& event,
                              const std::function<std::string()>& leader);

 private:
  std::vector<Armed> armed_;
  std::map<uint64_t, std::array<std::string, 2>> ends_;  // by cookie: requester and provider
};

}  // namespace synod::sim
