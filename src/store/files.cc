#include "store/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace synod {

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status system_failure(std::string sentence) {
  for (const int error : {ENOSPC, EDQUOT}) {
    if (!sentence.ends_with(std::strerror(error))) continue;
    return Status(Code::exhausted, std::move(sentence) + "; make room there and start again");
  }
  return Status(Code::io_error, std::move(sentence));
}

Status errno_status(const std::string& action, const std::string& path, int error) {
  return system_failure(fmt::format("cannot {} {}: {}", action, path, std::strerror(error)));
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

Status sync_directory(const std::string& dir) {
  const FileDescriptor file(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.is_open()) return errno_status("open the directory", dir, errno);
  if (::fsync(file.get()) != 0) return errno_status("sync the directory", dir, errno);
  return Status::ok();
}

}  // namespace synod
