// The Env of LevelDB on a SimDisk. Files are buffered as LevelDB's own Env buffers them: what was appended and not
// flushed is gone with the process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/leveldb/syncing_env.h"
#include "test/sim/disk/sim_disk.h"

namespace synod::sim {

class SimEnv final : public SyncingEnv {
 public:
  explicit SimEnv(std::shared_ptr<DiskLife> life) : SyncingEnv(nullptr), life_(std::move(life)) {}

  leveldb::Status NewSequentialFile(const std::string& name, leveldb::SequentialFile** result) override;
  leveldb::Status NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** result) override;
  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** result) override;
  leveldb::Status NewAppendableFile(const std::string& name, leveldb::WritableFile** result) override;
  bool FileExists(const std::string& name) override;
  leveldb::Status GetChildren(const std::string& dir, std::vector<std::string>* result) override;
  leveldb::Status RemoveFile(const std::string& name) override;
  leveldb::Status CreateDir(const std::string& dir) override;
  leveldb::Status RemoveDir(const std::string& dir) override;
  leveldb::Status GetFileSize(const std::string& name, uint64_t* size) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;
  leveldb::Status SyncDir(const std::string& dir) override;
  leveldb::Status LockFile(const std::string& name, leveldb::FileLock** lock) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;
  void Schedule(void (*function)(void*), void* argument) override { life_->schedule(function, argument); }
  void StartThread(void (*function)(void*), void* argument) override;
  leveldb::Status GetTestDirectory(std::string* path) override;
  leveldb::Status NewLogger(const std::string& name, leveldb::Logger** result) override;
  uint64_t NowMicros() override;
  void SleepForMicroseconds(int /*micros*/) override {}

 private:
  std::shared_ptr<DiskLife> life_;
};

}  // namespace synod::sim
