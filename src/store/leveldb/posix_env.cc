#include "store/leveldb/posix_env.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "store/files.h"
#include "store/leveldb/append_file.h"

namespace synod {
namespace {

constexpr off_t removed_bytes = 1 << 20;  // of a file in one call
constexpr int merging_niceness = 10;      // a tenth of the share of a thread that is not nice

leveldb::Status error_of(const std::string& name, int error) {
  if (error == ENOENT) return leveldb::Status::NotFound(name, std::strerror(error));
  return leveldb::Status::IOError(name, std::strerror(error));
}

class PreadFile final : public leveldb::RandomAccessFile {
 public:
  PreadFile(std::string name, FileDescriptor file) : name_(std::move(name)), file_(std::move(file)) {}

  leveldb::Status Read(uint64_t offset, size_t size, leveldb::Slice* result, char* scratch) const override {
    size_t filled = 0;
    while (filled < size) {
      const ssize_t got = ::pread(file_.get(), scratch + filled, size - filled, static_cast<off_t>(offset + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        *result = leveldb::Slice(scratch, 0);
        return error_of(name_, errno);
      }
      if (got == 0) break;
      filled += static_cast<size_t>(got);
    }
    *result = leveldb::Slice(scratch, filled);
    return leveldb::Status::OK();
  }

 private:
  std::string name_;
  FileDescriptor file_;
};

class FlockLock final : public leveldb::FileLock {
 public:
  explicit FlockLock(FileDescriptor file) : file_(std::move(file)) {}

 private:
  FileDescriptor file_;
};

struct Work {
  void (*function)(void*);
  void* argument;
};

void run_behind_others(void* raw) {
  const std::unique_ptr<Work> work(static_cast<Work*>(raw));
  // Of this thread alone, once. Where that is not allowed, it stays as it is.
  [[maybe_unused]] static thread_local const int niceness = ::nice(merging_niceness);
  work->function(work->argument);
}

}  // namespace

leveldb::Status PosixEnv::NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** result) {
  *result = nullptr;
  FileDescriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return error_of(name, errno);
  *result = new PreadFile(name, std::move(file));
  return leveldb::Status::OK();
}

leveldb::Status PosixEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  FileDescriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.is_open()) return error_of(name, errno);
  *result = new AppendFile(name, std::move(file));
  return leveldb::Status::OK();
}

// LevelDB removes what nothing refers to any more, and has synced what says so.
leveldb::Status PosixEnv::RemoveFile(const std::string& name) {
  struct stat found {};
  if (::stat(name.c_str(), &found) == 0 && S_ISREG(found.st_mode) && found.st_nlink == 1) {
    for (off_t left = found.st_size - removed_bytes; left > 0; left -= removed_bytes) {
      if (::truncate(name.c_str(), left) != 0) break;
    }
  }
  return ::unlink(name.c_str()) == 0 ? leveldb::Status::OK() : error_of(name, errno);
}

leveldb::Status PosixEnv::LockFile(const std::string& name, leveldb::FileLock** lock) {
  *lock = nullptr;
  FileDescriptor file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file.is_open()) return error_of(name, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return leveldb::Status::IOError(name, "the database is already open, here or in another process");
  }
  *lock = new FlockLock(std::move(file));
  return leveldb::Status::OK();
}

leveldb::Status PosixEnv::UnlockFile(leveldb::FileLock* lock) {
  delete lock;
  return leveldb::Status::OK();
}

void PosixEnv::Schedule(void (*work)(void*), void* argument) {
  target()->Schedule(&run_behind_others, new Work{work, argument});
}

leveldb::Status PosixEnv::SyncDir(const std::string& dir) {
  const Status synced = sync_directory(dir);
  return synced.is_ok() ? leveldb::Status::OK() : leveldb::Status::IOError(synced.message());
}

}  // namespace synod
