#include "test/sim/sync_oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "mon/core/sync/requester.h"

namespace synod::sim {
namespace {

bool is_vote(const Message& message) {
  return std::holds_alternative<Accept>(message) || std::holds_alternative<Last>(message) ||
         std::holds_alternative<LeaseAck>(message) || std::holds_alternative<Begin>(message) ||
         std::holds_alternative<Collect>(message) || std::holds_alternative<Propose>(message);
}

bool takes_mark_away(const StoreWrite& write) {
  const auto* erased = std::get_if<EraseLocal>(&write);
  return erased != nullptr && erased->key == synchronizing_key;
}

}  // namespace

// What a requester has acknowledged is on its disk.
void SyncOracle::on_start(const std::string& member, const MonitorStart& start) {
  Held& held = members_[member];
  const Copy before = held.copy;
  held = Held();
  held.is_marked = start.is_marked;
  if (!start.is_marked) return;
  Copy& copy = held.copy;
  if (start.copy) {
    copy.written = copy.acknowledged = start.copy->chunks;
    findings_.count(Rare::sync_resumed_after_restart);
  }
  if (copy.written >= before.acknowledged || !start.copy_given_up.empty()) return;
  findings_.violated(
      fmt::format("{} has acknowledged {} chunks of a copy, and has {}", member, before.acknowledged, copy.written));
}

void SyncOracle::on_written(const std::string& member, const StoreWrites& writes) {
  const bool is_unmarked = std::any_of(writes.begin(), writes.end(), takes_mark_away);
  if (is_unmarked && members_[member].copy.is_verified) {
    findings_.violated(member + " takes its mark away before its copy is the current store");
  }
}

void SyncOracle::on_durable(const std::string& member, const StoreWrite& write) {
  Held& held = members_[member];
  const auto* local = std::get_if<PutLocal>(&write);
  if (local != nullptr && local->key == synchronizing_key) held.is_marked = true;
  if (takes_mark_away(write)) held = Held();  // the copy is removed next
}

void SyncOracle::on_ran(const std::string& member, const Task& task, const TaskResult& result) {
  Held& held = members_[member];
  const bool is_switched = std::holds_alternative<Switched>(result);
  if (is_switched || std::holds_alternative<StoreCreated>(result)) held.copy = Copy();
  if (is_switched || std::holds_alternative<Formed>(result)) held.is_marked = false;
  if (std::holds_alternative<ChunkWritten>(result)) on_chunk_written(member, std::get<WriteChunkTask>(task));
  if (std::holds_alternative<Verified>(result)) held.copy.is_verified = true;
}

void SyncOracle::on_chunk_written(const std::string& member, const WriteChunkTask& task) {
  const Result<CopyRecord> record = CopyRecord::decode(task.record);
  if (!record) return findings_.violated(member + " writes a record of its copy that does not decode");
  members_[member].copy.written = record->chunks;
  const bool is_of_several = record->cursor.is_complete() && record->cursor.base != record->cursor.highest;
  if (is_of_several) findings_.count(Rare::copy_of_several_snapshots);
}

void SyncOracle::on_sync_event(const std::string& member, const SyncEvent& event) {
  // A copy that is not kept may be gone before the next one is there.
  const bool is_dropped = event.kind == SyncEventKind::failed && event.chunks == 0;
  if (event.kind == SyncEventKind::copy_given_up || is_dropped) members_[member].copy = Copy();
}

void SyncOracle::on_sent(const std::string& from, const Message& message) {
  Held& held = members_[from];
  Copy& copy = held.copy;
  if (held.is_marked && is_vote(message)) {
    findings_.violated(fmt::format("{} sends {} while it is syncing", from, message_name(message)));
  }
  if (const auto* start = std::get_if<SyncStart>(&message)) {
    if (!held.is_marked) findings_.violated(from + " asks for a copy before its own store is durably marked");
    // A copy that is not gone on with is given up: it may be removed from here on, before another one is there.
    if (!start->resume) copy = Copy();
    copy.begun = copy.written;
  } else if (const auto* ack = std::get_if<SyncAck>(&message)) {
    copy.acknowledged = copy.begun + ack->sequence;
    if (copy.acknowledged > copy.written) {
      findings_.violated(
          fmt::format("{} acknowledges {} chunks, and {} are durable", from, copy.acknowledged, copy.written));
    }
  } else if (const auto* abort = std::get_if<SyncAbort>(&message)) {
    copy.is_verified = false;
    // No disk here changes bytes, so a copy that is not the provider's store was put together wrongly.
    if (!scrubs_.expects_rot() && abort->reason.message().find("has digest") != std::string::npos) {
      findings_.violated(fmt::format("a copy is not what was copied: {}", abort->reason.message()));
    }
  }
}

}  // namespace synod::sim
