// Descriptors, files and directories of the operating system: what posix_files(), DirLock and PosixEnv share. Errors
// are `io_error` (`not_found` where a missing file is said to be one, `exhausted` where there is no room) and name the
// path and the system's reason.
#pragma once

#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/status.h"

namespace synod {

// Owns a descriptor, closes it.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileDescriptor();

  bool is_open() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// Of a sentence with the system's text of an error at its end. If that is that there is no room, it says what to do.
Status system_failure(std::string sentence);
// "cannot <action> <path>: <text of error>".
Status errno_status(const std::string& action, const std::string& path, int error);

// The whole file; `not_found` if it does not exist.
Result<Bytes> read_file(const std::string& path);
// Makes the names in the directory durable.
Status sync_directory(const std::string& dir);

}  // namespace synod
