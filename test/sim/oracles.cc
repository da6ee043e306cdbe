#include "test/sim/oracles.h"

#include <fmt/format.h>

#include <algorithm>

#include "mon/core/sync/requester.h"
#include "test/sim/cluster.h"

namespace synod::sim {
namespace {

// How many versions below the last chosen one are remembered in full.
constexpr uint64_t versions_remembered = 2000;

// Beside one for each step that waits for the disk: what a lease has said again.
constexpr size_t held_messages_beside = 200;

std::string text(const ChainHash& hash) { return to_string(hash).substr(0, 8); }
std::string text(const Position& position) {
  return fmt::format("{}:{}", position.version.value(), text(position.hash));
}

}  // namespace

void Oracles::violated(const std::string& what) {
  if (violation_.empty()) violation_ = what;
}

ProposalNumber Oracles::promise_of(const Held& held) {
  ProposalNumber highest = held.promised;
  for (const auto& [version, acceptance] : held.accepted) highest = std::max(highest, acceptance.pn);
  return highest;
}

// ---------------------------------------------------------------------------------------------- disks

namespace {

// An acceptance is still there, or gave way to one under a higher pn at or below its version.
bool is_covered(const std::vector<LogEntry>& entries, Version version, const ProposalNumber& pn,
                const ChainHash& hash) {
  return std::any_of(entries.begin(), entries.end(), [&](const LogEntry& entry) {
    const bool is_same = entry.version == version && entry.hash == hash && entry.pn >= pn;
    return is_same || (entry.version <= version && entry.pn > pn);
  });
}

}  // namespace

void Oracles::check_durable(const std::string& member, const MonitorStart& start) {
  const Held& held = members_[member];
  const std::vector<LogEntry> none;
  const std::vector<LogEntry>& entries = start.log ? start.log->accepted : none;
  const Position applied = start.log ? start.log->applied : Position{};
  ProposalNumber promise = start.identity.promised;
  for (const LogEntry& entry : entries) promise = std::max(promise, entry.pn);
  if (promise < std::max(promise_of(held), held.told)) {
    violated(fmt::format("{} holds the promise {}, and had promised {}, told {}", member, to_string(promise),
                         to_string(promise_of(held)), to_string(held.told)));
  }
  if (applied.version < held.applied.version) {
    violated(fmt::format("{} holds {}, and was durably at {}", member, text(applied), text(held.applied)));
  }
  for (const auto& [version, acceptance] : held.accepted) {
    // What it accepted is one chain: on top of a value that was not chosen nothing ever can be.
    const auto chosen = version <= applied.version ? chosen_.find(version) : chosen_.end();
    if (chosen != chosen_.end() && chosen->second.hash != acceptance.hash) break;
    if (version <= applied.version || is_covered(entries, version, acceptance.pn, acceptance.hash)) continue;
    violated(fmt::format("{} has forgotten its acceptance of {} under pn {}", member,
                         text(Position{version, acceptance.hash}), to_string(acceptance.pn)));
  }
  check_chosen("the disk of " + member, applied);
  // A log that is empty up to the applied version comes with a store that was just copied.
  if (!start.log || start.log->first > applied.version) return;
  if (start.log->first > std::max(trim_floor_, held.began)) {
    violated(fmt::format("{} has trimmed its log up to version {}, and the highest floor was {}", member,
                         start.log->first.value(), trim_floor_.value()));
  }
}

void Oracles::on_start(const std::string& member, const MonitorStart& start) {
  check_durable(member, start);
  scrub_oracle_.on_start(member, start.scrub);
  Held& held = members_[member];
  const ProposalNumber told = held.told;
  const Copy copy = held.copy;
  held = Held();
  held.told = told;
  held.has_vote = vote_oracle_.has_vote(start.identity.id);
  check_copy(member, start, copy);
  held.is_marked = start.is_marked;
  held.promised = start.identity.promised;
  if (!start.log) return;
  held.applied = start.log->applied;
  held.began = start.log->first;
  for (const LogEntry& entry : start.log->accepted) {
    held.accepted[entry.version] = {entry.pn, entry.hash};
    if (held.has_vote) accepted(member, entry);
  }
}

void Oracles::check(const std::string& wrong) {
  if (!wrong.empty()) violated(wrong);
}

void Oracles::on_disk(const std::string& member, const DiskEvent& event) {
  const bool is_new_log = event.call == DiskCall::create && event.file == FileClass::wal;
  if (is_new_log && !members_[member].accepted.empty()) counters_.count(Rare::log_rotated_between_accept_and_commit);
}

void Oracles::on_end(const std::string& member, EndOfLife how) {
  Held& held = members_[member];
  if (how == EndOfLife::power_cut && !held.unsynced.empty()) counters_.count(Rare::power_cut_with_unsynced_writes);
  if (held.was_leader && !held.accepted.empty()) counters_.count(Rare::leader_lost_between_accept_and_commit);
  if (held.was_syncing) counters_.count(Rare::sync_interrupted);
  for (const auto& [requester, provider] : provider_of_) {
    if (provider == member && members_[requester].was_syncing) counters_.count(Rare::sync_provider_lost);
  }
  held.unsynced.clear();
  held.was_leader = held.was_syncing = false;
  committed_.erase(member);
}

void Oracles::take(const std::string& member, Held& held, const WriteJob& job) {
  for (const synod::StoreWrite& write : job.writes) {
    if (const auto* put = std::get_if<PutEntry>(&write)) {
      const LogEntry& entry = put->entry;
      if (entry.version <= held.applied.version) continue;
      held.accepted[entry.version] = {entry.pn, entry.hash};
      if (held.has_vote) accepted(member, entry);
    } else if (const auto* erase = std::get_if<EraseEntries>(&write)) {
      // Trimming erases below; what is erased up here gives way to another value.
      const auto from = held.accepted.lower_bound(erase->from);
      const auto to = held.accepted.lower_bound(erase->to);
      if (from != to) counters_.count(Rare::accepted_value_replaced);
      held.accepted.erase(from, to);
    } else if (const auto* apply = std::get_if<ApplyEntry>(&write)) {
      held.applied = apply->position;
      held.accepted.erase(held.accepted.begin(), held.accepted.upper_bound(apply->position.version));
    } else if (const auto* local = std::get_if<PutLocal>(&write)) {
      if (local->key != synchronizing_key) continue;
      held.is_marked = true;
      if (const auto repair = Repair::from_marker(local->value.view())) {
        counters_.count(Rare::repair_begun);
        check(scrub_oracle_.on_repair(member, *repair));
      }
    } else if (const auto* erased = std::get_if<EraseLocal>(&write)) {
      if (erased->key != synchronizing_key) continue;
      held.is_marked = false;
      held.copy = Copy();  // it is removed next
    }
  }
}

void Oracles::on_written(const std::string& member, const WriteJob& job, const Status& status) {
  if (!status.is_ok()) return;
  Held& held = members_[member];
  if (job.identity) {
    const Result<Identity> identity = Identity::decode(*job.identity);
    if (!identity || identity->promised < held.promised) {
      violated(member + " wrote an identity that is damaged, or promises less than before");
    } else {
      held.promised = identity->promised;
    }
  }
  if (job.writes.empty()) return;
  check(scrub_oracle_.on_written(member, job.writes));
  const bool is_unmarked = std::any_of(job.writes.begin(), job.writes.end(), [](const StoreWrite& write) {
    const auto* erased = std::get_if<EraseLocal>(&write);
    return erased != nullptr && erased->key == synchronizing_key;
  });
  if (is_unmarked && held.copy.is_verified) {
    violated(member + " takes its mark away before its copy is the current store");
  }
  held.unsynced.push_back(job);
  if (job.durability != Durability::durable) return;
  for (const WriteJob& write : held.unsynced) take(member, held, write);
  held.unsynced.clear();
}

void Oracles::on_ran(const std::string& member, const Task& task, const Result<TaskResult>& result) {
  if (!result) return;
  Held& held = members_[member];
  if (const auto* read = std::get_if<ScrubRead>(&*result)) {
    if (read->is_last) counters_.count(Rare::store_scrubbed);
    check(scrub_oracle_.on_read(member, *read));
  }
  if (std::holds_alternative<StoreCreated>(*result) || std::holds_alternative<Switched>(*result)) held.copy = Copy();
  if (std::holds_alternative<ChunkWritten>(*result)) {
    const Result<CopyRecord> record = CopyRecord::decode(std::get<WriteChunkTask>(task).record);
    if (!record) return violated(member + " writes a record of its copy that does not decode");
    held.copy.written = record->chunks;
    const bool is_of_several = record->cursor.is_complete() && record->cursor.base != record->cursor.highest;
    if (is_of_several) counters_.count(Rare::copy_of_several_snapshots);
  }
  if (std::holds_alternative<Verified>(*result)) held.copy.is_verified = true;
  const LogState* log = nullptr;
  if (const auto* switched = std::get_if<Switched>(&*result)) log = &switched->log;
  if (const auto* formed = std::get_if<Formed>(&*result)) {
    log = &formed->log;
    vote_oracle_.on_formed(*Monmap::decode(std::get<FormTask>(task).monmap));
  }
  if (log == nullptr) return;
  if (std::holds_alternative<Switched>(*result)) {
    const bool is_repair = std::get<SwitchTask>(task).keeps_evidence;
    counters_.count(is_repair       ? Rare::repair_finished
                    : held.has_vote ? Rare::sync_finished
                                    : Rare::learner_copied_a_store);
    scrub_oracle_.on_switched(member);
  }
  // I-9, rule 7: a sync neither clears nor copies what was accepted above what it delivers.
  for (const auto& [version, acceptance] : held.accepted) {
    if (version <= log->applied.version) continue;
    const bool is_kept =
        std::any_of(log->accepted.begin(), log->accepted.end(),
                    [&, version = version, acceptance = acceptance](const LogEntry& entry) {
                      return entry.version == version && entry.hash == acceptance.hash && entry.pn == acceptance.pn;
                    });
    if (is_kept) continue;
    const auto chosen = chosen_.find(version);
    if (chosen != chosen_.end() && chosen->second.hash == acceptance.hash) {
      violated(
          fmt::format("the sync of {} lost its acceptance of {}", member, text(Position{version, acceptance.hash})));
    }
  }
  held.is_marked = false;
  held.applied = log->applied;
  held.began = log->first;
  held.accepted.clear();
  held.unsynced.clear();
  for (const LogEntry& entry : log->accepted) held.accepted[entry.version] = {entry.pn, entry.hash};
  check_chosen(member + " after a sync", held.applied);
}

// ---------------------------------------------------------------------------------------------- agreement

void Oracles::accepted(const std::string& member, const LogEntry& entry) {
  const Acceptance acceptance{entry.pn, entry.hash};
  auto& of_version = acceptances_[entry.version];
  const auto chosen = chosen_.find(entry.version);
  for (const auto& [earlier, by] : of_version) {
    if (earlier.pn == entry.pn && earlier.hash != entry.hash) {
      violated(fmt::format("two values under pn {} at version {}", to_string(entry.pn), entry.version.value()));
    }
    const bool is_recovered = earlier.hash == entry.hash && earlier.pn < entry.pn;
    if (is_recovered && chosen == chosen_.end() && of_version.count(acceptance) == 0) {
      counters_.count(Rare::value_recovered_under_newer_pn);
    }
  }
  auto& by = of_version[acceptance];
  by.insert(member);
  if (by.size() < majority_) return;
  if (chosen != chosen_.end()) {
    if (chosen->second.hash == entry.hash) return;
    violated(fmt::format("version {} was chosen as {} under pn {}, and again as {} under pn {}", entry.version.value(),
                         text(chosen->second.hash), to_string(chosen->second.pn), text(entry.hash),
                         to_string(entry.pn)));
    return;
  }
  chosen_[entry.version] = {entry.hash, entry.pn};
  check_log_change(entry.version, log_change_in(entry.value));
  if (on_chosen_) on_chosen_(entry.version, entry.value);
  if (chosen_.size() > versions_remembered) {
    acceptances_.erase(acceptances_.begin(), acceptances_.upper_bound(chosen_.begin()->first));
    begun_.erase(begun_.begin(), begun_.upper_bound({chosen_.begin()->first.next(), {}}));
    chosen_.erase(chosen_.begin());
  }
}

void Oracles::check_log_change(Version version, const LogChange& change) {
  for (const TrimHold& hold : change.holds) {
    const auto before = holds_.find(hold.requester);
    if (before != holds_.end()) {
      counters_.count(hold.state == TrimHold::State::released ? Rare::hold_released
                      : hold.state == TrimHold::State::ended  ? Rare::hold_ended_at_its_bound
                                                              : Rare::hold_renewed);
    }
    holds_.erase(hold.requester);
    if (hold.state != TrimHold::State::held) continue;
    holds_[hold.requester] = hold;
    if (hold.version < trim_floor_) {
      violated(fmt::format("version {} holds the log from version {} on, which is trimmed up to {}", version.value(),
                           hold.version.value(), trim_floor_.value()));
    }
  }
  if (change.trim_floor == Version()) return;
  if (change.trim_floor <= trim_floor_) {
    violated(fmt::format("version {} moves the trim floor from {} to {}", version.value(), trim_floor_.value(),
                         change.trim_floor.value()));
  }
  trim_floor_ = change.trim_floor;
  for (const auto& [requester, hold] : holds_) {
    if (trim_floor_ <= hold.version) continue;
    violated(fmt::format("version {} trims the log up to version {}, which is held from {} on", version.value(),
                         trim_floor_.value(), hold.version.value()));
  }
}

// What anybody takes for committed was chosen, with this very history.
void Oracles::check_chosen(const std::string& who, const Position& position) {
  if (position.version == Version()) return;
  if (!chosen_.empty() && position.version < chosen_.begin()->first) return;
  const auto chosen = chosen_.find(position.version);
  if (chosen == chosen_.end()) {
    violated(fmt::format("{} takes {} for committed, which no majority has durably accepted", who, text(position)));
  } else if (chosen->second.hash != position.hash) {
    violated(fmt::format("{} has {} where {} was chosen", who, text(position), text(chosen->second.hash)));
  }
}

// ---------------------------------------------------------------------------------------------- messages

// A promise, an acceptance or a grant is durable before it is told, and none is ever below one told before.
void Oracles::check_promise_told(const std::string& from, Held& held, const ProposalNumber& pn, const char* what) {
  if (pn < held.told) {
    violated(
        fmt::format("{} sends {} under pn {} after one under {}", from, what, to_string(pn), to_string(held.told)));
  }
  if (promise_of(held) < pn) {
    violated(fmt::format("{} sends {} under pn {} before that promise is durable", from, what, to_string(pn)));
  }
  held.told = std::max(held.told, pn);
}

void Oracles::check_sender(const std::string& from, Held& held, const Message& message) {
  if (const auto* accept = std::get_if<Accept>(&message)) {
    const auto it = held.accepted.find(accept->position.version);
    const bool is_held = it != held.accepted.end() && it->second == Acceptance{accept->pn, accept->position.hash};
    // Of what is chosen, anybody may say so.
    const auto chosen = chosen_.find(accept->position.version);
    if (chosen != chosen_.end() && chosen->second.hash == accept->position.hash) return;
    if (!is_held && held.applied.version < accept->position.version) {
      violated(fmt::format("{} sends its acceptance of {} under pn {} before it is durable", from,
                           text(accept->position), to_string(accept->pn)));
    }
    check_promise_told(from, held, accept->pn, "an acceptance");
  } else if (const auto* last = std::get_if<Last>(&message)) {
    for (const LogEntry& entry : last->accepted) {
      const auto it = held.accepted.find(entry.version);
      if (entry.version <= held.applied.version) continue;
      if (it == held.accepted.end() || it->second != Acceptance{entry.pn, entry.hash}) {
        violated(fmt::format("{} reports {} under pn {}, which it does not durably hold", from, text(entry.position()),
                             to_string(entry.pn)));
      }
    }
    check_promise_told(from, held, last->pn, "a promise");
  } else if (const auto* ack = std::get_if<LeaseAck>(&message)) {
    check_promise_told(from, held, ack->pn, "a grant");
  } else if (const auto* begin = std::get_if<Begin>(&message)) {
    const auto [it, is_new] = begun_.try_emplace({begin->entry.version, begin->entry.pn}, begin->entry.hash);
    if (it->second != begin->entry.hash) {
      violated(fmt::format("{} proposes two values at version {} under pn {}", from, begin->entry.version.value(),
                           to_string(begin->entry.pn)));
    }
    check_chosen(from + " (begin)", begin->committed);
  } else if (const auto* commit = std::get_if<Commit>(&message)) {
    check_chosen(from + " (commit)", commit->committed);
  } else if (const auto* lease = std::get_if<Lease>(&message)) {
    check_chosen(from + " (lease)", lease->committed);
  } else if (const auto* entries = std::get_if<Entries>(&message)) {
    for (const LogEntry& entry : entries->entries) check_chosen(from + " (entries)", entry.position());
  } else if (const auto* collect = std::get_if<Collect>(&message)) {
    if (promise_of(held) < collect->pn) {
      violated(fmt::format("{} asks for promises to pn {} before its own is durable", from, to_string(collect->pn)));
    }
  } else if (std::holds_alternative<SyncStart>(message)) {
    if (!held.is_marked) violated(from + " asks for a copy before its own store is durably marked");
    // A copy that is not gone on with is given up: it may be removed from here on, before another one is there.
    if (!std::get<SyncStart>(message).resume) held.copy = Copy();
    held.copy.begun = held.copy.written;
  } else if (const auto* written = std::get_if<SyncAck>(&message)) {
    held.copy.acknowledged = held.copy.begun + written->sequence;
    if (held.copy.acknowledged > held.copy.written) {
      violated(fmt::format("{} acknowledges {} chunks, and {} are durable", from, held.copy.acknowledged,
                           held.copy.written));
    }
  } else if (const auto* abort = std::get_if<SyncAbort>(&message)) {
    held.copy.is_verified = false;
    // No disk here changes bytes, so a copy that is not the provider's store was put together wrongly.
    if (!scrub_oracle_.expects_rot() && abort->reason.message().find("has digest") != std::string::npos) {
      violated(fmt::format("a copy is not what was copied: {}", abort->reason.message()));
    }
  }
}

void Oracles::count_rare(const std::string& from, const std::string& to, const Message& message) {
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
  } else if (std::holds_alternative<SyncStart>(message)) {
    counters_.count(Rare::sync_started);
    if (std::get<SyncStart>(message).resume) counters_.count(Rare::sync_resumed);
    provider_of_[from] = to;
  }
}

