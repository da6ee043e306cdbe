#include "tools/line_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace synod {

Result<LineReader> LineReader::open(const std::string& path) {
  if (path == "-") return LineReader(STDIN_FILENO, "standard input");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Status(Code::io_error, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  return LineReader(fd, path);
}

LineReader::LineReader(int fd, std::string name) : fd_(fd), name_(std::move(name)), start_(lseek(fd, 0, SEEK_CUR)) {
  struct stat info {};
  // Only a regular file can be read twice: a terminal may pretend to seek.
  if (fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) start_ = -1;
  if (start_ >= 0 && info.st_size > start_) total_bytes_ = static_cast<uint64_t>(info.st_size - start_);
}

LineReader::LineReader(LineReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      name_(std::move(other.name_)),
      buffer_(std::move(other.buffer_)),
      used_(other.used_),
      start_(other.start_),
      total_bytes_(other.total_bytes_),
      bytes_read_(other.bytes_read_),
      line_number_(other.line_number_) {}

LineReader::~LineReader() {
  if (fd_ > STDERR_FILENO) close(fd_);
}

bool LineReader::rewind() {
  if (start_ < 0 || lseek(fd_, start_, SEEK_SET) != start_) return false;
  buffer_.clear();
  used_ = bytes_read_ = line_number_ = 0;
  return true;
}

Result<bool> LineReader::fill() {
  constexpr size_t piece = 256 << 10;
  buffer_.erase(0, std::exchange(used_, 0));
  const size_t before = buffer_.size();
  buffer_.resize(before + piece);
  const ssize_t count = read(fd_, buffer_.data() + before, piece);
  const int error = errno;
  buffer_.resize(before + static_cast<size_t>(count > 0 ? count : 0));
  if (count >= 0) return count > 0;
  if (error == EINTR) return Status(Code::unavailable, fmt::format("reading {} was interrupted", name_));
  return Status(Code::io_error, fmt::format("cannot read {}: {}", name_, std::strerror(error)));
}

Result<std::optional<ByteView>> LineReader::next() {
  size_t searched = used_;
  size_t end = 0;
  while ((end = buffer_.find('\n', searched)) == Bytes::npos) {
    if (buffer_.size() - used_ > max_line_bytes) {
      return Status(Code::invalid_argument,
                    fmt::format("{}:{}: the line is longer than {} bytes", name_, line_number_ + 1, max_line_bytes));
    }
    searched = buffer_.size() - used_;
    const Result<bool> more = fill();
    if (!more) return more.error();
    if (*more) continue;
    if (buffer_.empty()) return std::optional<ByteView>();
    end = buffer_.size();
    break;
  }
  const ByteView line = ByteView(buffer_).substr(used_, end - used_);
  bytes_read_ += line.size() + (end < buffer_.size() ? 1 : 0);
  used_ = end < buffer_.size() ? end + 1 : end;
  ++line_number_;
  return std::optional<ByteView>(line);
}

}  // namespace synod
