#include "test/sim/run/injector.h"

#include <fmt/format.h>

#include <algorithm>

namespace synod::sim {
namespace {

using std::chrono::milliseconds;

constexpr int64_t drift_bound_ppm = 24'900;  // two clocks at opposite bounds differ by the stated drift, not more

std::vector<std::pair<std::string, std::string>> both_ways(const std::string& one, const std::string& other) {
  return {{one, other}, {other, one}};
}

}  // namespace

Injector::Injector(Cluster& cluster, const Scenario& scenario, OnChange on_change)
    : cluster_(cluster), scenario_(scenario), on_change_(std::move(on_change)), restarts_(scenario.seed, "restarts") {}

void Injector::start() {
  for (const Fault& fault : scenario_.faults) {
    cluster_.scheduler().call_after(fault.at, [this, &fault, generation = generation_] {
      if (generation == generation_) perform(fault);
    });
  }
}

std::string Injector::resolve(uint64_t rank) const {
  const std::vector<std::string> names = cluster_.names();
  if (rank < names.size()) return names[rank];
  const std::string leader = cluster_.leader();
  return leader.empty() ? names.front() : leader;
}

void Injector::perform(const Fault& fault) {
  const std::string name = resolve(fault.member);
  std::string other = resolve(fault.other);
  if (other == name) other = cluster_.names()[(fault.other + 1) % cluster_.names().size()];
  ++performed_;
  active_.insert(fault.number);
  on_change_(fmt::format("fault {}: {} [{}]", fault.number, to_string(fault), name));
  SeededRandom random(scenario_.seed, fmt::format("fault {}", fault.number));
  switch (class_of(fault.type)) {
    case FaultClass::processes: perform_on_process(fault, name, random); break;
    case FaultClass::partitions:
    case FaultClass::links: perform_on_links(fault, name, other, random); break;
    case FaultClass::disks: perform_on_disk(fault, name, random); break;
    case FaultClass::clocks: {
      const int64_t choices[] = {-drift_bound_ppm, drift_bound_ppm, 0,
                                 static_cast<int64_t>(random.below(2 * drift_bound_ppm)) - drift_bound_ppm};
      drifts_[name] = choices[random.below(4)];
      cluster_.member(name).clock.set_drift(drifts_[name]);
      const auto [low, high] = std::minmax_element(drifts_.begin(), drifts_.end(),
                                                   [](const auto& a, const auto& b) { return a.second < b.second; });
      const bool are_at_bounds = low->second == -drift_bound_ppm && high->second == drift_bound_ppm;
      if (are_at_bounds) cluster_.oracles().counters().count(Rare::clock_at_the_drift_bound);
      undo(fault, [] {});
      break;
    }
    case FaultClass::operators: perform_of_operator(fault, name, other); break;
    case FaultClass::rot: perform_rot(fault, name); break;
    case FaultClass::memory:
      cluster_.wipe(name);
      wiped_.insert(name);
      cluster_.oracles().counters().count(Rare::member_wiped);
      start_later(name, fault.length);
      undo(fault, [] {});
      break;
    case FaultClass::syncs:
      sync_points_.arm({fault.number, sync_point(fault.amount % sync_points), fault.amount / sync_points});
      undo(fault, [this, &fault] { sync_points_.disarm(fault.number); });
      break;
  }
}

void Injector::perform_of_operator(const Fault& fault, const std::string& name, const std::string& other) {
  ClientRequest request;
  request.timeout_ms = 2000;
  if (fault.type == FaultType::scrub) {
    request.body = ScrubRequest{fault.amount};
    cluster_.request(name, std::move(request), [](const ClientReply&) {});
  } else {
    request.body = TransferRequest{name};
    cluster_.request(other, std::move(request), [this](const ClientReply& reply) {
      if (reply.status.is_ok()) cluster_.oracles().counters().count(Rare::leadership_handed_over);
    });
  }
  undo(fault, [] {});
}

void Injector::perform_rot(const Fault& fault, const std::string& name) {
  const Member& member = cluster_.member(name);
  if (cluster_.is_running(name) && !member.is_disk_faulty && !member.disk->is_frozen()) {
    cluster_.kill(name);
    rotten_ = name;
    cluster_.oracles().expect_rot();
    if (cluster_.rot(name)) cluster_.oracles().counters().count(Rare::store_changed_behind_its_back);
    start_later(name, fault.length);
  }
  undo(fault, [] {});
}

std::vector<std::string> Injector::voters() const {
  std::vector<std::string> voters = cluster_.names();
  std::erase_if(voters, [&](const std::string& name) { return wiped_.count(name) > 0; });
  return voters;
}

// ---------------------------------------------------------------------------------------------- processes

void Injector::perform_on_process(const Fault& fault, const std::string& name, SeededRandom& random) {
  Counters& counters = cluster_.oracles().counters();
  switch (fault.type) {
    case FaultType::pause: {
      const bool had_lease = cluster_.is_running(name) && cluster_.has_lease(name);
      cluster_.pause(name);
      undo(fault, [this, name] { cluster_.resume(name); });
      if (had_lease && fault.length > scenario_.core.lease) counters.count(Rare::lease_expired_in_a_pause);
      return;
    }
    case FaultType::kill: cluster_.kill(name); break;
    case FaultType::power_cut_of_many: {
      size_t cut = 0;
      for (const std::string& each : cluster_.names()) {
        if (each != name && !random.chance(60)) continue;
        cluster_.cut_power(each, random.pick(every_power_cut));
        start_later(each, random.between(milliseconds(100), fault.length));
        ++cut;
      }
      if (2 * cut > scenario_.members) counters.count(Rare::power_cut_of_a_majority);
      break;
    }
    case FaultType::power_cut_inside_a_write: {
      MemberDisk& disk = *cluster_.member(name).disk;
      // Half of them where it is rare and matters: around the next new log, or the next move to a new store.
      const uint64_t within = fault.amount % 4;
      if (within >= 2) {
        armed_[name] = {within == 2 ? ".log" : "/CURRENT_STORE", random.between(1, 12)};
        undo(fault, [] {});
        return;
      }
      disk.freeze_at_call(disk.changes() + random.between(1, 60));
      undo(fault, [this, name] { cluster_.member(name).disk->freeze_at_call(0); });
      return;
    }
    default: cluster_.cut_power(name, random.pick(every_power_cut)); break;
  }
  start_later(name, fault.length);
  undo(fault, [] {});
}

void Injector::start_later(const std::string& name, Duration delay) {
  cluster_.scheduler().call_after(delay, [this, name, generation = generation_] {
    if (generation != generation_ || cluster_.is_running(name) || dead_.count(name) > 0) return;
    on_change_("start " + name);
    cluster_.start(name);
  });
}

void Injector::on_disk(const std::string& member, const DiskEvent& event) {
  const auto armed = armed_.find(member);
  if (armed == armed_.end() || event.call != DiskCall::create) return;
  if (event.path.find(armed->second.path) == std::string::npos) return;
  cluster_.member(member).disk->freeze_at_call(event.number + armed->second.calls);
  armed_.erase(armed);
}

// As an init system would.
void Injector::on_end(const std::string& member, EndOfLife how) {
  if (how != EndOfLife::exited) return;
  on_change_(fmt::format("{} exited with {}: {}", member, cluster_.member(member).exit_code,
                         cluster_.member(member).exit_reason));
  if (cluster_.member(member).disk->is_frozen()) {
    on_change_(fmt::format("{} has lost its power inside a write", member));
    cluster_.oracles().counters().count(Rare::power_cut_inside_a_write);
    cluster_.cut_power(member, restarts_.pick(every_power_cut));
  }
  start_later(member, restarts_.between(milliseconds(200), milliseconds(2000)));
}

void Injector::undo(const Fault& fault, const std::function<void()>& how) {
  cluster_.scheduler().call_after(fault.length, [this, how, number = fault.number, generation = generation_] {
    if (generation != generation_) return;
    active_.erase(number);
    how();
    on_change_(fmt::format("end of fault {}", number));
  });
}

// ---------------------------------------------------------------------------------------------- syncs

// From within a step of the member.
void Injector::on_sync_event(const std::string& member, const SyncEvent& event) {
  const auto hit = sync_points_.on_event(member, event, [this] { return cluster_.leader(); });
  if (!hit || !cluster_.is_running(hit->victim)) return;
  ++cluster_.oracles().counters().at_sync_points()[number_of(hit->armed.point)];
  on_change_(fmt::format("fault {}: {} [{}]", hit->armed.fault, to_string(hit->armed.point), hit->victim));
  SeededRandom random(scenario_.seed, fmt::format("sync point {}", hit->armed.fault));
  break_sync(*hit, random);
}

void Injector::break_sync(const ArmedSyncPoints::Hit& hit, SeededRandom& random) {
  const std::string& name = hit.victim;
  switch (hit.armed.point.how) {
    case SyncBreak::cut_before:
      cluster_.member(name).process->transport.vanish();
      power_off(name, random);
      return;
    case SyncBreak::cut_after: power_off(name, random); return;
    case SyncBreak::cut_inside_a_write: {
      MemberDisk& disk = *cluster_.member(name).disk;
      disk.freeze_at_call(disk.changes() + random.between(1, 12));
      return;
    }
    case SyncBreak::kill: {
      const Duration delay = random.exponential(milliseconds(2));
      cluster_.scheduler().call_after(delay, [this, name, generation = generation_] {
        if (generation == generation_) cluster_.kill(name);
      });
      start_later(name, delay + random.between(milliseconds(50), milliseconds(2500)));
      return;
    }
    case SyncBreak::pause:
      cluster_.pause(name);
      cluster_.scheduler().call_after(random.between(milliseconds(50), milliseconds(2500)),
                                      [this, name] { cluster_.resume(name); });
      return;
    case SyncBreak::cut_off: {
      const Links links = links_of(name);
      cut(links);
      const Duration length = random.between(milliseconds(50), milliseconds(3000));
      cluster_.scheduler().call_after(length, [this, links, generation = generation_] {
        if (generation == generation_) heal(links);
      });
      return;
    }
  }
}

// When the step that is under way is over.
void Injector::power_off(const std::string& name, SeededRandom& random) {
  const PowerCut mode = random.pick(every_power_cut);
  cluster_.scheduler().call_after(Duration(0), [this, name, mode, generation = generation_] {
    if (generation == generation_) cluster_.cut_power(name, mode);
  });
  start_later(name, random.between(milliseconds(50), milliseconds(2500)));
}

// ---------------------------------------------------------------------------------------------- links

Injector::Links Injector::links_of(const std::string& name) const {
  Links links;
  for (const std::string& each : cluster_.names()) {
    if (each == name) continue;
    for (const auto& link : both_ways(address(name), address(each))) links.push_back(link);
  }
  return links;
}

void Injector::cut(const Links& links) {
  for (const auto& link : links) {
    if (++cuts_[link] == 1) cluster_.network().cut(link.first, link.second);
  }
}

void Injector::heal(const Links& links) {
  for (const auto& link : links) {
    if (--cuts_[link] == 0) cluster_.network().heal(link.first, link.second);
  }
}

Injector::Links Injector::partition(const Fault& fault, const std::string& name, const std::string& other,
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
      switch (fault.type) {
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

void Injector::perform_on_links(const Fault& fault, const std::string& name, const std::string& other,
                                SeededRandom& random) {
  Network& network = cluster_.network();
  Counters& counters = cluster_.oracles().counters();
  if (class_of(fault.type) == FaultClass::partitions) {
    const Links links = partition(fault, name, other, random);
    const bool is_one_way = fault.type == FaultType::mute || fault.type == FaultType::deafen;
    if (is_one_way && cluster_.leader() == name) counters.count(Rare::one_way_partition_of_a_leader);
    if (fault.type == FaultType::bridge && !links.empty()) counters.count(Rare::bridge_partition);
    cut(links);
    undo(fault, [this, links] { heal(links); });
    return;
  }
  switch (fault.type) {
    case FaultType::flap: {
      counters.count(Rare::flapping_link);
      const Duration period = random.between(milliseconds(10), milliseconds(1500));
      flap(fault, both_ways(address(name), address(other)), period, cluster_.scheduler().now() + fault.length, false);
      return;
    }
    case FaultType::clog: network.clog(address(name), address(other), fault.length); break;
    case FaultType::lossy: {
      NetworkOptions lossy = scenario_.network;
      lossy.loss_per_million = random.between(1'000, 100'000);
      lossy.reset_per_million = random.between(0, 3'000);
      lossy.delay_mean *= static_cast<int64_t>(random.between(1, 8));
      lossy.split_percent = 80;
      network.set_options(lossy);
      undo(fault, [this] { cluster_.network().set_options(scenario_.network); });
      return;
    }
    case FaultType::reset: network.reset(address(name), address(other)); break;
    case FaultType::half_open:
      network.half_open(address(name), address(other));
      counters.count(Rare::half_open_connection);
      break;
    default: counters.count(Rare::frames_replayed, network.replay(address(name), address(other))); break;
  }
  undo(fault, [] {});
}

void Injector::flap(const Fault& fault, Links links, Duration period, TimePoint until, bool is_cut) {
  if (is_cut) {
    heal(links);
  } else {
    cut(links);
  }
  cluster_.scheduler().call_after(period, [=, this, &fault, generation = generation_, links = std::move(links)] {
    if (generation != generation_) return;
    if (cluster_.scheduler().now() < until) return flap(fault, links, period, until, !is_cut);
    if (!is_cut) heal(links);
    active_.erase(fault.number);
  });
}

// ---------------------------------------------------------------------------------------------- disks

void Injector::perform_on_disk(const Fault& fault, const std::string& name, SeededRandom& random) {
  Counters& counters = cluster_.oracles().counters();
  Member& member = cluster_.member(name);
  if (fault.type == FaultType::disk_hang) {
    if (cluster_.leader() == name) counters.count(Rare::disk_hang_of_a_leader);
    if (member.process != nullptr) member.process->storage.set_hung(true);
    undo(fault, [&member] {
      if (member.process != nullptr) member.process->storage.set_hung(false);
    });
    return;
  }
  FaultSpec spec;
  if (fault.type == FaultType::disk_full) {
    spec.kind = FaultKind::no_space;
    spec.call = DiskCall::write;
    spec.nth = random.between(1, 10);
    spec.times = 0;  // until there is room again
    counters.count(Rare::disk_full);
  } else {
    spec.nth = random.between(1, 40);
    if (random.chance(50)) spec.call = DiskCall::sync;
    counters.count(Rare::disk_error);
  }
  member.disk->fail(spec);
  member.is_disk_faulty = true;
  undo(fault, [&member] {
    member.disk->clear_faults();
    member.is_disk_faulty = false;
  });
}

// ---------------------------------------------------------------------------------------------- the end of all faults

void Injector::heal_all_but(const std::set<std::string>& doomed) {
  ++generation_;
  active_.clear();
  cuts_.clear();
  dead_.clear();
  armed_.clear();
  sync_points_.clear();
  cluster_.network().heal_all();
  cluster_.network().set_options(scenario_.network);
  for (const std::string& name : cluster_.names()) {
    cluster_.resume(name);
    Member& member = cluster_.member(name);
    if (member.process != nullptr) member.process->storage.set_hung(false);
    member.disk->clear_faults();
    member.disk->freeze_at_call(0);
    member.is_disk_faulty = false;
    if (member.disk->is_frozen()) cluster_.cut_power(name, restarts_.pick(every_power_cut));
  }
  SeededRandom random(scenario_.seed, "doom");
  for (const std::string& name : doomed) doom(name, random);
  for (const std::string& name : cluster_.names()) {
    if (!cluster_.is_running(name) && dead_.count(name) == 0) cluster_.start(name);
  }
}

// For good: dead, or half alive.
void Injector::doom(const std::string& name, SeededRandom& random) {
  Fault fault;
  fault.number = scenario_.faults.size() + 1;
  fault.length = std::chrono::hours(24);
  switch (random.below(6)) {
    case 0: fault.type = FaultType::mute; break;
    case 1: fault.type = FaultType::deafen; break;
    case 2: fault.type = FaultType::isolate; break;
    case 3: {
      on_change_("from now on, " + name + " flaps");
      flap(fault, links_of(name), random.between(milliseconds(20), milliseconds(2000)),
           cluster_.scheduler().now() + fault.length, false);
      return;
    }
    default:
      on_change_("from now on, " + name + " is dead");
      dead_.insert(name);
      cluster_.cut_power(name);
      return;
  }
  on_change_(fmt::format("from now on: {} {}", fault_name(fault.type), name));
  cut(partition(fault, name, name, random));
}

}  // namespace synod::sim
