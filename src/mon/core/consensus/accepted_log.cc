#include "mon/core/consensus/accepted_log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"

namespace synod {

AcceptedLog::AcceptedLog(LogState state)
    : committed_(state.applied),
      first_(state.first),
      accepted_(std::make_move_iterator(state.accepted.begin()), std::make_move_iterator(state.accepted.end())) {
  check_invariants();
}

ProposalNumber AcceptedLog::highest_pn() const {
  ProposalNumber highest;
  for (const LogEntry& entry : accepted_) highest = std::max(highest, entry.pn);
  return highest;
}

Position AcceptedLog::position_under(const ProposalNumber& pn) const {
  Position position = committed_;
  for (const LogEntry& entry : accepted_) {
    if (entry.pn != pn) break;
    position = entry.position();
  }
  return position;
}

const LogEntry* AcceptedLog::find(Version version) const {
  if (version <= committed_.version) return nullptr;
  const uint64_t index = version.value() - committed_.version.value() - 1;
  return index < accepted_.size() ? &accepted_[index] : nullptr;
}

void AcceptedLog::drop_from(Version version, StoreWrites& writes) {
  SYNOD_ASSERT(version > committed_.version, "I-2: what is committed is never dropped");
  const uint64_t keep = version.value() - committed_.version.value() - 1;
  if (keep >= accepted_.size() || SYNOD_MUTANT("keep-unchained")) return;
  writes.push_back(EraseEntries{version, accepted_.back().version.next()});
  accepted_.resize(keep);
}

AcceptedLog::Outcome AcceptedLog::accept(const LogEntry& entry, StoreWrites& writes) {
  if (entry.version <= committed_.version) return entry.position() == committed_ ? Outcome::duplicate : Outcome::gap;
  if (entry.version == committed_.version.next()) {
    if (entry.predecessor != committed_.hash) return Outcome::gap;
  } else {
    // The chain rule. A predecessor that was accepted under an older pn only may never have been chosen: an acceptance
    // on top of it would count for a history that another leader can still replace.
    const LogEntry* below = find(entry.version.previous());
    const bool is_pn_asked = !SYNOD_MUTANT("chain-rule-off") && !SYNOD_MUTANT("older-predecessor-counted");
    const bool is_under_pn = below != nullptr && (below->pn == entry.pn || !is_pn_asked);
    if (!is_under_pn || below->hash != entry.predecessor) return Outcome::gap;
  }
  SYNOD_ASSERT(entry.pn >= highest_pn(), "I-3: nothing is accepted below what was accepted before");
  const LogEntry* held = find(entry.version);
  if (held != nullptr && held->hash == entry.hash) {
    if (held->pn == entry.pn) return Outcome::duplicate;
    accepted_[entry.version.value() - committed_.version.value() - 1].pn = entry.pn;
  } else {
    drop_from(entry.version, writes);
    accepted_.push_back(entry);
    SYNOD_ASSERT(find(entry.version) == &accepted_.back(), "I-2: no hole below what is accepted");
  }
  writes.push_back(PutEntry{entry});
  return Outcome::accepted;
}

void AcceptedLog::commit_front(StoreWrites& writes, std::vector<LogEntry>& chosen) {
  SYNOD_ASSERT(!accepted_.empty() && accepted_.front().predecessor == committed_.hash,
               "I-2: only what chains on the committed position is committed");
  LogEntry entry = std::move(accepted_.front());
  accepted_.pop_front();
  writes.push_back(ApplyEntry{entry.position(), entry.value});
  committed_ = entry.position();
  chosen.push_back(std::move(entry));
}

bool AcceptedLog::commit_to(const Position& position, StoreWrites& writes, std::vector<LogEntry>& chosen) {
  if (position.version <= committed_.version) return true;
  const LogEntry* entry = find(position.version);
  // The hash names the whole history, so an entry that bears it proves that all entries below are the chosen ones.
  if (entry == nullptr || (entry->hash != position.hash && !SYNOD_MUTANT("commit-any-hash"))) return false;
  while (committed_.version < position.version) commit_front(writes, chosen);
  SYNOD_ASSERT(committed_ == position, "I-2: a hash names one history");
  return true;
}

bool AcceptedLog::learn(const LogEntry& entry, StoreWrites& writes, std::vector<LogEntry>& chosen) {
  if (entry.version != committed_.version.next() || entry.predecessor != committed_.hash) return false;
  const LogEntry* held = find(entry.version);
  if (held == nullptr || held->hash != entry.hash) {
    drop_from(entry.version, writes);
    accepted_.push_back(entry);
    writes.push_back(PutEntry{entry});
  }
  commit_front(writes, chosen);
  return true;
}

void AcceptedLog::trim_to(Version floor, StoreWrites& writes) {
  const Version to = std::min(floor, committed_.version.next());
  if (to <= first_) return;
  writes.push_back(EraseEntries{first_, SYNOD_MUTANT("trim-too-far") ? to.next() : to});
  first_ = to;
}

void AcceptedLog::check_invariants() const {
  SYNOD_ASSERT(first_ <= committed_.version.next(), "I-2: the log has no hole below the committed version");
  SYNOD_ASSERT(first_ > Version(), "I-2: the genesis is no entry of the log");
  Position below = committed_;
  for (const LogEntry& entry : accepted_) {
    SYNOD_ASSERT(entry.pn && entry.pn.member, "I-5: an entry is accepted under the pn of a member");
    SYNOD_ASSERT(&entry == &accepted_.front() || entry.pn <= accepted_.front().pn,
                 "I-17: accepted under no higher pn than the entries below it");
    SYNOD_ASSERT(entry.version == below.version.next(), "I-2: accepted entries are consecutive");
    SYNOD_ASSERT(entry.predecessor == below.hash, "I-2: accepted entries chain");
    below = entry.position();
  }
}

}  // namespace synod
