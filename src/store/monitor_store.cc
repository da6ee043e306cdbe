#include "store/monitor_store.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/codec.h"
#include "base/mutant.h"
#include "store/log_reader.h"
#include "store/records.h"
#include "store/store_digest.h"
#include "store/views.h"

namespace synod {
namespace {

// One transaction a space is enough, however the writes alternate: spaces do not share keys.
struct SpaceTransactions {
  LocalTransaction local;
  LogTransaction log;
  ReplicatedTransaction replicated;

  DbBatch batch() && {
    DbBatch batch;
    if (!local.is_empty()) batch.add(std::move(local));
    if (!log.is_empty()) batch.add(std::move(log));
    if (!replicated.is_empty()) batch.add(std::move(replicated));
    return batch;
  }
};

void put_applied(ReplicatedTransaction& out, const Position& position) {
  out.put(Bytes(applied_key), SharedBytes(encode_position(position)));
}

// Adds one write to the transactions.
struct WriteAdder {
  SpaceTransactions& out;

  Status operator()(const PutEntry& write) const {
    out.log.put(log_key(write.entry.version), SharedBytes(encode_entry(write.entry)));
    return Status::ok();
  }
  Status operator()(const EraseEntries& write) const {
    out.log.erase_range(log_key(write.from), log_key(write.to));
    return Status::ok();
  }
  Status operator()(const ApplyEntry& write) const {
    return append_applied(out.replicated, write.position, write.value);
  }
  Status operator()(const PutLocal& write) const {
    out.local.put(write.key, write.value);
    return Status::ok();
  }
  Status operator()(const EraseLocal& write) const {
    out.local.erase(write.key);
    return Status::ok();
  }
  Status operator()(const OpenScrub&) const { return Status::ok(); }
};

}  // namespace

size_t value_bytes(const StoreWrites& writes) {
  size_t bytes = 0;
  for (const StoreWrite& write : writes) {
    if (const auto* put = std::get_if<PutEntry>(&write)) bytes += put->entry.value.view().size();
  }
  return bytes;
}

Status append_applied(ReplicatedTransaction& out, const Position& position, const SharedBytes& value) {
  Result<ReplicatedTransaction> operations = ReplicatedTransaction::decode(value);
  if (!operations) {
    return Status(operations.error().code(), fmt::format("the value of version {} does not decode: {}",
                                                         position.version.value(), operations.error().message()));
  }
  out.append(*std::move(operations));
  if (!SYNOD_MUTANT("applied-position-not-in-batch")) put_applied(out, position);
  return Status::ok();
}

MonitorStore::MonitorStore(std::unique_ptr<KeyValueDB> db) : db_(std::move(db)) {}

void MonitorStore::continue_after(uint64_t sequence) {
  SYNOD_ASSERT(!sequence_ || *sequence_ <= sequence, "no number is given twice");
  sequence_ = sequence;
}

Result<uint64_t> MonitorStore::last_sequence() {
  if (!sequence_) {
    const Result<uint64_t> stored = read_sequence(*db_->new_iterator());
    if (!stored) return stored.error();
    sequence_ = *stored;
  }
  return *sequence_;
}

Status MonitorStore::commit_numbered(DbBatch batch, Durability durability) {
  const Result<uint64_t> last = last_sequence();
  if (!last) return last.error();
  add_sequence(batch, *last + 1);
  SYNOD_RETURN_IF_ERROR(db_->commit(batch, durability));
  sequence_ = *last + 1;
  return Status::ok();
}

Status MonitorStore::initialize(const Position& genesis, const ReplicatedTransaction& state) {
  const std::unique_ptr<DbIterator> iterator = db_->new_iterator();
  iterator->seek_to_first();
  SYNOD_RETURN_IF_ERROR(iterator->status());
  if (iterator->is_valid()) return Status(Code::refused, "a store that holds data is not initialized again");
  ReplicatedTransaction first = state;
  put_applied(first, genesis);
  DbBatch batch;
  batch.add(std::move(first));
  return commit_numbered(std::move(batch), Durability::durable);
}

Status MonitorStore::commit(const std::vector<const StoreWrites*>& groups, Durability durability) {
  SpaceTransactions transactions;
  for (const StoreWrites* group : groups) {
    for (const StoreWrite& write : *group) SYNOD_RETURN_IF_ERROR(std::visit(WriteAdder{transactions}, write));
  }
  return commit_numbered(std::move(transactions).batch(), durability);
}

Status MonitorStore::commit_local(const LocalTransaction& changes, Durability durability) {
  DbBatch batch;
  batch.add(changes);
  return commit_numbered(std::move(batch), durability);
}

Status MonitorStore::commit_copied(const ReplicatedTransaction& changes, Durability durability) {
  DbBatch batch;
  batch.add(changes);
  return commit_numbered(std::move(batch), durability);
}

Status MonitorStore::commit_chunk(const ReplicatedTransaction& puts, Durability durability) {
  DbBatch batch;
  if (SYNOD_MUTANT("sync-ranges-not-replayed")) {
    ReplicatedTransaction kept;
    for (const Op& op : puts.ops()) {
      if (op.type == OpType::put) kept.put(op.key, op.value);
      if (op.type == OpType::erase) kept.erase(op.key);
    }
    batch.add(std::move(kept));
  } else {
    batch.add(puts);
  }
  return db_->commit(batch, durability);
}

Result<Position> MonitorStore::applied() const { return read_applied(*db_->new_iterator()); }

Result<LogState> MonitorStore::load_log() const { return read_log_state(*db_->new_iterator()); }

Result<std::vector<LogEntry>> MonitorStore::read_entries(Version from, Version to, size_t max_bytes) const {
  return read_log(*db_->new_iterator(KeySpace::log), from, to, max_bytes);
}

Result<std::optional<Bytes>> MonitorStore::get_local(ByteView key) const { return db_->get(KeySpace::local, key); }

std::unique_ptr<ReplicatedReader> MonitorStore::new_reader() const {
  return make_reader(db_->new_iterator(KeySpace::replicated, CacheUse::fill));
}

Result<std::unique_ptr<StoreWalker>> MonitorStore::new_walker(ByteView after) const {
  return make_walker(db_->new_iterator(KeySpace::replicated), after);
}

Result<Digest> MonitorStore::digest() const {
  const std::unique_ptr<DbIterator> iterator = db_->new_iterator(KeySpace::replicated);
  StoreDigester digester;
  for (iterator->seek_to_first(); iterator->is_valid(); iterator->next()) {
    digester.add(iterator->key(), iterator->value());
  }
  SYNOD_RETURN_IF_ERROR(iterator->status());
  return digester.finish();
}

}  // namespace synod
