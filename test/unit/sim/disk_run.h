// A run of commits through the store engine of a member, of which it can be said afterwards how many are there.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "mon/daemon/store_engine.h"
#include "mon/service/monmap_service.h"
#include "store/bound.h"
#include "store/log_reader.h"
#include "store/memory_db.h"
#include "test/sim/disk/level_db_disk.h"
#include "test/sim/disk/model_disk.h"

namespace synod::sim {

// Each life of a sweep would tell of the tail that it cuts off.
inline const bool is_quiet = [] {
  set_log_level(LogLevel::error);
  return true;
}();

// The smallest that LevelDB takes, so that its log rotates and its tables are merged in a short run.
inline constexpr DatabaseOptions small_buffers{.write_buffer_bytes = 64 << 10, .block_cache_bytes = 64 << 10};

inline Monmap run_monmap() { return {Fsid{{1, 2, 3}}, 1, {{"a", MemberId(1), "host-a:1000", MemberRole::voter}}}; }
inline Position run_genesis() { return {Version(0), genesis_hash(run_monmap().fsid)}; }

inline Digest replicated_digest(const KeyValueDB& db) {
  Digester digester;
  const std::unique_ptr<DbIterator> at = db.new_iterator(KeySpace::replicated);
  for (at->seek_to_first(); at->is_valid(); at->next()) digester.add(at->key()).add(at->value());
  EXPECT_TRUE(at->status().is_ok()) << at->status().to_string();
  return digester.finish();
}

// The commits of a run and what they add up to, worked out in memory. The i-th commit accepts entry i, applies the one
// before, and drops the one that is `kept` behind.
class RunHistory {
 public:
  explicit RunHistory(uint64_t value_bytes) : value_bytes_(value_bytes) {
    EXPECT_TRUE(state_.initialize(run_genesis(), monmap_genesis(run_monmap())).is_ok());
    digests_.push_back(replicated_digest(state_.db()));
  }

  const LogEntry& entry(uint64_t i) {
    while (entries_.size() < i) {
      const Position top = entries_.empty() ? run_genesis() : entries_.back().position();
      const uint64_t next = entries_.size() + 1;
      entries_.push_back(make_log_entry(top, {next / 7, MemberId(1)}, value(next)));
    }
    return entries_[i - 1];
  }
  StoreWrites commit(uint64_t i) {
    StoreWrites writes{PutEntry{entry(i)}};
    if (i > 1) writes.emplace_back(ApplyEntry{entry(i - 1).position(), entry(i - 1).value});
    if (i > kept) writes.emplace_back(EraseEntries{Version(i - kept), Version(i - kept + 1)});
    return writes;
  }
  // Of the replicated space after so many commits.
  const Digest& digest(uint64_t commits) {
    while (digests_.size() <= commits) {
      const StoreWrites writes = commit(digests_.size());
      EXPECT_TRUE(state_.commit({&writes}, Durability::visible).is_ok());
      digests_.push_back(replicated_digest(state_.db()));
    }
    return digests_[commits];
  }

  // One for all runs with values of this size.
  static RunHistory& of(uint64_t value_bytes) {
    static std::map<uint64_t, RunHistory> all;
    return all.try_emplace(value_bytes, value_bytes).first->second;
  }

 private:
  static constexpr uint64_t kept = 20;

  static Bytes key(uint64_t i) { return "k" + std::to_string(100000 + i); }
  SharedBytes value(uint64_t i) const {
    SeededRandom random(i);
    Bytes bytes;  // does not compress
    while (bytes.size() < value_bytes_) bytes += std::to_string(random.next());
    ReplicatedTransaction puts;
    puts.put(key(i), SharedBytes(std::move(bytes)));
    if (i > kept) puts.erase(key(i - kept));
    return SharedBytes(puts.encode());
  }

  uint64_t value_bytes_;
  std::vector<LogEntry> entries_;
  MonitorStore state_{make_memory_db()};
  std::vector<Digest> digests_;
};

class CommitRun {
 public:
  CommitRun(uint64_t commits, uint64_t value_bytes) : commits_(commits), history_(&RunHistory::of(value_bytes)) {}

  // Commits until the end, or until this commit, or until the first failure. Every third commit is durable.
  void go(StoreEngine& engine, uint64_t last = std::numeric_limits<uint64_t>::max()) {
    for (uint64_t i = done_ + 1; i <= commits_ && i <= last && failure_.is_ok(); ++i) {
      const bool is_durable = i % 3 == 0;
      std::vector<WriteJob> jobs(1);
      jobs[0].writes = history_->commit(i);
      jobs[0].durability = is_durable ? Durability::durable : Durability::visible;
      failure_ = engine.write(jobs);
      tried_ = i;
      if (!failure_.is_ok()) return;
      done_ = i;
      if (is_durable) durable_ = i;
    }
  }
  // A new life has found so many, which are durable.
  void resume_after(uint64_t found) {
    tried_ = done_ = durable_ = found;
    failure_ = Status::ok();
  }
  uint64_t tried() const { return tried_; }
  uint64_t done() const { return done_; }
  uint64_t durable() const { return durable_; }
  const Status& failure() const { return failure_; }

