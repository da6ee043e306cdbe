#include "test/sim/run/injector.h"

#include <fmt/format.h>

#include <algorithm>

namespace synod::sim {
namespace {

using std::chrono::milliseconds;

constexpr int64_t drift_bound_ppm = 24'900;  // two clocks at opposite bounds differ by the stated drift, not more

}  // namespace

Injector::Injector(Cluster& cluster, const Scenario& scenario, FaultCourse::OnChange on_change)
    : cluster_(cluster),
      scenario_(scenario),
      course_(cluster.scheduler(), std::move(on_change)),
      restarts_(cluster, course_, scenario.seed),
      links_(cluster, course_, scenario.network),
      processes_(cluster, course_, restarts_),
      syncs_(cluster, course_, restarts_, links_, scenario.seed) {}

void Injector::start() {
  for (const Fault& fault : scenario_.faults) {
    course_.later(fault.at, [this, &fault] { perform(fault); });
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
  course_.begin(fault);
  course_.note(fmt::format("fault {}: {} [{}]", fault.number, to_string(fault), name));
  SeededRandom random(scenario_.seed, fmt::format("fault {}", fault.number));
  switch (class_of(fault.type)) {
    case FaultClass::processes: processes_.perform(fault, name, random); break;
    case FaultClass::partitions:
    case FaultClass::links: links_.perform(fault, name, other, random); break;
    case FaultClass::disks: perform_on_disk(fault, name, random); break;
    case FaultClass::clocks: perform_drift(fault, name, random); break;
    case FaultClass::operators: perform_of_operator(fault, name, other); break;
    case FaultClass::rot: perform_rot(fault, name); break;
    case FaultClass::memory: perform_wipe(fault, name); break;
    case FaultClass::syncs: syncs_.perform(fault); break;
  }
}

std::vector<std::string> Injector::voters() const {
  std::vector<std::string> voters = cluster_.names();
  std::erase_if(voters, [&](const std::string& name) { return wiped_.count(name) > 0; });
  return voters;
}

void Injector::on_end(const std::string& member, EndOfLife how) {
  if (how == EndOfLife::exited) restarts_.on_exited(member);
}

// ---------------------------------------------------------------------------------------------- disks

void Injector::perform_on_disk(const Fault& fault, const std::string& name, SeededRandom& random) {
  if (fault.type == FaultType::disk_hang) return perform_hang(fault, name);
  Counters& counters = cluster_.oracles().counters();
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
  Member& member = cluster_.member(name);
  member.disk->fail(spec);
  member.is_disk_faulty = true;
  course_.undo_later(fault, [&member] {
    member.disk->clear_faults();
    member.is_disk_faulty = false;
  });
}

void Injector::perform_hang(const Fault& fault, const std::string& name) {
  Member& member = cluster_.member(name);
  if (cluster_.leader() == name) cluster_.oracles().counters().count(Rare::disk_hang_of_a_leader);
  if (member.process != nullptr) member.process->storage.set_hung(true);
  course_.undo_later(fault, [&member] {
    if (member.process != nullptr) member.process->storage.set_hung(false);
  });
}

void Injector::perform_rot(const Fault& fault, const std::string& name) {
  const Member& member = cluster_.member(name);
  if (cluster_.is_running(name) && !member.is_disk_faulty && !member.disk->is_frozen()) {
    cluster_.kill(name);
    rotten_ = name;
    cluster_.oracles().expect_rot();
    if (cluster_.rot(name)) cluster_.oracles().counters().count(Rare::store_changed_behind_its_back);
    restarts_.start_later(name, fault.length);
  }
  course_.end_later(fault);
}

void Injector::perform_wipe(const Fault& fault, const std::string& name) {
  cluster_.wipe(name);
  wiped_.insert(name);
  cluster_.oracles().counters().count(Rare::member_wiped);
  restarts_.start_later(name, fault.length);
  course_.end_later(fault);
}

// ---------------------------------------------------------------------------------------------- clocks, operators

void Injector::perform_drift(const Fault& fault, const std::string& name, SeededRandom& random) {
  const int64_t choices[] = {-drift_bound_ppm, drift_bound_ppm, 0,
                             static_cast<int64_t>(random.below(2 * drift_bound_ppm)) - drift_bound_ppm};
  drifts_[name] = choices[random.below(4)];
  cluster_.member(name).clock.set_drift(drifts_[name]);
  const auto [low, high] = std::minmax_element(drifts_.begin(), drifts_.end(),
                                               [](const auto& a, const auto& b) { return a.second < b.second; });
  const bool are_at_bounds = low->second == -drift_bound_ppm && high->second == drift_bound_ppm;
  if (are_at_bounds) cluster_.oracles().counters().count(Rare::clock_at_the_drift_bound);
  course_.end_later(fault);
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
  course_.end_later(fault);
}

// ---------------------------------------------------------------------------------------------- the end of all faults

void Injector::heal_all_but(const std::set<std::string>& doomed) {
  course_.void_all();
  restarts_.revive_all();
  processes_.disarm();
  syncs_.disarm();
  links_.heal_all();
  for (const std::string& name : cluster_.names()) heal_member(name);
  SeededRandom random(scenario_.seed, "doom");
  for (const std::string& name : doomed) doom(name, random);
  restarts_.start_all();
}

void Injector::heal_member(const std::string& name) {
  cluster_.resume(name);
  Member& member = cluster_.member(name);
  if (member.process != nullptr) member.process->storage.set_hung(false);
  member.disk->clear_faults();
  member.disk->freeze_at_call(0);
  member.is_disk_faulty = false;
  restarts_.cut_power_if_frozen(name);
}

// For good: dead, or half alive.
void Injector::doom(const std::string& name, SeededRandom& random) {
  switch (random.below(6)) {
    case 0: links_.partition_for_good(FaultType::mute, name, random); return;
    case 1: links_.partition_for_good(FaultType::deafen, name, random); return;
    case 2: links_.partition_for_good(FaultType::isolate, name, random); return;
    case 3: links_.flap_for_good(name, random.between(milliseconds(20), milliseconds(2000))); return;
    default: restarts_.kill_for_good(name); return;
  }
}

}  // namespace synod::sim
