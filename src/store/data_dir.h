// A member's data directory: who may use it, which store in it is the current one, and the small records that live
// outside of the store. doc/store.md draws it.
//
//   DIR/lock             held (flock) by the process that uses the directory
//   DIR/identity.1, .2   the member's identity and promise, twice (TwinFile)
//   DIR/bound.1, .2      how far the current store is durable, twice (BoundFile)
//   DIR/CURRENT_STORE    the name of the current store, one line
//   DIR/store.N/         a LevelDB database; at most one other than the current one, while a sync fills it, and with it
//                        copy.1 and copy.2, which say how far (TwinFile)
//   DIR/evidence/        a store that was not what it should be, as it was; the newest (evidence.h)
//
// Not thread safe, but for what is said at a method. May block on the disk.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "store/bound_file.h"
#include "store/database_options.h"
#include "store/file_system.h"
#include "store/key_value_db.h"
#include "store/store_home.h"
#include "store/twin_file.h"

namespace synod {

class DataDir : public StoreHome {
 public:
  // For the daemon: makes the directory if it is missing, locks it exclusively, removes stores that a finished sync
  // left behind (but keeps the one that `CURRENT_STORE` names and the newest after it, which a sync may go on with, and
  // removes none while the former is missing: nothing then says which is garbage). What has no CURRENT of LevelDB's is
  // no store, here and below. Fails with `in_use` (naming the
  // holder's pid where the system tells) or with `io_error` (unwritable), each as one sentence that names the path.
  // `files` outlives the object.
  static Result<std::unique_ptr<DataDir>> open(const std::string& path, FileSystem& files = posix_files());
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  const std::string& path() const { return path_; }

  bool has_store() const override;
  Result<std::optional<Bytes>> read_identity() const override;
  Status write_identity(ByteView record) override;

  // Cuts off a torn tail of its logs (log_check.h), verifies that the store reaches its bound, and lets the bound cover
  // all that it holds.
  Result<std::unique_ptr<KeyValueDB>> open_current(const DatabaseOptions& options) override;
  Status write_bound(const Bound& bound) override;
  Result<NewStore> create_store(const DatabaseOptions& options) override;
  Result<NewStore> clone_current(const DatabaseOptions& options) override;
  Result<std::optional<NewStore>> open_unfinished(const DatabaseOptions& options) override;
  Status write_copy_record(ByteView record) override;
  Status remove_unfinished() override;
  Status keep_evidence() override;
  Status switch_to(const std::string& name, const Bound& bound) override;

 private:
  DataDir(FileSystem& files, std::string path, std::unique_ptr<FileSystem::Lock> lock);
  // The name of a store to be made beside the current one; what was there of another is removed.
  Result<std::string> make_room() const;
  // The database of a store that was just made; its name is durable from now on.
  Result<NewStore> keep_made(const std::string& name, Result<std::unique_ptr<KeyValueDB>> db);

  FileSystem& files_;
  std::string path_;
  std::unique_ptr<FileSystem::Lock> lock_;
  TwinFile identity_;
  BoundFile bound_;
  std::optional<TwinFile> copy_record_;  // of the store that was made or found, and is not the current one
};

// For tools: opens the current store of a stopped member's directory without changing a byte of it and without write
// permission. Fails with `in_use` while a daemon has it. The directory stays locked (shared) as long as the database
// lives. `dir` may also be a store by itself, as DIR/evidence is.
Result<std::unique_ptr<KeyValueDB>> open_read_only(const std::string& dir);
// How far the store has come that a sync has not finished (StoreHome::write_copy_record); nothing if there is none, or
// nothing says so. Changes nothing.
Result<std::optional<Bytes>> read_copy_record(const std::string& dir);
// For the tools' set and rm: as open_read_only, writable. Opens as the daemon does, numbers each batch and moves the
// bound; every commit is durable.
Result<std::unique_ptr<KeyValueDB>> open_for_repair(const std::string& dir);

}  // namespace synod
