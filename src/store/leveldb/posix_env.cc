#include "store/leveldb/posix_env.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "store/files.h"

namespace synod {
namespace {

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

}  // namespace

leveldb::Status PosixEnv::NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** result) {
  *result = nullptr;
  FileDescriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return error_of(name, errno);
  *result = new PreadFile(name, std::move(file));
  return leveldb::Status::OK();
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

leveldb::Status PosixEnv::SyncDir(const std::string& dir) {
  const Status synced = sync_directory(dir);
  return synced.is_ok() ? leveldb::Status::OK() : leveldb::Status::IOError(synced.message());
}

}  // namespace synod
