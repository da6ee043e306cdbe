// The disk as LevelDB is to see it: LevelDB's own Env, but for
//   - reads: pread. LevelDB maps tables into memory, where a failing disk kills the process with SIGBUS;
//   - the lock of a database: flock, which belongs to the open file. LevelDB's fcntl lock belongs to the process, and
//     is lost when anything in the process opens and closes the file.
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
  // Fails if the file is locked, also by this process.
  leveldb::Status LockFile(const std::string& name, leveldb::FileLock** lock) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;
  leveldb::Status SyncDir(const std::string& dir) override;
};

}  // namespace synod
