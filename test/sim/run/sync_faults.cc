#include "test/sim/run/sync_faults.h"

#include <algorithm>
#include <optional>

#include "test/sim/sync_points.h"

namespace synod::sim {
namespace {

using std::chrono::milliseconds;

// Of the events between which one is hit: chunks come in dozens.
constexpr uint64_t passes_max = 12;

constexpr FaultType ways_to_be_away[] = {FaultType::kill, FaultType::power_cut, FaultType::isolate, FaultType::mute,
                                         FaultType::deafen};
// None that takes long, or stops everybody.
constexpr FaultType other_faults[] = {FaultType::pause,     FaultType::power_cut_inside_a_write,
                                      FaultType::cut_link,  FaultType::clog,
                                      FaultType::reset,     FaultType::half_open,
                                      FaultType::replay,    FaultType::disk_error,
                                      FaultType::disk_full, FaultType::disk_hang,
                                      FaultType::drift,     FaultType::transfer};

uint64_t draw_point(SeededRandom& random, bool is_delta) {
  const bool may_be_frequent = random.chance(50);
  uint64_t number = 0;
  do {
    number = random.below(sync_points);
  } while (!can_be_reached(sync_point(number), is_delta) || !(may_be_frequent || is_seldom(sync_point(number).kind)));
  const uint64_t passes = is_of_chunks(sync_point(number).kind) ? random.below(passes_max) : 0;
  return number + sync_points * passes;
}

}  // namespace

std::vector<Fault> draw_sync_faults(SeededRandom& random, size_t members, Duration length, bool is_delta,
                                    bool may_lose_memory) {
  std::vector<Fault> faults;
  const auto add = [&](FaultType type, Duration at, Duration lasts) {
    Fault fault;
    fault.type = type;
    fault.at = at;
    fault.length = lasts;
    fault.member = random.below(members);
    fault.other = random.below(members);
    fault.amount = type == FaultType::sync_point ? draw_point(random, is_delta) : random.next();
    if (fault.at < length) faults.push_back(fault);
  };
  const Duration wiped_from = may_lose_memory ? random.between(Duration(0), length / 2) : length;
  std::optional<uint64_t> wiped;
  for (Duration at = milliseconds(500); at < length; at += random.between(milliseconds(1000), milliseconds(3000))) {
    const Duration away = random.between(milliseconds(1200), milliseconds(2500));
    if (at < wiped_from) {
      add(random.pick(ways_to_be_away), at, away);
    } else {
      const bool is_first = !wiped;
      if (is_first) wiped = random.below(members);
      add(is_first || random.chance(30) ? FaultType::wipe : random.pick(ways_to_be_away), at, away);
      if (is_first || faults.back().type == FaultType::wipe || random.chance(85)) faults.back().member = *wiped;
    }
    const Duration back = at + away;
    for (uint64_t points = random.between(1, 5); points > 0; --points) {
      add(FaultType::sync_point, at + random.between(Duration(0), away),
          random.between(milliseconds(3000), milliseconds(12000)));
    }
    if (random.chance(40)) {
      add(random.pick(other_faults), back + random.between(Duration(0), milliseconds(2000)),
          random.between(milliseconds(100), milliseconds(1500)));
    }
    at = back;
  }
  std::stable_sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) { return a.at < b.at; });
  for (size_t i = 0; i < faults.size(); ++i) faults[i].number = i;
  return faults;
}

}  // namespace synod::sim
