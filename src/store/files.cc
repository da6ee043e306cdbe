#include "store/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace synod {
namespace {

Status write_all(const FileDescriptor& file, const std::string& path, ByteView bytes) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n = ::pwrite(file.get(), bytes.data() + written, bytes.size() - written, static_cast<off_t>(written));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_status("write", path, errno);
    written += static_cast<size_t>(n);
  }
  // Never again after a failure: the kernel may have dropped the pages, and a second call would report success.
  if (::fsync(file.get()) != 0) return errno_status("sync", path, errno);
  return Status::ok();
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status errno_status(const std::string& action, const std::string& path, int error) {
  return Status(Code::io_error, fmt::format("cannot {} {}: {}", action, path, std::strerror(error)));
}

Result<Bytes> read_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open() && errno == ENOENT) return Status(Code::not_found, fmt::format("{} does not exist", path));
  if (!file.is_open()) return errno_status("open", path, errno);
  Bytes bytes;
  char buffer[4096];
  while (true) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_status("read", path, errno);
    if (n == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(n));
  }
}

Status overwrite_and_sync(const std::string& path, ByteView bytes) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!file.is_open()) return errno_status("open for writing", path, errno);
  return write_all(file, path, bytes);
}

Status replace_file(const std::string& dir, const std::string& name, ByteView bytes) {
  const std::string path = dir + "/" + name;
  const std::string temporary = path + ".tmp";
  {
    const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file.is_open()) return errno_status("create", temporary, errno);
    SYNOD_RETURN_IF_ERROR(write_all(file, temporary, bytes));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_status("rename to", path, errno);
  return sync_directory(dir);
}

Status sync_directory(const std::string& dir) {
  const FileDescriptor file(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.is_open()) return errno_status("open the directory", dir, errno);
  if (::fsync(file.get()) != 0) return errno_status("sync the directory", dir, errno);
  return Status::ok();
}

}  // namespace synod
