// Reads the write-ahead logs of a store, and finds the first damage in them: bytes that are no record, a record that is
// no batch of ours, or a batch that does not follow the one before it. Pure; the files are read by log_check.h.
//
// Each commit to a store is one record, and puts its number under batch_sequence_key (monitor_store.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace synod {

struct WalFile {
  std::string name;
  Bytes bytes;
};

struct WalDamage {
  size_t file = 0;          // index of the file
  uint64_t offset = 0;      // where the first record begins that is not whole
  std::string what;         // in words
  bool ends_early = false;  // bytes are missing at the end of the last file: nothing else is wrong
};

struct WalScan {
  std::optional<uint64_t> last;     // sequence number of the last batch before the damage; nothing: there is none
  std::optional<WalDamage> damage;  // the first one
};

// `files` are those that LevelDB would recover, in the order of their numbers.
WalScan scan_wals(const std::vector<WalFile>& files);

// The sequence number that a record carries; nothing if it is no batch of a store.
std::optional<uint64_t> batch_sequence_of(ByteView record);

}  // namespace synod
