#include "tools/store_common.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "mon/daemon/unfinished_copy.h"
#include "store/data_dir.h"
#include "store/twin_file.h"
#include "tools/exit_code.h"

namespace synod {
namespace {

// What a sync has begun in a directory that is no member's is not to be read, also if it has an older store. (A member
// has its old store, and goes on with its sync by itself.)
Status check_no_unfinished_copy(const std::string& dir) {
  const Result<std::optional<Bytes>> identity = TwinFile(posix_files(), dir, "identity").read();
  if (!identity || *identity) return Status::ok();
  const Result<std::optional<Bytes>> record = read_copy_record(dir);
  if (!record) return Status::ok();
  const Result<std::optional<CopyRecord>> copy = decode_copy_record(*record);
  return copy && *copy ? unfinished_sync(dir, **copy) : Status::ok();
}

template <class Open>
Result<std::unique_ptr<KeyValueDB>> open_checked(const std::string& dir, const Open& open) {
  SYNOD_RETURN_IF_ERROR(check_no_unfinished_copy(dir));
  Result<std::unique_ptr<KeyValueDB>> db = open(dir);
  if (db) return db;
  return Status(Code::io_error, db.error().message());
}

}  // namespace

int fail_store_command(const Status& failure) {
  fmt::print(stderr, "synod-store: {}\n", failure.message());
  return failure.code() == Code::not_found ? exit_not_found : exit_usage;
}

Result<std::unique_ptr<MonitorStore>> open_stopped_store(const std::string& dir) {
  Result<std::unique_ptr<KeyValueDB>> db = open_checked(dir, open_read_only);
  if (!db) return db.error();
  return std::make_unique<MonitorStore>(*std::move(db));
}

Result<std::unique_ptr<KeyValueDB>> open_stopped_store_for_repair(const std::string& dir) {
  return open_checked(dir, open_for_repair);
}

}  // namespace synod
