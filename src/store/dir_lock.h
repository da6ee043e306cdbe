// The lock of a data directory: flock on DIR/lock, which belongs to the open file, so that a second opening fails also
// within one process. The holder of the exclusive lock writes its pid into the file, for the message of whom it keeps
// out.
#pragma once

#include <string>

#include "base/status.h"
#include "store/files.h"

namespace synod {

class DirLock {
 public:
  // Makes the lock file if it is missing. Fails with `in_use`, or with `io_error`.
  static Result<DirLock> take_exclusive(const std::string& dir);
  // Needs no write permission and changes no byte. A directory without a lock file is one that nobody uses: the lock
  // is then empty.
  static Result<DirLock> take_shared(const std::string& dir);

  DirLock() = default;
  DirLock(DirLock&&) noexcept = default;
  DirLock& operator=(DirLock&&) noexcept = default;
  ~DirLock();

 private:
  FileDescriptor file_;
  bool is_exclusive_ = false;
};

}  // namespace synod
