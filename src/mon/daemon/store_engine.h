// Carries out writes and tasks in a member's home: what is done, not on which thread. StoreThreads and the simulator
// run the same engine.
//
// Thread safety: write() and writer tasks from one thread; reader tasks from one other thread. Everything may block.
#pragma once

#include <memory>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "mon/daemon/scrub_reader.h"
#include "mon/daemon/snapshots.h"
#include "mon/daemon/storage.h"
#include "mon/service/evaluator.h"
#include "store/bound.h"
#include "store/monitor_store.h"
#include "store/store_home.h"

namespace synod {

struct EngineOptions {
  DatabaseOptions database;
  size_t answer_bytes_max = 1 << 20;
};

class StoreEngine {
 public:
  // `store` is the home's current store, or null if it has none yet.
  StoreEngine(StoreHome& home, std::unique_ptr<MonitorStore> store, EngineOptions options);

  // A copy that an earlier life began, also if there is no current store. REQUIRES: called before anything else.
  void go_on_with(StoreHome::NewStore unfinished);

  // After the first failure of the disk nothing is written any more, and each call fails with it.

  // All jobs as one batch, durable if one of them is to be, and then covered by the bound (I-11). Where a scrub is to
  // be opened, it is two. REQUIRES: only the first has an identity.
  Status write(const std::vector<WriteJob>& jobs);
  // A task that cannot be done now, through no fault of the disk, results in a Status; a failure is the disk's.
  Result<TaskResult> run(const Task& task);
  // Chunks of a copy, in order, with one sync for all of them; as many results, in which a chunk that is not whole, and
  // those after it, result in a Status.
  Result<std::vector<TaskResult>> write_chunks(const std::vector<const WriteChunkTask*>& chunks);

 private:
  Status fail(const Status& failure);
  Result<TaskResult> run_writer_task(const Task& task);
  Result<TaskResult> run_reader_task(const Task& task);
  Result<TaskResult> run_on_reader(const EvaluateTask& task);
  Result<TaskResult> run_on_reader(const RangeTask& task);
  Result<TaskResult> run_on_reader(const ReadLogTask& task);
  Result<TaskResult> run_on_reader(const CompareRangesTask& task);
  Result<TaskResult> run_on_writer(const FormTask& task);
  Result<TaskResult> run_on_writer(const CreateStoreTask& task);
  Result<TaskResult> run_on_writer(const CloneStoreTask& task);
  Result<TaskResult> run_on_writer(const DiscardCopyTask& task);
  Result<TaskResult> run_on_writer(const VerifyTask& task);
  Result<TaskResult> run_on_writer(const SwitchTask& task);
  Result<TaskResult> run_on_writer(const KeepSegmentsTask& task);
  Result<std::vector<TaskResult>> write_chunks_now(const std::vector<const WriteChunkTask*>& chunks);
  Status write_now(const std::vector<WriteJob>& jobs);
  Status commit_up_to_scrubs(std::vector<const StoreWrites*>& groups, StoreWrites& rest);
  Status commit(const std::vector<const StoreWrites*>& groups, Durability durability);
  Result<ReplicatedTransaction> changes_of(const WriteChunkTask& task);
  Result<uint64_t> last_sequence_of_all();
  void close_current();
  Status open_current();
  Status become_current(const std::string& name);

  StoreHome& home_;
  EngineOptions options_;
  std::shared_mutex switching_;  // held shared by reader tasks, exclusively while the current store changes
  Status failure_;               // the first one of a write or a task of the writer
  std::unique_ptr<MonitorStore> store_;
  std::optional<LogEnd> log_end_;            // of the current store; read at its first write
  uint64_t covered_sequence_ = 0;            // by the bound, as far as this object has written it
  std::unique_ptr<MonitorStore> new_store_;  // of a running sync
  std::string new_name_;
  Evaluator evaluator_;
  Snapshots snapshots_;
  ScrubReader scrub_;
};

}  // namespace synod
