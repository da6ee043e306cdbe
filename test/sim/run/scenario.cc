#include "test/sim/run/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "test/sim/random.h"
#include "test/sim/run/sync_faults.h"
#include "test/sim/sync_points.h"

namespace synod::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct TypeInfo {
  const char* name;
  FaultClass of;
  uint64_t weight;
  Duration length_min;
  Duration length_max;
};

constexpr std::array<TypeInfo, fault_types> type_infos{{
    {"kill", FaultClass::processes, 8, milliseconds(50), seconds(4)},
    {"pause", FaultClass::processes, 6, milliseconds(100), seconds(5)},
    {"power cut of", FaultClass::processes, 8, milliseconds(200), seconds(4)},
    {"power cut inside a write of", FaultClass::processes, 6, milliseconds(200), seconds(4)},
    {"power cut of many, one being", FaultClass::processes, 2, milliseconds(300), seconds(2)},
    {"isolate", FaultClass::partitions, 6, milliseconds(300), seconds(6)},
    {"mute", FaultClass::partitions, 4, milliseconds(300), seconds(5)},
    {"deafen", FaultClass::partitions, 4, milliseconds(300), seconds(5)},
    {"cut the link from", FaultClass::partitions, 4, milliseconds(300), seconds(6)},
    {"split the network around", FaultClass::partitions, 3, milliseconds(300), seconds(5)},
    {"split the network but for", FaultClass::partitions, 3, milliseconds(300), seconds(5)},
    {"flap the link from", FaultClass::links, 4, seconds(1), seconds(8)},
    {"clog the link from", FaultClass::links, 6, milliseconds(50), seconds(3)},
    {"make all links lossy, also for", FaultClass::links, 3, seconds(1), seconds(8)},
    {"reset connections of", FaultClass::links, 5, milliseconds(1), milliseconds(2)},
    {"half-open connections of", FaultClass::links, 4, milliseconds(1), milliseconds(2)},
    {"replay frames of", FaultClass::links, 10, milliseconds(1), milliseconds(2)},
    {"disk error at", FaultClass::disks, 4, milliseconds(500), seconds(3)},
    {"full disk at", FaultClass::disks, 3, milliseconds(500), seconds(3)},
    {"hanging disk at", FaultClass::disks, 5, milliseconds(100), seconds(5)},
    {"new clock rate at", FaultClass::clocks, 5, seconds(1), seconds(5)},
    {"transfer the leadership to", FaultClass::operators, 5, milliseconds(1), milliseconds(2)},
    // These are drawn apart: draw_scrubs().
    {"ask for a scrub through", FaultClass::operators, 0, milliseconds(1), milliseconds(2)},
    {"rot in the store of", FaultClass::rot, 0, milliseconds(50), seconds(2)},
    {"lose the directory of", FaultClass::memory, 1, milliseconds(50), seconds(4)},
    {"break a sync off", FaultClass::syncs, 0, seconds(2), seconds(8)},  // see sync_faults.cc
}};
const TypeInfo& info(FaultType type) { return type_infos[static_cast<size_t>(type)]; }

std::string who(uint64_t rank) {
  return rank == leader_rank ? "the leader" : std::string(1, static_cast<char>('a' + rank));
}

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

CoreOptions draw_options(SeededRandom& random) {
  CoreOptions options;
  // A short log and small pieces, so that falling behind, catching up and syncing are frequent.
  options.log_retain_versions = random.between(5, 30);
  options.log_trim_min = random.between(3, 10);
  options.log_trim_max = random.between(5, 50);
  options.sync_chunk_bytes = random.chance(50) ? random.between(20, 200) : random.between(200, 4000);
  options.sync_window = static_cast<uint32_t>(random.between(1, 4));
  options.sync_delta = random.chance(50);
  if (random.chance(25)) options.sync_rate = random.between(CoreOptions::sync_rate_min, 40 << 10);
  if (random.chance(30)) options.sync_hold_bytes = random.between(2, 30) << 10;
  options.fetch_bytes = random.between(400, 8000);
  options.window = random.between(1, 8);
  options.batch_requests = random.chance(30) ? random.between(1, 4) : 1024;
  options.unwritten_bytes_max = random.between(32, 128) << 10;
  options.lease = milliseconds(random.between(6, 12) * 100);
  if (random.chance(20)) options.pending_requests_max = random.between(2, 8);
  return options;
}

