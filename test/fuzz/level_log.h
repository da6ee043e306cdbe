// LevelDB's log files for the targets that read them: logs that LevelDB wrote, and the same format by hand. As in
// wire.h, checksums are made to fit, so that what lies behind them is reached.
#pragma once

#include <vector>

#include "base/bytes.h"

namespace synod::fuzz {

struct LevelFiles {
  Bytes log;       // the write-ahead log
  Bytes manifest;  // MANIFEST-N
};

// The files of a store with one batch for each size, which puts a value of so many bytes. The first batch has the
// number after `before`.
LevelFiles level_files(const std::vector<size_t>& value_sizes, uint64_t before = 0);

// The offset at which each record of a log ends.
std::vector<size_t> record_ends(ByteView log);

// A log of one record. REQUIRES: data.size() <= record_data_max.
inline constexpr size_t record_data_max = 32768 - 7;
Bytes log_of_record(ByteView data);

// The same bytes, with right checksums in all records and parts of records that they begin with.
Bytes with_right_log_checksums(Bytes log);

}  // namespace synod::fuzz
