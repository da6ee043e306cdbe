#include "test/sim/run/link_faults.h"

#include <fmt/format.h>

#include <set>

namespace synod::sim {
namespace {

using std::chrono::milliseconds;

constexpr Duration for_good = std::chrono::hours(24);
constexpr size_t no_fault = SIZE_MAX;  // of the scenario

std::vector<std::pair<std::string, std::string>> both_ways(const std::string& one, const std::string& other) {
  return {{one, other}, {other, one}};
}

}  // namespace

void LinkFaults::perform(const Fault& fault, const std::string& name, const std::string& other, SeededRandom& random) {
  if (class_of(fault.type) == FaultClass::partitions) return perform_partition(fault, name, other, random);
  Network& network = cluster_.network();
  Counters& counters = cluster_.oracles().counters();
  switch (fault.type) {
    case FaultType::flap: {
      counters.count(Rare::flapping_link);
      const Duration period = random.between(milliseconds(10), milliseconds(1500));
      flap(fault.number, both_ways(address(name), address(other)), period, cluster_.scheduler().now() + fault.length,
           false);
      return;
    }
    case FaultType::lossy: perform_lossy(fault, random); return;
    case FaultType::clog: network.clog(address(name), address(other), fault.length); break;
    case FaultType::reset: network.reset(address(name), address(other)); break;
    case FaultType::half_open:
      network.half_open(address(name), address(other));
      counters.count(Rare::half_open_connection);
      break;
    default: counters.count(Rare::frames_replayed, network.replay(address(name), address(other))); break;
  }
  course_.end_later(fault);
}

// ---------------------------------------------------------------------------------------------- partitions

void LinkFaults::perform_partition(const Fault& fault, const std::string& name, const std::string& other,
                                   SeededRandom& random) {
  Counters& counters = cluster_.oracles().counters();
  const Links links = partition(fault.type, name, other, random);
  const bool is_one_way = fault.type == FaultType::mute || fault.type == FaultType::deafen;
  if (is_one_way && cluster_.leader() == name) counters.count(Rare::one_way_partition_of_a_leader);
  if (fault.type == FaultType::bridge && !links.empty()) counters.count(Rare::bridge_partition);
  cut(links);
  course_.undo_later(fault, [this, links] { heal(links); });
}

void LinkFaults::partition_for_good(FaultType how, const std::string& name, SeededRandom& random) {
  course_.note(fmt::format("from now on: {} {}", fault_name(how), name));
  cut(partition(how, name, name, random));
}

LinkFaults::Links LinkFaults::partition(FaultType how, const std::string& name, const std::string& other,
                                        SeededRandom& random) const {
  Links links;
  std::set<std::string> one_side{name};
  for (const std::string& each : cluster_.names()) {
    if (random.chance(50)) one_side.insert(each);
  }
  for (const std::string& a : cluster_.names()) {
    for (const std::string& b : cluster_.names()) {
      if (a == b) continue;
      const bool crosses = one_side.count(a) != one_side.count(b);
      bool is_cut = false;
      switch (how) {
        case FaultType::isolate: is_cut = a == name || b == name; break;
        case FaultType::mute: is_cut = a == name; break;
        case FaultType::deafen: is_cut = b == name; break;
        case FaultType::cut_link: is_cut = (a == name && b == other) || (a == other && b == name); break;
        case FaultType::split: is_cut = crosses; break;
        default: is_cut = crosses && a != name && b != name; break;
      }
      if (is_cut) links.emplace_back(address(a), address(b));
    }
  }
  return links;
}

void LinkFaults::cut_off(const std::string& name, Duration length) {
  const Links links = links_of(name);
  cut(links);
  course_.later(length, [this, links] { heal(links); });
}

LinkFaults::Links LinkFaults::links_of(const std::string& name) const {
  Links links;
  for (const std::string& each : cluster_.names()) {
    if (each == name) continue;
    for (const auto& link : both_ways(address(name), address(each))) links.push_back(link);
  }
  return links;
}

void LinkFaults::cut(const Links& links) {
  for (const auto& link : links) {
    if (++cuts_[link] == 1) cluster_.network().cut(link.first, link.second);
  }
}

void LinkFaults::heal(const Links& links) {
  for (const auto& link : links) {
    if (--cuts_[link] == 0) cluster_.network().heal(link.first, link.second);
  }
}

void LinkFaults::heal_all() {
  cuts_.clear();
  cluster_.network().heal_all();
  cluster_.network().set_options(usual_);
}

// ---------------------------------------------------------------------------------------------- bad links

void LinkFaults::perform_lossy(const Fault& fault, SeededRandom& random) {
  NetworkOptions lossy = usual_;
  lossy.loss_per_million = random.between(1'000, 100'000);
  lossy.reset_per_million = random.between(0, 3'000);
  lossy.delay_mean *= static_cast<int64_t>(random.between(1, 8));
  lossy.split_percent = 80;
  cluster_.network().set_options(lossy);
  course_.undo_later(fault, [this] { cluster_.network().set_options(usual_); });
}

void LinkFaults::flap_for_good(const std::string& name, Duration period) {
  course_.note("from now on, " + name + " flaps");
  flap(no_fault, links_of(name), period, cluster_.scheduler().now() + for_good, false);
}

void LinkFaults::flap(size_t fault, Links links, Duration period, TimePoint until, bool is_cut) {
  if (is_cut) {
    heal(links);
  } else {
    cut(links);
  }
  course_.later(period, [=, this, links = std::move(links)] {
    if (cluster_.scheduler().now() < until) return flap(fault, links, period, until, !is_cut);
    if (!is_cut) heal(links);
    course_.end(fault);
  });
}

}  // namespace synod::sim