void Oracles::on_sent(const std::string& from_host, const std::string& to_host, const Received& frame) {
  const std::string from = cluster_.name_at(from_host);
  if (from.empty()) return;
  count_rare(from, cluster_.name_at(to_host), frame.message);
  Held& held = members_[from];
  const Message& message = frame.message;
  const bool is_vote = std::holds_alternative<Accept>(message) || std::holds_alternative<Last>(message) ||
                       std::holds_alternative<LeaseAck>(message) || std::holds_alternative<Begin>(message) ||
                       std::holds_alternative<Collect>(message) || std::holds_alternative<Propose>(message);
  if (is_vote && held.is_marked) {
    violated(fmt::format("{} sends {} while it is syncing", from, message_name(message)));
  }
  check_sender(from, held, message);
  check(vote_oracle_.on_sent(from, frame.source, message));
  if (const auto* collect = std::get_if<Collect>(&message)) {
    const uint64_t life = collected_in_.try_emplace(collect->pn, frame.source.start_count).first->second;
    if (life != frame.source.start_count) {
      violated(fmt::format("two lives of {} collect under pn {}", from, to_string(collect->pn)));
    }
  }
  const std::string to = cluster_.name_at(to_host);
  if (to.empty()) return;
  check(lease_oracle_.on_sent(from, to, message));
  check(scrub_oracle_.on_sent(from, message));
}