FaultType draw_type(SeededRandom& random, const std::set<FaultClass>& classes) {
  uint64_t total = 0;
  for (const TypeInfo& type : type_infos) total += classes.count(type.of) > 0 ? type.weight : 0;
  uint64_t at = random.below(total);
  for (size_t i = 0; i < fault_types; ++i) {
    if (classes.count(type_infos[i].of) == 0) continue;
    if (at < type_infos[i].weight) return static_cast<FaultType>(i);
    at -= type_infos[i].weight;
  }
  return FaultType::kill;
}

// With more than these at a time nobody reaches anybody, and nothing is to be seen.
constexpr size_t cuts_max = 2;
bool cuts_links(const Fault& fault) {
  return class_of(fault.type) == FaultClass::partitions || fault.type == FaultType::flap;
}

// Sees to it that a run shows something: for about half of the time some fault is active while a majority serves, and
// for a third of the time at most none does. A rough reckoning: whoever is lost may have been the leader.
class Pace {
 public:
  explicit Pace(size_t members) : members_(members) {}

  // Who has lost its memory: its vote is gone for good.
  const std::set<uint64_t>& wiped() const { return wiped_; }
  // When the next fault comes at the latest.
  Duration next_at_most() const { return std::max(active_until_, 2 * (active_ - stalled_) + seconds(1)); }
  // False: it would stop the cluster for too long.
  bool add(const Fault& fault) {
    const Duration end = fault.at + fault.length;
    std::vector<Duration> ends = ends_;
    std::erase_if(ends, [&](Duration other) { return other <= fault.at; });
    const bool is_for_good = fault.type == FaultType::wipe && wiped_.count(fault.member) == 0;
    const size_t lost = members_lost(fault);
    ends.insert(ends.end(), lost, is_for_good ? Duration::max() : end);
    std::sort(ends.rbegin(), ends.rend());
    const size_t majority = members_ / 2 + 1;
    const Duration stalled_until = ends.size() < majority ? Duration() : ends[majority - 1];
    const Duration failover = lost > 0 ? seconds(1) : seconds(0);
    const Duration stalled = stalled_ + beyond(stalled_until, std::max(fault.at, stalled_until_)) + failover;
    if (stalled > fault.at / 3 + seconds(2)) return false;
    ends_ = std::move(ends);
    if (is_for_good) wiped_.insert(fault.member);
    stalled_ = stalled;
    stalled_until_ = std::max(stalled_until_, stalled_until);
    active_ += beyond(end, std::max(fault.at, active_until_));
    active_until_ = std::max(active_until_, end);
    return true;
  }

 private:
  static Duration beyond(Duration end, Duration begin) { return std::max(end - begin, Duration()); }
  // How many voters a fault keeps from serving, roughly.
  size_t members_lost(const Fault& fault) const {
    if (fault.type == FaultType::power_cut_of_many) return members_;
    const bool is_of_many = fault.type == FaultType::split || fault.type == FaultType::bridge;
    if (wiped_.count(fault.member) > 0 && !is_of_many) return 0;
    const FaultClass of = class_of(fault.type);
    return of == FaultClass::links || of == FaultClass::clocks || of == FaultClass::operators ? 0 : 1;
  }

  size_t members_;
  std::set<uint64_t> wiped_;
  std::vector<Duration> ends_;  // of the faults that keep a member from serving, once for each such member
  Duration active_{};           // for so long some fault is active, of those that came so far
  Duration active_until_{};
  Duration stalled_{};  // for so long there is no majority
  Duration stalled_until_{};
};

