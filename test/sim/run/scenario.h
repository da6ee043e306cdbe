// What will go wrong in a run, and when: a seed is first expanded to a list of faults, which a person can read and the
// minimiser can shorten.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "mon/core/options.h"
#include "msg/messenger.h"
#include "test/sim/counters.h"
#include "test/sim/network.h"

namespace synod::sim {

enum class FaultType : uint8_t {
  // processes
  kill,
  pause,
  power_cut,
  power_cut_inside_a_write,
  power_cut_of_many,
  // partitions
  isolate,
  mute,    // it hears, and is not heard
  deafen,  // it is heard, and hears nothing
  cut_link,
  split,   // into two groups
  bridge,  // two groups, and one member that both reach
  // bad links
  flap,
  clog,
  lossy,
  reset,
  half_open,
  replay,
  // disks
  disk_error,
  disk_full,
  disk_hang,
  // clocks
  drift,
  // operators
  transfer,
  scrub,
  // what a disk does without saying so
  rot,
  // memory
  wipe,  // the whole directory is lost; the member starts again under its name, with a new id
  // syncs
  sync_point,  // when a sync comes there, it is broken off
};
inline constexpr size_t fault_types = static_cast<size_t>(FaultType::sync_point) + 1;
const char* fault_name(FaultType type);

// Faults of one class are switched on and off together.
enum class FaultClass : uint8_t { processes, partitions, links, disks, clocks, operators, memory, syncs, rot };
FaultClass class_of(FaultType type);

struct Fault {
  size_t number = 0;  // its place in the full list; names its stream of random numbers
  FaultType type = FaultType::kill;
  Duration at{};        // after the cluster has formed
  Duration length{};    // until it is undone
  uint64_t member = 0;  // a rank; `leader_rank`: whoever leads then
  uint64_t other = 0;   // a rank
  uint64_t amount = 0;  // by type; of a sync_point its number, plus sync_points for each event that passes first
};
inline constexpr uint64_t leader_rank = 99;

// "12.345s pause the leader for 1.200s".
std::string to_string(const Fault& fault);

enum class Profile : uint8_t {
  standard,  // LevelDB
  model,     // the faster store in memory
  both,      // LevelDB, and beside it what it has promised, compared
  // LevelDB. Members fall behind again and again, and their syncs are broken off at one point after the other.
  sync,
  sync_delta,  // the same, and what a member still has is not sent again
};

inline bool is_of_syncs(Profile profile) { return profile == Profile::sync || profile == Profile::sync_delta; }

// Whether runs of this profile can meet the situation: a store in memory has no files.
bool can_occur(Rare rare, Profile profile);

struct Scenario {
  uint64_t seed = 0;
  size_t members = 3;
  Duration length = std::chrono::minutes(1);
  Profile profile = Profile::standard;
  CoreOptions core;
  MessengerLimits messenger;
  NetworkOptions network;
  bool is_strict_disk = false;
  size_t write_buffer_bytes = 0;
  size_t clients = 0;
  Duration request_interval{};  // mean, of each client, while faults are active
  std::vector<Fault> faults;

  // Of the given numbers only.
  void keep_faults(const std::set<size_t>& numbers);
};

// The same seed gives the same scenario.
Scenario expand(uint64_t seed, size_t members, Duration length, Profile profile);

}  // namespace synod::sim
