// Files and directories of the operating system, for what this folder keeps outside of LevelDB. Errors are `io_error`
// (`not_found` where a missing file is said to be one) and name the path and the system's reason.
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

// "cannot <action> <path>: <text of error>".
Status errno_status(const std::string& action, const std::string& path, int error);

// The whole file; `not_found` if it does not exist.
Result<Bytes> read_file(const std::string& path);
// Writes `bytes` over the beginning of the file, which is made if missing, and syncs it. Does not shorten the file, and
// does not sync the directory.
Status overwrite_and_sync(const std::string& path, ByteView bytes);
// Puts a file with these bytes in place of `name` in the directory, durably; after a crash it is the old or the new.
Status replace_file(const std::string& dir, const std::string& name, ByteView bytes);
// Makes the names in the directory durable.
Status sync_directory(const std::string& dir);

}  // namespace synod
