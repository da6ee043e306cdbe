// A treacherous disk in memory, for one member: it outlives processes, loses in a power cut what was not synced, and
// fails when it is told to. DataDir, TwinFile, HardenedEnv and LevelDB run on it unchanged.
//
// Deterministic: the same calls, with the same seed, give the same answers and the same events. Not thread safe, and
// starts no thread: LevelDB's background work waits until DiskLife::drain().
//
// Everything that a process does to the disk goes through its DiskLife. When the life has ended, its handles (files,
// Envs, databases) may still be used and destroyed: each call fails, and neither disk nor observer notices.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/file_system.h"
#include "test/sim/disk/disk_faults.h"
#include "test/sim/disk/disk_tree.h"
#include "test/sim/scheduler.h"

namespace synod::sim {

class SimDisk;

// The disk as one process life sees it.
class DiskLife : public FileSystem, public std::enable_shared_from_this<DiskLife> {
 public:
  explicit DiskLife(SimDisk& disk) : disk_(&disk) {}

  Result<Bytes> read_file(const std::string& path) override;
  Status overwrite_and_sync(const std::string& path, ByteView bytes) override;
  Status rewrite_and_sync(const std::string& path, ByteView bytes) override;
  Status truncate_and_sync(const std::string& path, uint64_t size) override;
  Status rename_file(const std::string& from, const std::string& to) override;
  Status link_file(const std::string& existing, const std::string& name) override;
  Status sync_directory(const std::string& dir) override;
  bool exists(const std::string& path) override;
  bool is_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& dir) override;  // in order of name
  Status make_directories(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Result<std::unique_ptr<Lock>> lock_directory(const std::string& dir) override;
  std::shared_ptr<SyncingEnv> new_env() override;

  // LevelDB's background work: queued by its Env, run here, with what it queues itself. To be called after each open
  // and before each write of a database, and before one is closed: LevelDB waits for this work when it closes, and when
  // a write finds two tables of writes full. A write fills at most one, however large its batch is, so with an empty
  // queue before it, it never waits. REQUIRES: no call into LevelDB is on the stack.
  void drain() override;
  void schedule(void (*function)(void*), void* argument) { work_.emplace_back(function, argument); }

  SimDisk* disk() { return disk_; }  // null: the life has ended

 private:
  friend class SimDisk;
  Status write_and_sync(const DiskNodePtr& file, const std::string& path, ByteView bytes);

  SimDisk* disk_;
  std::deque<std::pair<void (*)(void*), void*>> work_;
};

class SimDisk {
 public:
  struct Options {
    bool is_strict = false;                     // as in DiskTree
    uint64_t seed = 1;                          // of what faults draw
    std::function<uint64_t()> now_micros = {};  // for LevelDB; none: always 0
  };
  explicit SimDisk(Options options) : SimDisk(options, DiskTree(options.is_strict)) {}
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;
  ~SimDisk() { end_life(); }

  // A process starts. Ends the life before.
  std::shared_ptr<DiskLife> start_life();
  // The process is gone, with its locks; what it has written stays. To be called before its objects are destroyed: a
  // destructor may sync, a process that is killed does not.
  void end_life();

  // Ends the life, and leaves what a power cut leaves. The disk is no longer frozen.
  CutReport cut_power(PowerCut mode, SeededRandom& random);
  // The power fails inside the n-th call that changes the disk (of all, from 1): it is done in part, and no call has an
  // effect any more until cut_power(). REQUIRES: n > changes(). 0: never.
  void freeze_at_call(uint64_t n) { freeze_at_ = n; }
  bool is_frozen() const { return is_frozen_; }
  uint64_t changes() const { return changes_; }
  uint64_t looks() const { return looks_; }

  void fail(const FaultSpec& spec) { faults_.add(spec); }
  void clear_faults() { faults_.clear(); }
  // Of all files; what goes beyond fails with no_space. 0: no bound.
  void set_capacity(uint64_t bytes) { capacity_ = bytes; }
  uint64_t used_bytes() const { return used_; }
  uint64_t now_micros() const { return options_.now_micros ? options_.now_micros() : 0; }

  // Told of each call of a living process before it is done, until the disk is frozen.
  void on_call(std::function<void(const DiskEvent&)> observer) { observer_ = std::move(observer); }

  // A disk of its own, as PowerCut::all_lost would leave this one; without faults, capacity and observer.
  std::unique_ptr<SimDisk> durable_copy() const;

  // What DiskLife and its Envs are made of.
  DiskError open(const std::string& path, DiskNodePtr& file);
  DiskError create(const std::string& path, DiskNodePtr& file);  // an existing file is kept
  DiskError read(const DiskNodePtr& file, uint64_t offset, size_t size, ByteView& bytes);
  DiskError write(const DiskNodePtr& file, uint64_t offset, ByteView bytes);
  DiskError truncate(const DiskNodePtr& file, uint64_t size);
  DiskError sync(const DiskNodePtr& file);
  DiskError rename(const std::string& from, const std::string& to);
  DiskError link(const std::string& existing, const std::string& name);
  DiskError remove(const std::string& path);  // a file or an empty directory
  DiskError make_directory(const std::string& path);
  DiskError sync_directory(const std::string& path);
  DiskError list(const std::string& path, std::vector<std::string>& names);
  DiskNodePtr find(const std::string& path) const { return is_frozen_ ? nullptr : tree_.find(path); }
  // A lock that is gone with the life.
  bool lock(const std::string& path) { return locks_.insert(path).second; }
  void unlock(const std::string& path) { locks_.erase(path); }

 private:
  SimDisk(Options options, DiskTree tree);
  struct Call {
    DiskCall kind;
    const std::string& path;
    FileClass file = FileClass::other;
    uint64_t offset = 0;
    ByteView bytes = {};
  };
  // Counts the call and tells of it. An error: the call fails, and a change is done in part if it can be.
  DiskError begin(const Call& call);

  Options options_;
  DiskTree tree_;
  SeededRandom random_;
  std::shared_ptr<DiskLife> life_;
  std::set<std::string> locks_;
  FaultPlan faults_;
  std::function<void(const DiskEvent&)> observer_;
  uint64_t capacity_ = 0;
  uint64_t used_ = 0;
  uint64_t changes_ = 0;
  uint64_t looks_ = 0;
  uint64_t freeze_at_ = 0;
  bool is_frozen_ = false;
};

}  // namespace synod::sim
