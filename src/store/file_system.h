// What a member's data directory needs of the operating system: the seam below which the simulator has its own disk.
// posix_files() is the real one. Everything that is kept outside of LevelDB goes through it, and LevelDB through
// new_env(), so that one implementation sees every call in order.
//
// Errors are as in files.h. Paths are as given by the caller; a directory stands in them without a slash at its
// end.
//
// Thread safe, but for two writers of one file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace synod {

class SyncingEnv;  // store/leveldb/syncing_env.h

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The whole file; `not_found` if it does not exist.
  virtual Result<Bytes> read_file(const std::string& path) = 0;
  // Writes `bytes` over the beginning of the file, which is made if missing, and syncs it. Does not shorten the file,
  // and does not sync the directory.
  virtual Status overwrite_and_sync(const std::string& path, ByteView bytes) = 0;
  // The same, and what the file held before is gone first.
  virtual Status rewrite_and_sync(const std::string& path, ByteView bytes) = 0;
  // Cuts an existing file to its first `size` bytes, and syncs it.
  virtual Status truncate_and_sync(const std::string& path, uint64_t size) = 0;
  // Replaces `to` in one step. Does not sync the directory.
  virtual Status rename_file(const std::string& from, const std::string& to) = 0;
  // A second name, in any directory of the same disk, for an existing file. Does not sync the directory.
  virtual Status link_file(const std::string& existing, const std::string& name) = 0;
  // Makes the names in the directory durable, not what stands in the files.
  virtual Status sync_directory(const std::string& dir) = 0;

  virtual bool exists(const std::string& path) = 0;
  virtual bool is_directory(const std::string& path) = 0;
  // The names in the directory, in no particular order, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& dir) = 0;
  // Makes the directory and its missing parents, durably. One that exists is no error.
  virtual Status make_directories(const std::string& path) = 0;
  // Removes the file or the directory with all that is in it. Does not sync the directory that held it.
  virtual Status remove_tree(const std::string& path) = 0;

  // Held until it is destroyed, or until the process ends.
  class Lock {
   public:
    virtual ~Lock() = default;
  };
  // Keeps every other process, and a second call in this one, out of the directory. Fails with `in_use`.
  virtual Result<std::unique_ptr<Lock>> lock_directory(const std::string& dir) = 0;

  // The same disk for one LevelDB, which wraps it in HardenedEnv.
  virtual std::shared_ptr<SyncingEnv> new_env() = 0;
  // Does what LevelDB has scheduled, where no thread does it: before a database is closed, which waits for it.
  virtual void drain() {}
};

// Puts a file with these bytes in place of `name` in the directory, durably; after a crash it is the old or the new.
Status replace_file(FileSystem& files, const std::string& dir, const std::string& name, ByteView bytes);

// The operating system's. Has no state.
FileSystem& posix_files();

}  // namespace synod
