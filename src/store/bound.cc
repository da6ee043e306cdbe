#include "store/bound.h"

#include <fmt/format.h>

#include "store/log_reader.h"

namespace synod {

LogEnd::LogEnd(const LogState& log) : applied_(log.applied) {
  for (const LogEntry& entry : log.accepted) add(PutEntry{entry});
}

void LogEnd::add(const StoreWrite& write) {
  if (const auto* put = std::get_if<PutEntry>(&write)) {
    const LogEntry& entry = put->entry;
    if (entry.version > applied_.version) accepted_.insert_or_assign(entry.version, Accepted{entry.hash, entry.pn});
  } else if (const auto* erase = std::get_if<EraseEntries>(&write)) {
    if (erase->from >= erase->to) return;
    accepted_.erase(accepted_.lower_bound(erase->from), accepted_.lower_bound(erase->to));
  } else if (const auto* apply = std::get_if<ApplyEntry>(&write)) {
    applied_ = apply->position;
    accepted_.erase(accepted_.begin(), accepted_.upper_bound(applied_.version));
  }
}

Bound LogEnd::bound(uint64_t sequence) const {
  if (accepted_.empty()) return {sequence, applied_, {}};
  const auto& [version, accepted] = *accepted_.rbegin();
  return {sequence, {version, accepted.hash}, accepted.pn};
}

Result<Bound> read_bound(DbIterator& iterator) {
  const Result<uint64_t> sequence = read_sequence(iterator);
  if (!sequence) return sequence.error();
  const Result<LogState> log = read_log_state(iterator);
  if (!log) return log.error();
  return LogEnd(*log).bound(*sequence);
}

Status rolled_back(const std::string& store, uint64_t found, uint64_t bound, const std::string& where) {
  return Status(Code::corruption, fmt::format("{} was rolled back: it ends with batch {}{}, and its durable bound is "
                                              "batch {}; {}",
                                              store, found, where, bound, store_advice));
}

Status verify_reaches(const Bound& found, const Bound& bound, const std::string& store) {
  if (found.sequence < bound.sequence) return rolled_back(store, found.sequence, bound.sequence, "");
  // A store that has gone on may have replaced or dropped the entry: no batch before the bound did.
  if (found.sequence > bound.sequence || found == bound) return Status::ok();
  return Status(Code::corruption,
                fmt::format("{} is not the store that its durable bound was written for: batch {} leaves version {} "
                            "with hash {} as the last of the log, and the bound names version {} with hash {}; {}",
                            store, found.sequence, found.last.version.value(), to_string(found.last.hash),
                            bound.last.version.value(), to_string(bound.last.hash), store_advice));
}

}  // namespace synod
