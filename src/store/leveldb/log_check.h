// Looks at the logs of a database before LevelDB does, and tells an honest torn tail from corruption.
//
// After a power cut the end of a log, which was not synced, may be anything: short, zeros, pages out of order. LevelDB
// refuses some of that, and skips some of it. Here everything from the first damage on is cut off, if what is left
// reaches the durable bound: then nothing depends on what is lost. If it does not, the disk has lost or changed what
// was synced, and nothing may be touched.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "store/file_system.h"
#include "store/leveldb/level_db.h"

namespace synod {

struct TornTail {
  std::vector<FileCut> cuts;  // in the order in which they are to be made; none: the logs are whole
  std::string description;    // file, offset, bytes, for the log
};

// `store` is the directory of a database that is not open; `bound` is the sequence number that it has to reach. Changes
// nothing. Fails with `corruption`, with a sentence that names the place.
Result<TornTail> find_torn_tail(FileSystem& files, const std::string& store, uint64_t bound);

// Makes the cuts, durably. Done again after a crash in between, it ends the same.
Status cut_torn_tail(FileSystem& files, const TornTail& tail);

}  // namespace synod
