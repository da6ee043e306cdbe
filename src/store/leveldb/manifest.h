// Which write-ahead logs of a database are in use: its MANIFEST says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace synod {

struct ManifestState {
  // Logs with this number or a higher one are in use, and the one with the second number, if that is not zero.
  uint64_t log_number = 0;
  uint64_t previous_log_number = 0;
  uint64_t end = 0;    // of the last edit that is whole
  std::string damage;  // behind it, in words; empty if there is none

  bool uses_log(uint64_t number) const { return number >= log_number || number == previous_log_number; }
};

// Replays the edits of a MANIFEST as far as they are whole.
ManifestState read_manifest(ByteView manifest);

// The number of a write-ahead log by its file name (000123.log); nothing for any other name.
std::optional<uint64_t> wal_number(const std::string& file_name);

}  // namespace synod
