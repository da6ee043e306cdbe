#include "test/sim/sync_points.h"

#include <fmt/format.h>

#include <algorithm>

namespace synod::sim {
namespace {

constexpr std::array<const char*, sync_breaks> break_names{"cut the power, before anything leaves, of",
                                                           "cut the power of",
                                                           "cut the power inside a write of",
                                                           "kill",
                                                           "pause",
                                                           "cut off"};
constexpr std::array<const char*, sync_roles> role_names{"it", "the other end", "the leader"};

// At these a member has no session yet, or no longer one.
bool has_no_other_end(SyncEventKind kind) {
  switch (kind) {
    case SyncEventKind::started:
    case SyncEventKind::must_copy:
    case SyncEventKind::copy_given_up: return true;
    default: return false;
  }
}

bool is_of_a_delta(SyncEventKind kind) {
  switch (kind) {
    case SyncEventKind::copy_cloned:
    case SyncEventKind::ranges_sent:
    case SyncEventKind::ranges_received:
    case SyncEventKind::differing_sent:
    case SyncEventKind::differing_received: return true;
    default: return false;
  }
}

}  // namespace

size_t number_of(const SyncPoint& point) {
  return (static_cast<size_t>(point.kind) * sync_roles + static_cast<size_t>(point.role)) * sync_breaks +
         static_cast<size_t>(point.how);
}

SyncPoint sync_point(size_t number) {
  return {static_cast<SyncEventKind>(number / sync_breaks / sync_roles),
          static_cast<SyncRole>(number / sync_breaks % sync_roles), static_cast<SyncBreak>(number % sync_breaks)};
}

bool can_be_reached(const SyncPoint& point, bool is_delta) {
  // That of all who can be heard nobody is ahead any more, random faults hardly ever make: unit tests do.
  if (point.kind == SyncEventKind::unmarking || point.kind == SyncEventKind::unmarked) return false;
  if (is_of_a_delta(point.kind) && !is_delta) return false;
  if (point.role != SyncRole::own && point.how == SyncBreak::cut_before) return false;
  return point.role != SyncRole::other || !has_no_other_end(point.kind);
}

bool is_seldom(SyncEventKind kind) {
  switch (kind) {
    case SyncEventKind::session_refused:
    case SyncEventKind::session_ended:
    case SyncEventKind::session_closed:
    case SyncEventKind::abort_received:
    case SyncEventKind::copy_given_up:
    case SyncEventKind::copy_resumed:
    case SyncEventKind::hold_ended:
    case SyncEventKind::alive_sent:
    case SyncEventKind::alive_received: return true;
    default: return false;
  }
}

bool is_of_chunks(SyncEventKind kind) {
  switch (kind) {
    case SyncEventKind::chunk_sent:
    case SyncEventKind::chunk_received:
    case SyncEventKind::chunk_written:
    case SyncEventKind::ack_sent:
    case SyncEventKind::ack_received: return true;
    default: return false;
  }
}

std::string to_string(const SyncPoint& point) {
  SyncEvent event;
  event.kind = point.kind;
  // "sync [9] chunk-sent cookie=...": its second and third word.
  const std::string line = to_string(event);
  const std::string where = line.substr(5, line.find(" cookie=") - 5);
  return fmt::format("at {}, {} {}", where, break_names[static_cast<size_t>(point.how)],
                     role_names[static_cast<size_t>(point.role)]);
}

void ArmedSyncPoints::disarm(size_t fault) {
  std::erase_if(armed_, [&](const Armed& armed) { return armed.fault == fault; });
}

std::optional<ArmedSyncPoints::Hit> ArmedSyncPoints::on_event(const std::string& member, const SyncEvent& event,
                                                              const std::function<std::string()>& leader) {
  if (event.kind == SyncEventKind::provider_chosen) ends_[event.cookie] = {member, event.peer};
  std::string peer = event.peer;
  const auto ends = ends_.find(event.cookie);
  if (peer.empty() && ends != ends_.end()) peer = ends->second[member == ends->second[0] ? 1 : 0];
  for (auto it = armed_.begin(); it != armed_.end(); ++it) {
    if (it->point.kind != event.kind) continue;
    const SyncRole role = it->point.role;
    const std::string victim = role == SyncRole::own ? member : role == SyncRole::other ? peer : leader();
    if (victim.empty()) continue;
    if (it->passes > 0) {
      --it->passes;
      continue;
    }
    const Hit hit{*it, victim};
    armed_.erase(it);
    return hit;
  }
  return std::nullopt;
}

}  // namespace synod::sim
