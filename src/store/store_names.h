// The stores of a data directory: DIR/store.N, and the pointer DIR/CURRENT_STORE.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/file_system.h"

namespace synod {

// The number of a name of the form store.N; nothing for any other name.
std::optional<uint64_t> store_number(const std::string& name);

// What CURRENT_STORE names; `not_found` if there is no such file, `corruption` if it names no store.
Result<std::string> read_current_store(FileSystem& files, const std::string& dir);
// Durable, and in one step.
Status write_current_store(FileSystem& files, const std::string& dir, const std::string& name);

// The names store.N in the directory.
Result<std::vector<std::string>> list_stores(FileSystem& files, const std::string& dir);
// The newest store that is newer than this one; nothing if there is none. What has no CURRENT of LevelDB's is no store:
// it was never finished, or its removal was begun.
Result<std::optional<std::string>> newest_store_after(FileSystem& files, const std::string& dir,
                                                      const std::string& current);
// Removes every store but those `kept`. Each begins to go with its CURRENT, durably: however far this comes, and
// whatever a power cut brings back, it is a whole store or none. Does not sync the directory.
Status remove_stores_except(FileSystem& files, const std::string& dir, const std::vector<std::string>& kept);

}  // namespace synod
