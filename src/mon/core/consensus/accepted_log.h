// The part of the log that is not applied yet, and the rule that entries chain: what an acceptor remembers, in memory.
//
// Invariant I-2 (chain): the entries held are consecutive; the first chains on the committed position, and each on the
// one before it. Whatever no longer chains is dropped when another entry takes a place below it.
//
// Every change is also added to `writes`, so that the store follows. Pure; used by one thread.
#pragma once

#include <deque>
#include <vector>

#include "base/log_entry.h"
#include "store/monitor_store.h"

namespace synod {

class AcceptedLog {
 public:
  explicit AcceptedLog(LogState state);

  Position committed() const { return committed_; }
  // Lowest version of the log; committed().version + 1 if it is empty.
  Version first() const { return first_; }
  const std::deque<LogEntry>& accepted() const { return accepted_; }
  // The highest pn of an accepted entry: an acceptance is also a promise.
  ProposalNumber highest_pn() const;
  // The last position reached from the committed one through entries accepted under `pn`.
  Position position_under(const ProposalNumber& pn) const;

  enum class Outcome { accepted, duplicate, gap };
  // Accepts an entry on top of a predecessor that is committed, or was accepted under the entry's own pn.
  // The caller has checked the promise.
  Outcome accept(const LogEntry& entry, StoreWrites& writes);

  // True if `position` is committed already or its entry is held: then everything up to it is committed, and added to
  // `chosen` in order. False if the entry is not there: it has to be fetched.
  bool commit_to(const Position& position, StoreWrites& writes, std::vector<LogEntry>& chosen);

  // Takes an entry that is known to be committed. False if it does not follow on the committed position.
  bool learn(const LogEntry& entry, StoreWrites& writes, std::vector<LogEntry>& chosen);

  // Erases the committed entries below `floor` from the log.
  void trim_to(Version floor, StoreWrites& writes);

  void check_invariants() const;

 private:
  const LogEntry* find(Version version) const;
  void drop_from(Version version, StoreWrites& writes);
  void commit_front(StoreWrites& writes, std::vector<LogEntry>& chosen);

  Position committed_;
  Version first_;
  std::deque<LogEntry> accepted_;  // accepted_[i] has version committed_.version + 1 + i
};

}  // namespace synod