  // The number of commits that make what the database holds; fails the test if it is no prefix of the run.
  uint64_t commits_in(const KeyValueDB& db) const {
    const Result<LogState> log = read_log_state(*db.new_iterator());
    EXPECT_TRUE(log) << log.error().to_string();
    if (!log) return 0;
    const Version last = LogEnd(*log).bound(0).last.version;
    const Result<std::vector<LogEntry>> entries =
        read_log(*db.new_iterator(KeySpace::log), log->first, last, std::numeric_limits<size_t>::max());
    EXPECT_TRUE(entries) << entries.error().to_string();
    if (!entries) return 0;
    EXPECT_EQ(entries->size(), last.value() + 1 - log->first.value());
    for (const LogEntry& entry : *entries) EXPECT_TRUE(entry == history_->entry(entry.version.value()));
    EXPECT_TRUE(replicated_digest(db) == history_->digest(last.value())) << "not as after commit " << last.value();
    return last.value();
  }

 private:
  uint64_t commits_;
  RunHistory* history_;  // shared, and never gone
  uint64_t tried_ = 0;
  uint64_t done_ = 0;
  uint64_t durable_ = 0;
  Status failure_;
};

enum class DiskKind { model, lenient, strict };
inline const char* kind_name(DiskKind kind) {
  return kind == DiskKind::model ? "model" : kind == DiskKind::lenient ? "lenient" : "strict";
}
inline std::unique_ptr<MemberDisk> make_disk(DiskKind kind, uint64_t seed) {
  if (kind == DiskKind::model) return std::make_unique<ModelDisk>(seed);
  return std::make_unique<LevelDbDisk>(SimDisk::Options{.is_strict = kind == DiskKind::strict, .seed = seed});
}

// One life of a process with its engine. Objects end in the right order.
class Life {
 public:
  explicit Life(MemberDisk& disk) : disk_(disk), home_(disk.start_life()) {
    if (!home_) status_ = home_.error();
  }
  ~Life() { end(); }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  StoreHome& home() { return **home_; }
  // REQUIRES: open_store() has succeeded; of engine(): that or open_nothing().
  KeyValueDB& db() { return *db_; }
  StoreEngine& engine() { return *engine_; }
  // The first failure.
  const Status& status() const { return status_; }

  // Makes the first store, and the identity, as a member does when its cluster is formed.
  void form(const Bytes& identity = "formed") {
    if (!status_.is_ok()) return;
    StoreEngine engine(home(), nullptr, {.database = small_buffers});
    status_ = engine.run(FormTask{identity, run_genesis(), run_monmap().encode()}).status();
  }
  void open_store() {
    if (!status_.is_ok()) return;
    Result<std::unique_ptr<KeyValueDB>> db = home().open_current(small_buffers);
    status_ = db.status();
    if (!db) return;
    db_ = db->get();
    engine_ = std::make_unique<StoreEngine>(home(), std::make_unique<MonitorStore>(*std::move(db)),
                                            EngineOptions{.database = small_buffers});
  }
  // An engine for a directory that has no store yet.
  void open_nothing() {
    if (!status_.is_ok()) return;
    engine_ = std::make_unique<StoreEngine>(home(), nullptr, EngineOptions{.database = small_buffers});
  }
  // Copies the store, which ends with `accepted`, into a new one, and goes on with that. db() is gone then.
  void sync_from_itself(const LogEntry& accepted, bool keeps_evidence = false) {
    db_ = nullptr;
    constexpr uint64_t cookie = 1;
    run(OpenSnapshotTask{cookie, {}});
    run(CreateStoreTask{});
    bool is_last = false;
    while (!is_last && status_.is_ok()) {
      const TaskResult chunk = run(ReadChunkTask{cookie, 10'000, 100});
      if (!status_.is_ok()) return;
      is_last = std::get<ChunkRead>(chunk).is_last;
      run(WriteChunkTask{std::get<ChunkRead>(chunk).transaction, "record"});
    }
    run(VerifyTask{});
    run(SwitchTask{{accepted}, keeps_evidence});
  }
  // The same by a delta, with a store that it has cloned.
  void sync_with_its_clone(const LogEntry& accepted) {
    db_ = nullptr;
    constexpr uint64_t cookie = 1;
    run(CloneStoreTask{"record"});
    run(OpenSnapshotTask{cookie, {}});
    for (bool is_last = false; !is_last && status_.is_ok();) {
      const TaskResult read = run(ReadRangesTask{cookie, 10'000, 100});
      if (!status_.is_ok()) return;
      const auto& ranges = std::get<RangesRead>(read);
      const TaskResult compared = run(CompareRangesTask{ranges.after, ranges.ranges});
      if (!status_.is_ok()) return;
      EXPECT_TRUE(std::get<RangesCompared>(compared).differing.empty());
      const TaskResult chunk = run(SettleRangesTask{cookie, 1, {}});
      if (!status_.is_ok()) return;
      is_last = std::get<ChunkRead>(chunk).is_last;
      if (is_last) run(WriteChunkTask{std::get<ChunkRead>(chunk).transaction, "record"});
    }
    run(VerifyTask{});
    run(SwitchTask{{accepted}, false});
  }
  void end() {
    if (is_over_) return;
    is_over_ = true;
    disk_.end_life();
  }
  // Before this object is destroyed.
  void cut_power(PowerCut mode, SeededRandom& random) {
    is_over_ = true;
    disk_.cut_power(mode, random);
  }

 private:
  TaskResult run(const Task& task) {
    if (!status_.is_ok()) return status_;
    Result<TaskResult> done = engine_->run(task);
    status_ = done.status();
    if (!done) return status_;
    if (const auto* refused = std::get_if<Status>(&*done)) status_ = *refused;
    return *std::move(done);
  }

  MemberDisk& disk_;
  Result<std::unique_ptr<StoreHome>> home_;
  std::unique_ptr<StoreEngine> engine_;
  KeyValueDB* db_ = nullptr;  // of engine_
  Status status_;
  bool is_over_ = false;
};

}  // namespace synod::sim
