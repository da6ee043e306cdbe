// The disk as LevelDB is to see it: LevelDB's own Env, but for
//   - reads: pread. LevelDB maps tables into memory, where a failing disk kills the process with SIGBUS;
//   - the lock of a database: flock, which belongs to the open file. LevelDB's fcntl lock belongs to the process, and
//     is lost when anything in the process opens and closes the file;
//   - writes, and the removal of large files: in pieces, so that no sync of a commit waits for all of it
//     (append_file.h);
//   - the thread that merges tables: a commit does not wait for it where processors are short.
//
// Thread safe.
#pragma once

#include <string>

#include "store/leveldb/syncing_env.h"

namespace synod {

class PosixEnv final : public SyncingEnv {
 public:
  PosixEnv() : SyncingEnv(leveldb::Env::Default()) {}

  leveldb::Status NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** result) override;
  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** result) override;
  // Empties the file first, unless it has another name.
  leveldb::Status RemoveFile(const std::string& name) override;
  // Fails if the file is locked, also by this process.
  leveldb::Status LockFile(const std::string& name, leveldb::FileLock** lock) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;
  void Schedule(void (*work)(void*), void* argument) override;
  leveldb::Status SyncDir(const std::string& dir) override;
};

}  // namespace synod