// Of the faults that draw_type() draws.
Duration mean_length(const std::set<FaultClass>& classes) {
  Duration sum{};
  uint64_t total = 0;
  for (const TypeInfo& type : type_infos) {
    if (classes.count(type.of) == 0) continue;
    total += type.weight;
    sum += (type.length_min + type.length_max) / 2 * type.weight;
  }
  return sum / total;
}

// The members compare their stores in half of the runs; in some of these one store was changed behind its member's
// back.
void draw_scrubs(Scenario& scenario) {
  SeededRandom random(scenario.seed, "scrubs");
  CoreOptions& core = scenario.core;
  core.scrub_piece_bytes = random.between(100, 4000);
  core.scrub_rate = random.chance(50) ? random.between(2, 40) << 10 : 0;
  core.scrub_message_bytes = random.between(50, 4000);
  core.scrub_timeout = seconds(random.between(3, 20));
  core.scrub_repeat = seconds(1);
  if (!random.chance(50)) return;
  core.scrub_interval = seconds(random.between(2, 20));
  const auto add = [&](FaultType type, Duration at) {
    Fault fault;
    fault.number = scenario.faults.size();
    fault.type = type;
    fault.at = at;
    fault.length = random.between(info(type).length_min, info(type).length_max);
    fault.member = random.chance(40) ? leader_rank : random.below(scenario.members);
    fault.other = random.below(scenario.members);
    fault.amount = random.next();
    scenario.faults.push_back(fault);
  };
  for (uint64_t asked = random.below(4); asked > 0; --asked) {
    add(FaultType::scrub, random.between(Duration(), scenario.length));
  }
  // Whoever lost a directory and its vote is not asked, and without it nobody may be able to tell which store is right.
  const bool loses_memory = std::any_of(scenario.faults.begin(), scenario.faults.end(),
                                        [](const Fault& fault) { return fault.type == FaultType::wipe; });
  if (random.chance(30) && !loses_memory)
    add(FaultType::rot, random.between(scenario.length / 10, scenario.length / 4 * 3));
}

// By chance, at any time.
std::vector<Fault> draw_faults(SeededRandom& faults, bool may_lose_memory, size_t members, Duration length) {
  // Each class of faults is off in half of the runs (swarm testing: Groce et al., 2012), but not all of them.
  std::set<FaultClass> classes{
      faults.pick(std::vector{FaultClass::processes, FaultClass::partitions, FaultClass::links})};
  for (size_t i = 0; i <= static_cast<size_t>(FaultClass::operators); ++i) {
    if (faults.chance(50)) classes.insert(static_cast<FaultClass>(i));
  }
  // From a minority only.
  const size_t wiped_max = (members - 1) / 2;
  if (wiped_max > 0 && may_lose_memory) classes.insert(FaultClass::memory);
  std::vector<Fault> drawn;
  const Duration interval = std::max<Duration>(mean_length(classes) * 10 / faults.between(8, 22), milliseconds(700));
  std::vector<Duration> cuts;  // the ends of those that run
  Pace pace(members);
  const auto next = [&](Duration at) {
    return std::min(at + faults.exponential(interval), std::max(at + milliseconds(500), pace.next_at_most()));
  };
  for (Duration at = next({}); at < length; at = next(at)) {
    Fault fault;
    fault.number = drawn.size();
    fault.type = draw_type(faults, classes);
    fault.at = at;
    fault.length = faults.between(info(fault.type).length_min, info(fault.type).length_max);
    fault.member = faults.chance(40) ? leader_rank : faults.below(members);
    fault.other = faults.below(members);
    fault.amount = faults.next();
    if (fault.type == FaultType::wipe) {
      if (fault.member == leader_rank) fault.member = fault.other;
      if (pace.wiped().size() == wiped_max && pace.wiped().count(fault.member) == 0) {
        fault.member = *pace.wiped().begin();
      }
    }
    std::erase_if(cuts, [&](Duration end) { return end <= at; });
    if (cuts_links(fault) && cuts.size() >= cuts_max) continue;
    if (!pace.add(fault)) continue;
    if (cuts_links(fault)) cuts.push_back(fault.at + fault.length);
    drawn.push_back(fault);
  }
  return drawn;
}

}  // namespace

