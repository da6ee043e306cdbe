#include "mon/daemon/store_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "base/compression.h"
#include "base/mutant.h"
#include "mon/core/scrub/scrub.h"
#include "mon/core/sync/copy_record.h"
#include "mon/core/sync/requester.h"
#include "mon/daemon/copy_delta.h"
#include "mon/service/kv_service.h"
#include "mon/service/monmap_service.h"
#include "msg/messenger.h"

namespace synod {
StoreEngine::StoreEngine(StoreHome& home, std::unique_ptr<MonitorStore> store, EngineOptions options)
    : home_(home), options_(options), store_(std::move(store)) {}

void StoreEngine::go_on_with(StoreHome::NewStore unfinished) {
  SYNOD_ASSERT(new_store_ == nullptr, "there is one copy");
  new_name_ = std::move(unfinished.name);
  new_store_ = std::make_unique<MonitorStore>(std::move(unfinished.db));
}

// Only the writer sets it, so it may read it without the lock.
Status StoreEngine::fail(const Status& failure) {
  const std::unique_lock lock(switching_);
  failure_ = failure;
  return failure;
}

Status StoreEngine::write(const std::vector<WriteJob>& jobs) {
  if (!failure_.is_ok()) return failure_;
  const Status written = write_now(jobs);
  return written.is_ok() ? written : fail(written);
}

Status StoreEngine::write_now(const std::vector<WriteJob>& jobs) {
  std::vector<const StoreWrites*> groups;
  Durability durability = Durability::visible;
  for (const WriteJob& job : jobs) {
    SYNOD_ASSERT(!job.identity || &job == &jobs.front(), "an identity is written before the writes it belongs to");
    if (job.identity && !SYNOD_MUTANT("promise-not-durable"))
      SYNOD_RETURN_IF_ERROR(home_.write_identity(*job.identity));
    if (!job.writes.empty()) {
      groups.insert(SYNOD_MUTANT("apply-out-of-order") ? groups.begin() : groups.end(), &job.writes);
    }
    if (job.durability == Durability::durable) durability = Durability::durable;
  }
  if (groups.empty()) return Status::ok();
  SYNOD_ASSERT(store_ != nullptr, "only a formed member writes to its store");
  StoreWrites rest;
  SYNOD_RETURN_IF_ERROR(commit_up_to_scrubs(groups, rest));
  SYNOD_RETURN_IF_ERROR(commit(groups, durability));
  SYNOD_ASSERT(durability == Durability::visible || covered_sequence_ == *store_->last_sequence(),
               "I-11: a durable write is reported when the bound covers it");
  return Status::ok();
}

// A scrub reads the store as one version leaves it, whatever else shares the batch. The batch of the rest makes all of
// it durable, if it is to be, also when it is empty.
Status StoreEngine::commit_up_to_scrubs(std::vector<const StoreWrites*>& groups, StoreWrites& rest) {
  const auto opens = [](const StoreWrite& write) { return std::holds_alternative<OpenScrub>(write); };
  const auto has_one = [&](const StoreWrites* group) { return std::any_of(group->begin(), group->end(), opens); };
  if (std::none_of(groups.begin(), groups.end(), has_one)) return Status::ok();
  for (const StoreWrites* group : groups) {
    for (const StoreWrite& write : *group) {
      if (const auto* open = std::get_if<OpenScrub>(&write)) {
        if (!SYNOD_MUTANT("scrub-at-any-version")) {
          SYNOD_RETURN_IF_ERROR(commit({&rest}, Durability::visible));
          rest.clear();
        }
        scrub_.open(store_->db(), open->point);
      } else {
        rest.push_back(write);
      }
    }
  }
  groups = {&rest};
  return Status::ok();
}

Status StoreEngine::commit(const std::vector<const StoreWrites*>& groups, Durability durability) {
  if (!log_end_) {
    const Result<LogState> log = store_->load_log();
    if (!log) return log.error();
    log_end_.emplace(*log);
  }
  if (SYNOD_MUTANT("bound-before-batch") && durability == Durability::durable) {
    SYNOD_RETURN_IF_ERROR(home_.write_bound(log_end_->bound(*store_->last_sequence() + 1)));
  }
  SYNOD_RETURN_IF_ERROR(store_->commit(groups, durability));
  for (const StoreWrites* group : groups) {
    for (const StoreWrite& write : *group) log_end_->add(write);
  }
  if (durability == Durability::visible) return Status::ok();
  const Result<uint64_t> sequence = store_->last_sequence();
  if (!sequence) return sequence.error();
  SYNOD_RETURN_IF_ERROR(home_.write_bound(log_end_->bound(*sequence)));
  covered_sequence_ = *sequence;
  return Status::ok();
}

Result<TaskResult> StoreEngine::run(const Task& task) {
  if (!is_writer_task(task)) return run_reader_task(task);
  if (!failure_.is_ok()) return failure_;
  Result<TaskResult> done = run_writer_task(task);
  if (!done) return fail(done.error());
  return done;
}

Result<TaskResult> StoreEngine::run_writer_task(const Task& task) {
  if (const auto* form = std::get_if<FormTask>(&task)) return run_on_writer(*form);
  if (const auto* create = std::get_if<CreateStoreTask>(&task)) return run_on_writer(*create);
  if (const auto* discard = std::get_if<DiscardCopyTask>(&task)) return run_on_writer(*discard);
  if (const auto* clone = std::get_if<CloneStoreTask>(&task)) return run_on_writer(*clone);
  if (const auto* verify = std::get_if<VerifyTask>(&task)) return run_on_writer(*verify);
  if (const auto* change = std::get_if<SwitchTask>(&task)) return run_on_writer(*change);
  if (const auto* keep = std::get_if<KeepSegmentsTask>(&task)) return run_on_writer(*keep);
  const Result<std::vector<TaskResult>> results = write_chunks_now({&std::get<WriteChunkTask>(task)});
  return results ? Result<TaskResult>(results->front()) : results.error();
}

Result<TaskResult> StoreEngine::run_reader_task(const Task& task) {
  const std::shared_lock lock(switching_);
  // A switch that failed has closed the store.
  if (!failure_.is_ok()) return failure_;
  if (const auto* compare = std::get_if<CompareRangesTask>(&task)) return run_on_reader(*compare);
  SYNOD_ASSERT(store_ != nullptr, "only a formed member reads its store");
  if (const auto* evaluate = std::get_if<EvaluateTask>(&task)) return run_on_reader(*evaluate);
  if (const auto* range = std::get_if<RangeTask>(&task)) return run_on_reader(*range);
  if (const auto* read = std::get_if<ReadLogTask>(&task)) return run_on_reader(*read);
  if (is_scrub_task(task)) return scrub_.run(task);
  return snapshots_.run(*store_, task);
}

// ---------------------------------------------------------------------------------------------- reader

Result<TaskResult> StoreEngine::run_on_reader(const EvaluateTask& task) {
  Result<Evaluated> evaluated = evaluator_.evaluate(*store_->new_reader(), task);
  if (!evaluated) return evaluated.error();
  return TaskResult(*std::move(evaluated));
}

Result<TaskResult> StoreEngine::run_on_reader(const RangeTask& task) {
  Result<RangeReply> reply = read_range(*store_->new_reader(), task.request, options_.answer_bytes_max);
  if (!reply) return reply.error();
  return TaskResult(RangeDone{*std::move(reply)});
}

Result<TaskResult> StoreEngine::run_on_reader(const ReadLogTask& task) {
  Result<std::vector<LogEntry>> entries = store_->read_entries(task.from, task.to, task.max_bytes);
  if (!entries) return entries.error();
  return TaskResult(ReadLogDone{*std::move(entries)});
}

Result<TaskResult> StoreEngine::run_on_reader(const CompareRangesTask& task) {
  SYNOD_ASSERT(new_store_ != nullptr, "a copy is compared while there is one");
  Result<std::vector<DifferingRange>> differing = compare_ranges(*new_store_, task);
  if (!differing) return TaskResult(RangesCompared{differing.error(), {}});
  return TaskResult(RangesCompared{Status::ok(), *std::move(differing)});
}

// ---------------------------------------------------------------------------------------------- writer

// Closes the current store, and the one that was being filled, and opens it again as the current one.
Status StoreEngine::become_current(const std::string& name) {
  const std::unique_lock lock(switching_);
  const Result<Bound> bound = read_bound(*new_store_->db().new_iterator());
  if (!bound) return bound.error();
  close_current();
  new_store_.reset();
  SYNOD_RETURN_IF_ERROR(home_.switch_to(name, *bound));
  return open_current();
}

void StoreEngine::close_current() {
  snapshots_.clear();
  scrub_.clear();
  evaluator_ = Evaluator();  // what was in flight was so on top of the old store
  store_.reset();
  log_end_.reset();
}

Status StoreEngine::open_current() {
  Result<std::unique_ptr<KeyValueDB>> db = home_.open_current(options_.database);
  if (!db) return db.error();
  store_ = std::make_unique<MonitorStore>(*std::move(db));
  return Status::ok();
}

Result<TaskResult> StoreEngine::run_on_writer(const FormTask& task) {
  const Result<Monmap> monmap = Monmap::decode(task.monmap);
  SYNOD_ASSERT(monmap.has_value(), "a cluster is formed with a monmap");
  Result<StoreHome::NewStore> created = home_.create_store(options_.database);
  if (!created) return created.error();
  const std::string name = created->name;
  new_store_ = std::make_unique<MonitorStore>(std::move(created->db));
  SYNOD_RETURN_IF_ERROR(new_store_->initialize(task.genesis, monmap_genesis(*monmap)));
  SYNOD_RETURN_IF_ERROR(become_current(name));
  SYNOD_RETURN_IF_ERROR(home_.write_identity(task.identity));
  Result<LogState> log = store_->load_log();
  if (!log) return log.error();
  return TaskResult(Formed{*std::move(log)});
}

// Numbers are not used again: those that went to the current store since it was cloned are not the copy's.
Result<uint64_t> StoreEngine::last_sequence_of_all() {
  uint64_t last = 0;
  for (MonitorStore* store : {store_.get(), new_store_.get()}) {
    if (store == nullptr) continue;
    const Result<uint64_t> sequence = store->last_sequence();
    if (!sequence) return sequence;
    last = std::max(last, *sequence);
  }
  return last;
}

Result<TaskResult> StoreEngine::run_on_writer(const CreateStoreTask&) {
  const std::unique_lock lock(switching_);
  new_store_.reset();
  Result<StoreHome::NewStore> created = home_.create_store(options_.database);
  if (!created) return created.error();
  new_name_ = created->name;
  new_store_ = std::make_unique<MonitorStore>(std::move(created->db));
  return TaskResult(StoreCreated{});
}

// The old store is closed meanwhile, so that its files stand still; whoever clones serves nothing from it.
Result<TaskResult> StoreEngine::run_on_writer(const CloneStoreTask& task) {
  const Result<uint64_t> last = last_sequence_of_all();
  if (!last) return last.error();
  const std::unique_lock lock(switching_);
  new_store_.reset();
  close_current();
  Result<StoreHome::NewStore> cloned = home_.clone_current(options_.database);
  SYNOD_RETURN_IF_ERROR(open_current());
  if (!cloned && cloned.error().code() == Code::corruption) return TaskResult(cloned.error());
  if (!cloned) return cloned.error();
  new_name_ = cloned->name;
  new_store_ = std::make_unique<MonitorStore>(std::move(cloned->db));
  new_store_->continue_after(*last);
  // Of the old store the replicated space alone is part of the copy.
  SYNOD_RETURN_IF_ERROR(new_store_->commit_local(erase_scrub_record(), Durability::visible));
  StoreWrites own{EraseEntries{Version(1), Version(UINT64_MAX)}, EraseLocal{Bytes(refuted_key)}};
  if (!SYNOD_MUTANT("clone-keeps-the-mark")) own.push_back(EraseLocal{Bytes(synchronizing_key)});
  SYNOD_RETURN_IF_ERROR(new_store_->commit({&own}, Durability::durable));
  SYNOD_RETURN_IF_ERROR(home_.write_copy_record(task.record));
  return TaskResult(StoreCreated{});
}

Result<TaskResult> StoreEngine::run_on_writer(const DiscardCopyTask&) {
  const std::unique_lock lock(switching_);
  new_store_.reset();
  SYNOD_RETURN_IF_ERROR(home_.remove_unfinished());
  return TaskResult(CopyDiscarded{});
}

// What a chunk does to the copy. The ranges of chunks have no key in common, so it is the same before and after others.
Result<ReplicatedTransaction> StoreEngine::changes_of(const WriteChunkTask& task) {
  SharedBytes transaction = task.transaction;
  if (task.is_compressed) {
    Result<Bytes> bytes = decompress(transaction.view(), MessengerLimits{}.max_frame_bytes);
    if (!bytes) return Status(Code::corruption, "a chunk does not decompress: " + bytes.error().message());
    transaction = SharedBytes(*std::move(bytes));
  }
  Result<ReplicatedTransaction> puts = ReplicatedTransaction::decode(transaction);
  if (!puts) return Status(Code::corruption, "a chunk does not decode: " + puts.error().message());
  if (task.cleared.empty() && task.erased.empty()) return puts;
  for (const KeyRange& range : task.cleared) SYNOD_RETURN_IF_ERROR(clear_range(*new_store_, range));
  Result<ReplicatedTransaction> changes = erasures_of(*new_store_, task, *puts);
  if (changes) changes->append(*std::move(puts));
  return changes;
}

Result<std::vector<TaskResult>> StoreEngine::write_chunks(const std::vector<const WriteChunkTask*>& chunks) {
  if (!failure_.is_ok()) return failure_;
  Result<std::vector<TaskResult>> results = write_chunks_now(chunks);
  if (!results) return fail(results.error());
  return results;
}

Result<std::vector<TaskResult>> StoreEngine::write_chunks_now(const std::vector<const WriteChunkTask*>& chunks) {
  SYNOD_ASSERT(new_store_ != nullptr, "a chunk is written to a new store");
  std::vector<ReplicatedTransaction> whole;
  Status refused;
  for (const WriteChunkTask* task : chunks) {
    Result<ReplicatedTransaction> changes = changes_of(*task);
    if (!changes && changes.error().code() != Code::corruption) return changes.error();
    if (!changes) {
      refused = changes.error();
      break;
    }
    whole.push_back(*std::move(changes));
  }
  if (!whole.empty() && SYNOD_MUTANT("sync-record-before-data")) {
    SYNOD_RETURN_IF_ERROR(home_.write_copy_record(chunks[whole.size() - 1]->record));
  }
  for (size_t i = 0; i < whole.size(); ++i) {
    if (!chunks[i]->record_before.empty()) {
      SYNOD_ASSERT(i == 0, "[9] a session begins when all of the one before is written");
      SYNOD_RETURN_IF_ERROR(home_.write_copy_record(chunks[i]->record_before));
    }
    const bool is_barrier = i + 1 == whole.size() && !SYNOD_MUTANT("sync-skips-the-barrier");
    const Durability durability = is_barrier ? Durability::durable : Durability::visible;
    SYNOD_RETURN_IF_ERROR(new_store_->commit_chunk(whole[i], durability));
  }
  // The data first: what the record tells is there, and what goes beyond it is written once more.
  if (!whole.empty() && !SYNOD_MUTANT("sync-loses-the-cursor")) {
    SYNOD_RETURN_IF_ERROR(home_.write_copy_record(chunks[whole.size() - 1]->record));
  }
  std::vector<TaskResult> results(whole.size(), TaskResult(ChunkWritten{}));
  results.resize(chunks.size(), TaskResult(refused));
  return results;
}

Result<TaskResult> StoreEngine::run_on_writer(const VerifyTask&) {
  const Result<Position> position = new_store_->applied();
  if (!position) return TaskResult(Status(Code::corruption, "the copy has no applied position"));
  const Result<Digest> digest = new_store_->digest();
  // A delta stands on the tables of the old store.
  if (!digest && digest.error().code() == Code::corruption) return TaskResult(digest.error());
  if (!digest) return digest.error();
  return TaskResult(Verified{*position, *digest});
}

Result<TaskResult> StoreEngine::run_on_writer(const SwitchTask& task) {
  // The record stays until the copy is the current store: a switch that was broken off is gone on with, too. What such
  // a one has left in the log was accepted on top of an older version.
  StoreWrites writes{EraseEntries{Version(1), Version(UINT64_MAX)}};
  for (const LogEntry& entry : task.accepted) writes.push_back(PutEntry{entry});
  const Result<uint64_t> last = last_sequence_of_all();
  if (!last) return last.error();
  new_store_->continue_after(*last);
  SYNOD_RETURN_IF_ERROR(new_store_->commit({&writes}, Durability::durable));
  const Result<uint64_t> old_sequence = store_ == nullptr ? 0 : store_->last_sequence();
  const Result<uint64_t> new_sequence = new_store_->last_sequence();
  if (!old_sequence) return old_sequence.error();
  if (!new_sequence) return new_sequence.error();
  SYNOD_ASSERT(*old_sequence < *new_sequence, "batches of the store that is left have the lower numbers");
  if (task.keeps_evidence) SYNOD_RETURN_IF_ERROR(home_.keep_evidence());
  SYNOD_RETURN_IF_ERROR(become_current(new_name_));
  Result<LogState> log = store_->load_log();
  if (!log) return log.error();
  const Result<std::optional<Bytes>> monmap = store_->new_reader()->get(monmap_key);
  if (!monmap) return monmap.error();
  return TaskResult(Switched{*std::move(log), monmap->value_or(Bytes())});
}

Result<TaskResult> StoreEngine::run_on_writer(const KeepSegmentsTask& task) {
  const std::optional<ScrubRecord> record = scrub_.segments(task.version);
  if (record) SYNOD_RETURN_IF_ERROR(store_->commit_local(replace_scrub_record(*record), Durability::visible));
  return TaskResult(SegmentsKept{task.version});
}

}  // namespace synod
