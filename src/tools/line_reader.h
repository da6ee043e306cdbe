// Lines of a file, a pipe or a terminal, one at a time and bounded in size. Not thread safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace synod {

class LineReader {
 public:
  static constexpr size_t max_line_bytes = 64 << 20;

  // `path` of "-" is standard input, which stays open.
  static Result<LineReader> open(const std::string& path);
  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&&) = delete;
  ~LineReader();

  // Without its newline, valid until the next call; nothing at the end. The last line may lack the newline.
  // `unavailable` if a signal interrupted the reading; `invalid_argument` if a line is too long.
  Result<std::optional<ByteView>> next();
  // Of the line that next() returned, from 1.
  uint64_t line_number() const { return line_number_; }
  // Back to where it was opened; false if it cannot go back, as a pipe cannot.
  bool rewind();
  // Of all that is left from where it was opened, where that is known; else 0.
  uint64_t total_bytes() const { return total_bytes_; }
  // Of the lines returned since it was opened or rewound.
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  LineReader(int fd, std::string name);
  // False at the end of the input.
  Result<bool> fill();

  int fd_;
  std::string name_;
  Bytes buffer_;
  size_t used_ = 0;  // of buffer_
  int64_t start_;    // offset of the file when it was opened; -1 if it has none
  uint64_t total_bytes_ = 0;
  uint64_t bytes_read_ = 0;
  uint64_t line_number_ = 0;
};

}  // namespace synod
