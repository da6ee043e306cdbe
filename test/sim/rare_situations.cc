#include "test/sim/rare_situations.h"

#include <algorithm>

#include "test/sim/cluster.h"

namespace synod::sim {

void RareSituations::on_end(const std::string& member, EndOfLife how, bool has_unsynced) {
  if (how == EndOfLife::power_cut && has_unsynced) counters_.count(Rare::power_cut_with_unsynced_writes);
  const bool was_leader = leading_.erase(member) > 0;
  if (was_leader && durability_.has_accepted(member)) counters_.count(Rare::leader_lost_between_accept_and_commit);
  for (const auto& [requester, provider] : provider_of_) {
    if (provider == member && syncing_.count(requester) > 0) counters_.count(Rare::sync_provider_lost);
  }
  if (syncing_.erase(member) > 0) counters_.count(Rare::sync_interrupted);
}

void RareSituations::on_disk(const std::string& member, const DiskEvent& event) {
  const bool is_new_log = event.call == DiskCall::create && event.file == FileClass::wal;
  if (is_new_log && durability_.has_accepted(member)) counters_.count(Rare::log_rotated_between_accept_and_commit);
}

void RareSituations::on_ran(const Task& task, const TaskResult& result, bool has_vote) {
  const auto* read = std::get_if<ScrubRead>(&result);
  if (read != nullptr && read->is_last) counters_.count(Rare::store_scrubbed);
  if (!std::holds_alternative<Switched>(result)) return;
  const bool is_repair = std::get<SwitchTask>(task).keeps_evidence;
  counters_.count(is_repair ? Rare::repair_finished : has_vote ? Rare::sync_finished : Rare::learner_copied_a_store);
}

void RareSituations::on_sent(const std::string& from, const std::string& to, const Message& message) {
  if (std::holds_alternative<Gap>(message)) {
    counters_.count(Rare::gap_told);
  } else if (const auto* fetch = std::get_if<Fetch>(&message)) {
    const auto [it, is_first] = fetched_.try_emplace({from, to}, *fetch);
    if (!is_first && it->second.to == fetch->to && it->second.from < fetch->from) {
      counters_.count(Rare::catch_up_in_pieces);
    }
    it->second = *fetch;
  } else if (const auto* begin = std::get_if<Begin>(&message)) {
    const std::pair now{begin->entry.pn, begin->entry.version};
    const auto [it, is_first] = begun_to_.try_emplace({from, to}, now);
    if (!is_first && it->second.first == now.first && now.second <= it->second.second) {
      counters_.count(Rare::begin_sent_again);
    }
    it->second = now;
  } else if (std::holds_alternative<ReadIndexReply>(message)) {
    counters_.count(Rare::read_by_read_index);
  } else if (const auto* start = std::get_if<SyncStart>(&message)) {
    counters_.count(Rare::sync_started);
    if (start->resume) counters_.count(Rare::sync_resumed);
    provider_of_[from] = to;
  }
}

void RareSituations::on_stepped(const std::string& member) {
  const MemberState state = cluster_.monitor(member).state();
  const bool was_leader = leading_.erase(member) > 0;
  // A leader that gives up looks for another one first; one that collects anew does not.
  if (was_leader && state == MemberState::electing) counters_.count(Rare::higher_promise_met_without_election);
  syncing_.erase(member);
  if (state == MemberState::syncing) syncing_.insert(member);
  if (state != MemberState::leader) return;
  leading_.insert(member);
  if (!was_leader) counters_.count(Rare::election_won);
  count_leaders();
}

void RareSituations::count_leaders() {
  const std::vector<std::string> running = cluster_.running();
  const auto leaders = std::count_if(running.begin(), running.end(), [&](const std::string& name) {
    return cluster_.monitor(name).state() == MemberState::leader;
  });
  if (leaders > 1 && !two_leaders_) counters_.count(Rare::two_leaders_alive);
  two_leaders_ = leaders > 1;
}

}  // namespace synod::sim
