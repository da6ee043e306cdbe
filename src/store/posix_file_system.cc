#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "store/dir_lock.h"
#include "store/file_system.h"
#include "store/files.h"
#include "store/leveldb/level_db.h"

namespace synod {
namespace {

namespace fs = std::filesystem;

Status write_and_sync(const FileDescriptor& file, const std::string& path, ByteView bytes, int (*sync)(int) = ::fsync) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n = ::pwrite(file.get(), bytes.data() + written, bytes.size() - written, static_cast<off_t>(written));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_status("write", path, errno);
    written += static_cast<size_t>(n);
  }
  // Never again after a failure: the kernel may have dropped the pages, and a second call would report success.
  if (sync(file.get()) != 0) return errno_status("sync", path, errno);
  return Status::ok();
}

class HeldLock final : public FileSystem::Lock {
 public:
  explicit HeldLock(DirLock lock) : lock_(std::move(lock)) {}

 private:
  DirLock lock_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<Bytes> read_file(const std::string& path) override { return synod::read_file(path); }

  Status overwrite_and_sync(const std::string& path, ByteView bytes) override {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!file.is_open()) return errno_status("open for writing", path, errno);
    // Data alone, and a size that has changed: a rewrite of the same length costs no commit of the journal.
    return write_and_sync(file, path, bytes, ::fdatasync);
  }

  Status rewrite_and_sync(const std::string& path, ByteView bytes) override {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file.is_open()) return errno_status("create", path, errno);
    return write_and_sync(file, path, bytes);
  }

  Status truncate_and_sync(const std::string& path, uint64_t size) override {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.is_open()) return errno_status("open for writing", path, errno);
    if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) return errno_status("truncate", path, errno);
    return write_and_sync(file, path, {});
  }

  Status rename_file(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? Status::ok() : errno_status("rename to", to, errno);
  }

  Status link_file(const std::string& existing, const std::string& name) override {
    return ::link(existing.c_str(), name.c_str()) == 0 ? Status::ok() : errno_status("link to", name, errno);
  }

  Status sync_directory(const std::string& dir) override { return synod::sync_directory(dir); }

  bool exists(const std::string& path) override {
    std::error_code error;
    return fs::exists(path, error);
  }

  bool is_directory(const std::string& path) override {
    std::error_code error;
    return fs::is_directory(path, error);
  }

  Result<std::vector<std::string>> list(const std::string& dir) override {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(dir, error), end; !error && at != end; at.increment(error)) {
      names.push_back(at->path().filename().string());
    }
    if (error) return errno_status("list the directory", dir, error.value());
    return names;
  }

  Status make_directories(const std::string& path) override {
    std::error_code error;
    std::vector<fs::path> parents;  // of what is missing, innermost first
    for (fs::path at = fs::absolute(path, error).lexically_normal(); !fs::is_directory(at, error);) {
      if (!at.has_relative_path()) break;
      at = at.parent_path();
      parents.push_back(at);
    }
    if (parents.empty()) return Status::ok();
    fs::create_directories(path, error);
    if (error) return errno_status("create the data directory", path, error.value());
    for (auto parent = parents.rbegin(); parent != parents.rend(); ++parent) {
      SYNOD_RETURN_IF_ERROR(synod::sync_directory(parent->string()));
    }
    return Status::ok();
  }

  Status remove_tree(const std::string& path) override {
    std::error_code error;
    fs::remove_all(path, error);
    return error ? errno_status("remove", path, error.value()) : Status::ok();
  }

  Result<std::unique_ptr<Lock>> lock_directory(const std::string& dir) override {
    Result<DirLock> lock = DirLock::take_exclusive(dir);
    if (!lock) return lock.error();
    return std::unique_ptr<Lock>(std::make_unique<HeldLock>(*std::move(lock)));
  }

  std::shared_ptr<SyncingEnv> new_env() override { return new_posix_env(); }
};

}  // namespace

FileSystem& posix_files() {
  static PosixFileSystem files;
  return files;
}

}  // namespace synod
