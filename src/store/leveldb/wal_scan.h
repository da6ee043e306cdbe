// Reads the write-ahead logs of a store, and finds the first damage in them: bytes that are no record, a record that is
// no batch of ours, or a batch that does not follow the one before it. Pure; the files are read by log_check.h.
//
// Each commit to a store is one record, and puts its number under batch_sequence_key (monitor_store.h). A chunk of a
// copy has none, but follows by LevelDB's own count of operations.
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

struct WalBatch {
  uint64_t first = 0;  // LevelDB's number of its first operation; the next batch goes on behind its last one
  uint32_t operations = 0;
  std::optional<uint64_t> sequence;  // a chunk has none
};

// Nothing if the record is no batch.
std::optional<WalBatch> read_wal_batch(ByteView record);

}  // namespace synod
