// An Env for reading a database without touching it: LevelDB writes when it opens (a table of what its log held, a new
// MANIFEST, CURRENT, its information log, its lock), and here all of that stays in memory. New files, renames and
// removals live in this object only; the directory below is opened for reading, never written.
//
// Compactions wait until end_background_work(), so that memory holds the recovered log (at most a few write buffers)
// and no rewritten tables. No thread is started, so a simulated disk below works as a real one. Thread safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "store/leveldb/syncing_env.h"

namespace synod {

class OverlayEnv final : public leveldb::EnvWrapper {
 public:
  // Keeps `base` alive and reads through it.
  explicit OverlayEnv(std::shared_ptr<leveldb::Env> base);

  // Runs the work that LevelDB has scheduled; it fails, since no file is made any more. To be called before the
  // database is closed, which waits for it.
  void end_background_work();

  // Lets a file below appear to end after `length` bytes. Before the database is opened.
  leveldb::Status cut(const std::string& name, uint64_t length);

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
  leveldb::Status LockFile(const std::string& name, leveldb::FileLock** lock) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;
  leveldb::Status NewLogger(const std::string& name, leveldb::Logger** result) override;
  void Schedule(void (*function)(void*), void* argument) override;

  struct MemoryFile;

 private:
  struct Removed {};
  struct Alias {
    std::string name;  // of a file below that was renamed here
  };
  using Entry = std::variant<Removed, Alias, std::shared_ptr<MemoryFile>>;

  // What stands under this name: a file in memory, the name of a file below, or Removed.
  Entry find(const std::string& name) const;

  std::shared_ptr<leveldb::Env> base_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // names that differ from the directory below
  bool is_ending_ = false;
  std::vector<std::pair<void (*)(void*), void*>> deferred_;
};

}  // namespace synod
