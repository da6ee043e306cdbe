#include "store/dir_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace synod {
namespace {

std::string lock_path(const std::string& dir) { return dir + "/lock"; }

// Names the process whose pid stands in the file, unless it is gone: then another one holds the lock and has not
// written its pid (yet).
Status in_use(const std::string& dir) {
  const Result<Bytes> text = read_file(lock_path(dir));
  const long pid = text ? std::strtol(text->c_str(), nullptr, 10) : 0;
  const bool is_known = pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
  return Status(Code::in_use, fmt::format("the data directory {} is in use by {}; stop it first", dir,
                                          is_known ? fmt::format("process {}", pid) : "another process"));
}

Status lock_file(const FileDescriptor& file, int operation, const std::string& dir) {
  while (::flock(file.get(), operation | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    return errno == EWOULDBLOCK ? in_use(dir) : errno_status("lock", lock_path(dir), errno);
  }
  return Status::ok();
}

}  // namespace

Result<DirLock> DirLock::take_exclusive(const std::string& dir) {
  DirLock lock;
  lock.file_ = FileDescriptor(::open(lock_path(dir).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.file_.is_open()) return errno_status("write to the data directory: open", lock_path(dir), errno);
  SYNOD_RETURN_IF_ERROR(lock_file(lock.file_, LOCK_EX, dir));
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock.file_.get(), 0) != 0 ||
      ::pwrite(lock.file_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return errno_status("write to", lock_path(dir), errno);
  }
  lock.is_exclusive_ = true;
  return lock;
}

Result<DirLock> DirLock::take_shared(const std::string& dir) {
  DirLock lock;
  lock.file_ = FileDescriptor(::open(lock_path(dir).c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock.file_.is_open() && errno == ENOENT) return lock;
  if (!lock.file_.is_open()) return errno_status("open", lock_path(dir), errno);
  SYNOD_RETURN_IF_ERROR(lock_file(lock.file_, LOCK_SH, dir));
  return lock;
}

DirLock::~DirLock() {
  // A pid that stays behind could be another process's by the time it is read.
  if (is_exclusive_ && file_.is_open()) static_cast<void>(::ftruncate(file_.get(), 0));
}

}  // namespace synod
