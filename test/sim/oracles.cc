#include "test/sim/oracles.h"

#include <fmt/format.h>

#include "mon/core/sync/requester.h"
#include "test/sim/cluster.h"

namespace synod::sim {
namespace {

// Beside one for each step that waits for the disk: what a lease has said again.
constexpr size_t held_messages_beside = 200;

}  // namespace

Oracles::Oracles(const Cluster& cluster, size_t size)
    : cluster_(cluster),
      majority_(size / 2 + 1),
      agreement_(findings_, majority_,
                 [this](Version version, const SharedBytes& value) {
                   trims_.on_chosen(version, value);
                   if (on_chosen_) on_chosen_(version, value);
                 }),
      trims_(findings_),
      durability_(findings_, agreement_),
      leases_(cluster),
      scrubs_(majority_),
      syncs_(findings_, scrubs_),
      rare_(cluster, durability_, findings_.counters()) {}

void Oracles::check_durable(const std::string& member, const MonitorStart& start) {
  durability_.check_durable(member, start);
  trims_.check_durable(member, start);
}

void Oracles::on_start(const std::string& member, const MonitorStart& start) {
  check_durable(member, start);
  scrubs_.on_start(member, start.scrub);
  syncs_.on_start(member, start);
  trims_.on_start(member, start);
  durability_.on_start(member, start, votes_.has_vote(start.identity.id));
}

void Oracles::on_end(const std::string& member, EndOfLife how) {
  const bool has_unsynced = unsynced_.erase(member) > 0;
  rare_.on_end(member, how, has_unsynced);
  agreement_.on_end(member);
}

void Oracles::forget(const std::string& member) {
  durability_.forget(member);
  trims_.forget(member);
  syncs_.forget(member);
  scrubs_.forget(member);
}

void Oracles::on_disk(const std::string& member, const DiskEvent& event) { rare_.on_disk(member, event); }

void Oracles::on_written(const std::string& member, const WriteJob& job, const Status& status) {
  if (!status.is_ok()) return;
  if (job.identity) durability_.on_identity(member, *job.identity);
  if (job.writes.empty()) return;
  findings_.check(scrubs_.on_written(member, job.writes));
  syncs_.on_written(member, job.writes);
  std::vector<StoreWrite>& unsynced = unsynced_[member];
  unsynced.insert(unsynced.end(), job.writes.begin(), job.writes.end());
  if (job.durability != Durability::durable) return;
  for (const StoreWrite& write : unsynced) on_durable(member, write);
  unsynced_.erase(member);
}

void Oracles::on_durable(const std::string& member, const StoreWrite& write) {
  durability_.on_durable(member, write);
  syncs_.on_durable(member, write);
  const auto* local = std::get_if<PutLocal>(&write);
  if (local == nullptr || local->key != synchronizing_key) return;
  if (const auto repair = Repair::from_marker(local->value.view())) {
    findings_.count(Rare::repair_begun);
    findings_.check(scrubs_.on_repair(member, *repair));
  }
}

void Oracles::on_ran(const std::string& member, const Task& task, const Result<TaskResult>& result) {
  if (!result) return;
  rare_.on_ran(task, *result, has_vote(member));
  syncs_.on_ran(member, task, *result);
  if (const auto* read = std::get_if<ScrubRead>(&*result)) {
    findings_.check(scrubs_.on_read(member, *read));
  } else if (const auto* formed = std::get_if<Formed>(&*result)) {
    votes_.on_formed(*Monmap::decode(std::get<FormTask>(task).monmap));
    on_new_log(member, formed->log);
  } else if (const auto* switched = std::get_if<Switched>(&*result)) {
    scrubs_.on_switched(member);
    on_new_log(member, switched->log);
  }
}

void Oracles::on_new_log(const std::string& member, const LogState& log) {
  unsynced_.erase(member);
  trims_.on_new_log(member, log);
  durability_.on_new_log(member, log);
}

void Oracles::on_sync_event(const std::string& member, const SyncEvent& event) {
  findings_.check(scrubs_.on_sync_event(member, event));
  syncs_.on_sync_event(member, event);
  sync_order_.on_event(name_in_events(member), event);
  check_sync_order();
}

bool Oracles::has_vote(const std::string& member) const { return votes_.has_vote(cluster_.monitor(member).id()); }

// As the others' events call it.
std::string Oracles::name_in_events(const std::string& member) const {
  return has_vote(member) ? member : to_string(cluster_.monitor(member).id());
}

void Oracles::check_sync_order() {
  if (!sync_order_.violation().empty()) violated("events of syncs: " + sync_order_.violation());
}

void Oracles::on_sent(const std::string& from_host, const std::string& to_host, const Received& frame) {
  const std::string from = cluster_.name_at(from_host);
  if (from.empty()) return;
  const std::string to = cluster_.name_at(to_host);
  const Message& message = frame.message;
  rare_.on_sent(from, to, message);
  syncs_.on_sent(from, message);
  durability_.on_sent(from, message);
  agreement_.on_sent(from, frame.source, message);
  findings_.check(votes_.on_sent(from, frame.source, message));
  if (to.empty()) return;
  findings_.check(leases_.on_sent(from, to, message));
  findings_.check(scrubs_.on_sent(from, message));
}

// What the core keeps of requests, and of what is in flight, its invariants bound.
void Oracles::check_caps(const std::string& member) {
  const size_t held = cluster_.member(member).process->executor->held_messages();
  const size_t steps = cluster_.options().unwritten_bytes_max / CoreOptions::unwritten_step_bytes;
  if (held > steps + held_messages_beside) {
    violated(fmt::format("{} holds {} messages until a write is durable", member, held));
  }
  const size_t under_way = cluster_.network().most_under_way();
  const size_t limit = cluster_.messenger_limits().max_queue_bytes + Network::socket_buffer;
  if (under_way > limit) violated(fmt::format("{} bytes wait on one connection, of {} allowed", under_way, limit));
}

void Oracles::on_stepped(const std::string& member) {
  check_caps(member);
  const Monitor& monitor = cluster_.monitor(member);
  sync_order_.on_state(name_in_events(member), monitor.state());
  check_sync_order();
  rare_.on_stepped(member);
  if (monitor.state() == MemberState::leader) findings_.check(leases_.check_holders(majority_));
  agreement_.on_committed(member, monitor.committed());
}

}  // namespace synod::sim