const char* fault_name(FaultType type) { return info(type).name; }
FaultClass class_of(FaultType type) { return info(type).of; }

std::string to_string(const Fault& fault) {
  if (fault.type == FaultType::sync_point) {
    const uint64_t passes = fault.amount / sync_points;
    return fmt::format("{:.3f}s {} {} within {:.3f}s{}", in_seconds(fault.at), fault_name(fault.type),
                       to_string(sync_point(fault.amount % sync_points)), in_seconds(fault.length),
                       passes == 0 ? "" : fmt::format(", after {} such events", passes));
  }
  std::string text = fmt::format("{:.3f}s {} {}", in_seconds(fault.at), fault_name(fault.type), who(fault.member));
  if (fault.other != fault.member) text += fmt::format(" (and {})", who(fault.other));
  if (fault.length > milliseconds(2)) text += fmt::format(" for {:.3f}s", in_seconds(fault.length));
  return text;
}

bool can_occur(Rare rare, Profile profile) {
  switch (rare) {
    case Rare::power_cut_of_a_majority:
    case Rare::bridge_partition:
    case Rare::flapping_link:
      if (is_of_syncs(profile)) return false;
      break;
    default: break;
  }
  const bool is_of_files = rare == Rare::log_torn_by_a_power_cut || rare == Rare::log_rotated_between_accept_and_commit;
  return !is_of_files || profile != Profile::model;
}

void Scenario::keep_faults(const std::set<size_t>& numbers) {
  std::erase_if(faults, [&](const Fault& fault) { return numbers.count(fault.number) == 0; });
}

Scenario expand(uint64_t seed, size_t members, Duration length, Profile profile) {
  Scenario scenario;
  scenario.seed = seed;
  scenario.members = members;
  scenario.length = length;
  scenario.profile = profile;
  SeededRandom options(seed, "options");
  scenario.core = draw_options(options);
  scenario.network.delay_min = std::chrono::microseconds(options.between(50, 500));
  scenario.network.delay_mean = std::chrono::microseconds(options.between(200, 4000));
  scenario.network.stall_max = milliseconds(options.between(1000, 6000));
  if (options.chance(20)) scenario.messenger.max_queue_bytes = options.between(32, 256) << 10;
  scenario.is_strict_disk = options.chance(50);
  scenario.write_buffer_bytes = options.between(8, 64) << 10;
  scenario.clients = options.between(3, 8);
  // One run in eight is a busy one.
  const uint64_t per_second = options.chance(12) ? options.between(40, 100) : options.between(20, 36);
  scenario.request_interval = Duration(seconds(1)) * scenario.clients / per_second;

  SeededRandom faults(seed, "faults");
  if (is_of_syncs(profile)) {
    scenario.core.sync_delta = profile == Profile::sync_delta;
    // Whoever is away for a second has to copy.
    scenario.core.log_retain_versions = options.between(5, 10);
    scenario.core.log_trim_min = options.between(3, 6);
    const bool may_lose_memory = members > 2 && SeededRandom(seed, "memory").chance(25);
    scenario.faults = draw_sync_faults(faults, members, length, scenario.core.sync_delta, may_lose_memory);
  } else {
    scenario.faults = draw_faults(faults, SeededRandom(seed, "memory").chance(50), members, length);
  }
  draw_scrubs(scenario);
  return scenario;
}

}  // namespace synod::sim
