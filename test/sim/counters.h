// How often rare situations occurred: a simulator that never meets them proves nothing about them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "test/sim/sync_points.h"

namespace synod::sim {

enum class Rare : size_t {
  two_leaders_alive,
  election_won,
  value_recovered_under_newer_pn,
  accepted_value_replaced,
  leader_lost_between_accept_and_commit,
  lease_expired_in_a_pause,
  higher_promise_met_without_election,
  gap_told,
  catch_up_in_pieces,
  begin_sent_again,
  sync_started,
  sync_interrupted,
  sync_finished,
  sync_provider_lost,
  sync_resumed,
  sync_resumed_after_restart,
  copy_of_several_snapshots,
  hold_renewed,
  hold_ended_at_its_bound,
  hold_released,
  store_scrubbed,
  store_changed_behind_its_back,
  repair_begun,
  repair_finished,
  power_cut_with_unsynced_writes,
  power_cut_inside_a_write,
  power_cut_of_a_majority,
  log_torn_by_a_power_cut,
  log_rotated_between_accept_and_commit,
  disk_error,
  disk_full,
  disk_hang_of_a_leader,
  frames_replayed,
  half_open_connection,
  one_way_partition_of_a_leader,
  bridge_partition,
  flapping_link,
  clock_at_the_drift_bound,
  member_beyond_the_trim_floor_in_the_core,
  write_acknowledged_while_faults_active,
  write_of_unknown_outcome,
  request_answered_after_an_unknown_outcome,
  read_by_read_index,
  leadership_handed_over,
  member_wiped,
  learner_copied_a_store,
  learner_level,
  count_
};

inline constexpr std::array<std::string_view, static_cast<size_t>(Rare::count_)> rare_names{
    "two leaders alive",
    "election won",
    "uncommitted value recovered under a newer pn",
    "accepted value replaced by another",
    "leader lost between accept and commit",
    "lease expired during a pause",
    "higher promise met without an election",
    "gap told",
    "catch-up in several pieces",
    "begin sent again",
    "sync started",
    "sync interrupted",
    "sync finished",
    "sync lost its provider",
    "sync resumed where its copy stood",
    "copy found again after a restart",
    "copy of several snapshots made one by the log",
    "trim hold renewed",
    "trim hold ended at its bound",
    "trim hold released",
    "store read by a scrub",
    "store changed behind its member's back",
    "repair begun",
    "repair finished",
    "power cut with unsynced writes",
    "power cut inside a write",
    "power cut of a majority at once",
    "write-ahead log torn by a power cut",
    "write-ahead log rotated between accept and commit",
    "disk error",
    "disk full",
    "disk hang of a leader",
    "frames replayed over a new connection",
    "half-open connection",
    "one-way partition of a leader",
    "bridge partition",
    "flapping link",
    "two clocks at the drift bound",
    "member beyond the trim floor in the core",
    "write acknowledged while faults were active",
    "write of unknown outcome",
    "write answered after an attempt of unknown outcome",
    "read served through a read index",
    "leadership handed over",
    "member wiped",
    "learner copied a store",
    "learner level at the end",
};

class Counters {
 public:
  void count(Rare rare, uint64_t times = 1) { counts_[static_cast<size_t>(rare)] += times; }
  uint64_t operator[](Rare rare) const { return counts_[static_cast<size_t>(rare)]; }
  void add(const Counters& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    for (size_t i = 0; i < sync_points_.size(); ++i) sync_points_[i] += other.sync_points_[i];
  }
  std::array<uint64_t, static_cast<size_t>(Rare::count_)>& all() { return counts_; }
  const std::array<uint64_t, static_cast<size_t>(Rare::count_)>& all() const { return counts_; }
  // How often syncs were broken off at each, by number_of().
  std::array<uint64_t, sync_points>& at_sync_points() { return sync_points_; }
  const std::array<uint64_t, sync_points>& at_sync_points() const { return sync_points_; }

 private:
  std::array<uint64_t, static_cast<size_t>(Rare::count_)> counts_{};
  std::array<uint64_t, sync_points> sync_points_{};
};

}  // namespace synod::sim
