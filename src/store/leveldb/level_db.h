// A KeyValueDB on LevelDB 1.23.
//
// Every read verifies checksums; LevelDB runs with paranoid_checks, on plain iterators, without snapshots and without
// repair or manual compaction (doc/store.md says why). Iterators must not outlive the database.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/database_options.h"
#include "store/file_system.h"
#include "store/key_value_db.h"

namespace leveldb {
class Env;
}

namespace synod {

enum class OpenMode {
  existing,  // never makes a database
  create,    // fails if there is one
};

// HardenedEnv on the disk.
std::shared_ptr<leveldb::Env> make_disk_env(FileSystem& files = posix_files());
// The Env of posix_files().
std::shared_ptr<SyncingEnv> new_posix_env();

// `env` must keep the promises of HardenedEnv for `Durability` to hold; take a new one for each open. Fails with
// `corruption` if there is no database (mode existing) or if it is damaged, with `io_error` if it is open already.
Result<std::unique_ptr<KeyValueDB>> open_level_db(const std::string& path, const DatabaseOptions& options,
                                                  OpenMode mode, std::shared_ptr<leveldb::Env> env);

// A file of a database that is to be taken as if it ended after so many bytes.
struct FileCut {
  std::string path;
  uint64_t length = 0;
};

// Opens an existing database through an OverlayEnv: no byte below `path` changes, and no write permission is needed.
// commit() is refused. Takes no lock: the caller makes sure that nobody writes.
Result<std::unique_ptr<KeyValueDB>> open_level_db_read_only(const std::string& path, const DatabaseOptions& options,
                                                            const std::vector<FileCut>& cuts = {},
                                                            FileSystem& files = posix_files());

}  // namespace synod
