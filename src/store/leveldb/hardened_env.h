// The Env under every database of a member: closes the holes of LevelDB 1.23 that lose acknowledged writes
// (doc/store.md tells each with its scenario). It knows file names and the interface of Env only, so that the simulator
// runs it on a disk in memory.
//
//   H1  A write-ahead log (*.log) with unsynced bytes is synced when it is closed or destroyed. So log files become
//       durable in the order of their bytes, and a synced write makes everything before it durable.
//   H2  After the first failed creation, append, flush, sync or close of any file, or sync of a directory, nothing is
//       written, renamed or removed through this Env any more; each attempt returns that first failure. Reads go on.
//       (One failure for the whole Env, since a failed sync in a destructor has no other way to be seen.)
//   H3  The directory is synced after a write-ahead log was created, before an edit is appended to a MANIFEST (which
//       may name new tables), and after a rename to CURRENT.
//
// Thread safe, if the Env below is.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "store/leveldb/syncing_env.h"

namespace synod {

// The first failure, kept forever. Thread safe.
class FailureLatch {
 public:
  leveldb::Status get() const;
  // Keeps `status` if it is the first failure; returns it.
  leveldb::Status pass(leveldb::Status status);

 private:
  mutable std::mutex mutex_;
  leveldb::Status first_;
};

class HardenedEnv final : public SyncingEnv {
 public:
  // Keeps `base` alive.
  explicit HardenedEnv(std::shared_ptr<SyncingEnv> base);

  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** result) override;
  leveldb::Status NewAppendableFile(const std::string& name, leveldb::WritableFile** result) override;
  leveldb::Status RemoveFile(const std::string& name) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;
  leveldb::Status SyncDir(const std::string& dir) override;

  // OK, or the failure after which nothing is written any more (H2).
  leveldb::Status failure() const { return latch_->get(); }

 private:
  leveldb::Status wrap(const std::string& name, leveldb::WritableFile* file, leveldb::WritableFile** result);

  std::shared_ptr<SyncingEnv> base_;
  std::shared_ptr<FailureLatch> latch_;
};

}  // namespace synod
