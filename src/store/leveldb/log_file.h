// Reads LevelDB's log files, write-ahead logs and MANIFESTs, before LevelDB does, to say where damage is.
//
// The format, from LevelDB's own description (doc/log_format.md of its sources): blocks of 32 KiB, a block holds
// records of a masked CRC-32C (4 bytes), a length (2), a type (1) and the data; less than 7 bytes at the end of a block
// are filled with zeros. A type says whether the data is whole (FULL) or a FIRST, MIDDLE or LAST fragment. Numbers are
// little-endian. LevelDB's own reader is of no use here: it skips damage, also zeros, and goes on behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace synod {

class LogFileReader {
 public:
  // `file` is all of the file, and must outlive the reader.
  explicit LogFileReader(ByteView file) : file_(file) {}

  // The next whole record; nothing at the end of the file, or where the file is damaged.
  std::optional<Bytes> next();

  // What is wrong behind the last record that was read, in words; empty if nothing is.
  const std::string& damage() const { return damage_; }
  // The damage is that the file ends inside a record.
  bool ends_early() const { return ends_early_; }
  // Where the last record that was read begins and ends. What is cut off at such an end is a log without damage.
  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }

 private:
  struct Fragment {
    char type;
    ByteView data;
  };
  std::optional<Fragment> next_fragment();
  void fail(std::string what, bool ends_early = false);

  ByteView file_;
  size_t at_ = 0;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  std::string damage_;
  bool ends_early_ = false;
};

// As LevelDB does it: a checksum that is stored is masked, so that it is no checksum of data that holds checksums.
uint32_t masked_crc32c(ByteView bytes);

}  // namespace synod