// ---------------------------------------------------------------------------------------------- steps

void Oracles::check_leases() {
  std::string holders;
  size_t leaders = 0;
  size_t leases = 0;
  for (const auto& [name, held] : members_) {
    if (!cluster_.is_running(name) || cluster_.monitor(name).state() != MemberState::leader) continue;
    ++leaders;
    if (!cluster_.has_lease(name)) continue;
    ++leases;
    holders += " " + name;
    check(lease_oracle_.check_covered(name, majority_));
  }
  if (leases > 1) violated("several members hold a lease:" + holders);
  if (leaders > 1 && !two_leaders_) counters_.count(Rare::two_leaders_alive);
  two_leaders_ = leaders > 1;
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
  Held& held = members_[member];
  const MemberState state = monitor.state();
  sync_order_.on_state(name_in_events(member), state);
  check_sync_order();
  const bool is_leader = state == MemberState::leader;
  if (is_leader && !held.was_leader) counters_.count(Rare::election_won);
  // A leader that gives up looks for another one first; one that collects anew does not.
  if (held.was_leader && state == MemberState::electing) counters_.count(Rare::higher_promise_met_without_election);
  held.was_leader = is_leader;
  held.was_syncing = state == MemberState::syncing;
  if (is_leader) check_leases();
  Position& seen = committed_[member];
  const Position committed = monitor.committed();
  if (committed == seen) return;
  if (committed.version < seen.version) {
    violated(fmt::format("{} goes back from {} to {}", member, text(seen), text(committed)));
  }
  check_chosen(member, committed);
  seen = committed;
}

}  // namespace synod::sim
