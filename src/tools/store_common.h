// What the commands of synod-store share.
#pragma once

#include <memory>
#include <string>

#include "store/monitor_store.h"

namespace synod {

// Prints the failure; returns the exit code.
int fail_store_command(const Status& failure);

// Opens the store of a stopped member without changing it. Fails with one sentence, never with `not_found`, which is
// for keys.
Result<std::unique_ptr<MonitorStore>> open_stopped_store(const std::string& dir);
// The same for a repair.
Result<std::unique_ptr<KeyValueDB>> open_stopped_store_for_repair(const std::string& dir);

}  // namespace synod
