#include "tools/store_common.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "mon/daemon/unfinished_copy.h"
#include "store/data_dir.h"
#include "tools/exit_code.h"

namespace synod {

int fail_store_command(const Status& failure) {
  fmt::print(stderr, "synod-store: {}\n", failure.message());
  return failure.code() == Code::not_found ? exit_not_found : exit_usage;
}

Result<std::unique_ptr<MonitorStore>> open_stopped_store(const std::string& dir) {
  Result<std::unique_ptr<KeyValueDB>> db = open_read_only(dir);
  if (!db) return why_not_opened(dir, db.error());
  return std::make_unique<MonitorStore>(*std::move(db));
}

Status why_not_opened(const std::string& dir, const Status& failure) {
  if (failure.code() == Code::not_found) {
    const Result<std::unique_ptr<KeyValueDB>> unfinished = open_unfinished_read_only(dir);
    const auto copy = unfinished ? read_copy_record(**unfinished) : Result<std::optional<CopyRecord>>(failure);
    if (copy && *copy) return unfinished_sync(dir, **copy);
  }
  return {Code::io_error, failure.message()};
}

}  // namespace synod
