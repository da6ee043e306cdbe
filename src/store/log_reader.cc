#include "store/log_reader.h"

#include <fmt/format.h>

#include <utility>

#include "base/codec.h"
#include "store/records.h"

namespace synod {
namespace {

bool is_at_log_entry(const DbIterator& iterator) { return iterator.is_valid() && iterator.space() == KeySpace::log; }

Status verify_follows(const Position& predecessor, const LogEntry& entry) {
  if (entry.version != predecessor.version.next()) {
    return Status(Code::corruption, fmt::format("the log has a gap: entry {} is followed by entry {}",
                                                predecessor.version.value(), entry.version.value()));
  }
  if (entry.predecessor != predecessor.hash) {
    return Status(Code::corruption,
                  fmt::format("the stored log entry {} does not chain on version {}: it names predecessor {}, not {}",
                              entry.version.value(), predecessor.version.value(), to_string(entry.predecessor),
                              to_string(predecessor.hash)));
  }
  return Status::ok();
}

// The lowest version in the log, or `otherwise`.
Result<Version> read_first(DbIterator& iterator, Version otherwise) {
  iterator.seek(KeySpace::log, {});
  SYNOD_RETURN_IF_ERROR(iterator.status());
  if (!is_at_log_entry(iterator)) return otherwise;
  Decoder decoder(iterator.key());
  const Version first(decoder.fixed64());
  if (!decoder.is_complete()) return Status(Code::corruption, "the first key of the log is malformed");
  return first;
}

// An entry that is still there for the applied version must be the one that was applied.
Status verify_applied_entry(DbIterator& iterator, const Position& applied) {
  const Bytes key = log_key(applied.version);
  iterator.seek(KeySpace::log, key);
  SYNOD_RETURN_IF_ERROR(iterator.status());
  if (!is_at_log_entry(iterator) || iterator.key() != key) return Status::ok();
  Result<LogEntry> entry = decode_entry(iterator.key(), iterator.value());
  if (!entry) return entry.error();
  if (entry->hash == applied.hash) return Status::ok();
  return Status(Code::corruption,
                fmt::format("the stored log entry {} is not the value that was applied: its hash is "
                            "{}, not {}",
                            applied.version.value(), to_string(entry->hash), to_string(applied.hash)));
}

}  // namespace

Result<std::optional<Bytes>> find(DbIterator& iterator, KeySpace space, ByteView key) {
  iterator.seek(space, key);
  if (iterator.is_valid() && iterator.space() == space && iterator.key() == key) {
    return std::optional<Bytes>(iterator.value());
  }
  SYNOD_RETURN_IF_ERROR(iterator.status());
  return std::optional<Bytes>();
}

Result<Position> read_applied(DbIterator& iterator) {
  Result<std::optional<Bytes>> stored = find(iterator, KeySpace::replicated, applied_key);
  if (!stored) return stored.error();
  if (!stored->has_value()) {
    return Status(Code::not_found, "the store has no applied position: it was never initialized, or is half filled");
  }
  return decode_position(**stored);
}

Result<uint64_t> read_sequence(DbIterator& iterator) {
  const Result<std::optional<Bytes>> stored = find(iterator, KeySpace::local, batch_sequence_key);
  if (!stored) return stored.error();
  if (!stored->has_value()) return uint64_t{0};
  Decoder decoder(**stored);
  const uint64_t sequence = decoder.fixed64();
  if (!decoder.is_complete()) return Status(Code::corruption, "the stored number of the latest batch is malformed");
  return sequence;
}

Result<LogState> read_log_state(DbIterator& iterator) {
  LogState state;
  Result<Position> applied = read_applied(iterator);
  if (!applied) return applied.error();
  state.applied = *applied;
  Result<Version> floor = read_trim_floor(iterator);
  if (!floor) return floor.error();
  state.trim_floor = *floor;
  Result<std::vector<TrimHold>> holds = read_trim_holds(iterator);
  if (!holds) return holds.error();
  state.holds = *std::move(holds);
  Result<Version> first = read_first(iterator, applied->version.next());
  if (!first) return first.error();
  state.first = *first;
  SYNOD_RETURN_IF_ERROR(verify_applied_entry(iterator, *applied));
  Position predecessor = *applied;
  for (iterator.seek(KeySpace::log, log_key(applied->version.next())); is_at_log_entry(iterator); iterator.next()) {
    Result<LogEntry> entry = decode_entry(iterator.key(), iterator.value());
    if (!entry) return entry.error();
    SYNOD_RETURN_IF_ERROR(verify_follows(predecessor, *entry));
    predecessor = entry->position();
    state.accepted.push_back(*std::move(entry));
  }
  SYNOD_RETURN_IF_ERROR(iterator.status());
  return state;
}

Result<std::vector<LogEntry>> read_log(DbIterator& iterator, Version from, Version to, size_t max_bytes) {
  std::vector<LogEntry> entries;
  size_t bytes = 0;
  const Bytes first_key = log_key(from);
  const Bytes last_key = log_key(to);
  iterator.seek(KeySpace::log, first_key);
  if (is_at_log_entry(iterator) && iterator.key() != first_key) return entries;
  for (; is_at_log_entry(iterator) && iterator.key() <= last_key; iterator.next()) {
    if (!entries.empty() && bytes + iterator.value().size() > max_bytes) return entries;
    Result<LogEntry> entry = decode_entry(iterator.key(), iterator.value());
    if (!entry) return entry.error();
    if (!entries.empty()) SYNOD_RETURN_IF_ERROR(verify_follows(entries.back().position(), *entry));
    bytes += iterator.value().size();
    entries.push_back(*std::move(entry));
  }
  SYNOD_RETURN_IF_ERROR(iterator.status());
  return entries;
}

}  // namespace synod
