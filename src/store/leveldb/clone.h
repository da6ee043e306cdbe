// A second database with what the first one has, for the price of its write-ahead logs.
#pragma once

#include <string>

#include "base/status.h"
#include "store/file_system.h"

namespace synod {

// Makes `to`, a directory that does not exist, a copy of the database in `from`, durably: its tables, which LevelDB
// never changes, by hard links, the small rest by bytes. The last of them is CURRENT, so that what a crash leaves is a
// whole database or none. REQUIRES: neither is open, and what `from` holds is durable.
Status clone_level_db(FileSystem& files, const std::string& from, const std::string& to);

}  // namespace synod
