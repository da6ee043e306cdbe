#include "store/leveldb/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace synod {
namespace {

constexpr size_t buffer_bytes = 64 << 10;
constexpr uint64_t piece_bytes = 512 << 10;

// Some file systems write nothing back when they are asked to, and need not.
bool is_unsupported(int error) { return error == ESPIPE || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP; }

}  // namespace

// LevelDB does not close every file that it is done with.
AppendFile::~AppendFile() { static_cast<void>(Flush()); }

leveldb::Status AppendFile::error(int number) const { return leveldb::Status::IOError(name_, std::strerror(number)); }

leveldb::Status AppendFile::Append(const leveldb::Slice& data) {
  if (buffer_.size() + data.size() <= buffer_bytes) {
    buffer_.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  leveldb::Status flushed = Flush();
  if (!flushed.ok()) return flushed;
  if (data.size() > buffer_bytes) return write(data);
  buffer_.append(data.data(), data.size());
  return leveldb::Status::OK();
}

leveldb::Status AppendFile::Flush() {
  const leveldb::Status written = write(buffer_);
  buffer_.clear();
  return written;
}

leveldb::Status AppendFile::write(leveldb::Slice data) {
  while (!data.empty()) {
    const ssize_t n = ::write(file_.get(), data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return error(errno);
    data.remove_prefix(static_cast<size_t>(n));
    size_ += static_cast<size_t>(n);
  }
  return size_ - piece_ < piece_bytes ? leveldb::Status::OK() : write_back();
}

leveldb::Status AppendFile::write_back() {
  const auto range = [&](uint64_t from, uint64_t to, unsigned flags) {
    return ::sync_file_range(file_.get(), static_cast<off64_t>(from), static_cast<off64_t>(to - from), flags);
  };
  // An error of the disk that this call reports is not reported by a sync any more.
  if (range(piece_, size_, SYNC_FILE_RANGE_WRITE) != 0 && !is_unsupported(errno)) return error(errno);
  const unsigned wait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  if (piece_ > last_piece_ && range(last_piece_, piece_, wait) != 0 && !is_unsupported(errno)) return error(errno);
  last_piece_ = piece_;
  piece_ = size_;
  return leveldb::Status::OK();
}

leveldb::Status AppendFile::Sync() {
  leveldb::Status flushed = Flush();
  if (!flushed.ok()) return flushed;
  if (::fdatasync(file_.get()) != 0) return error(errno);
  last_piece_ = piece_ = size_;
  return leveldb::Status::OK();
}

leveldb::Status AppendFile::Close() {
  const leveldb::Status flushed = Flush();
  file_ = FileDescriptor();
  return flushed;
}

}  // namespace synod
