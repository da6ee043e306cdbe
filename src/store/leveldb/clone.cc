#include "store/leveldb/clone.h"

#include <vector>

#include "store/leveldb/manifest.h"

namespace synod {
namespace {

constexpr char current_name[] = "CURRENT";

bool is_table(const std::string& name) { return name.ends_with(".ldb") || name.ends_with(".sst"); }
bool is_small(const std::string& name) { return wal_number(name).has_value() || name.starts_with("MANIFEST-"); }

}  // namespace

Status clone_level_db(FileSystem& files, const std::string& from, const std::string& to) {
  const Result<Bytes> current = files.read_file(from + "/" + current_name);
  if (!current) return current.error();
  const Result<std::vector<std::string>> names = files.list(from);
  if (!names) return names.error();
  SYNOD_RETURN_IF_ERROR(files.make_directories(to));
  for (const std::string& name : *names) {
    if (is_table(name)) {
      SYNOD_RETURN_IF_ERROR(files.link_file(from + "/" + name, to + "/" + name));
    } else if (is_small(name)) {
      const Result<Bytes> bytes = files.read_file(from + "/" + name);
      if (!bytes) return bytes.error();
      SYNOD_RETURN_IF_ERROR(files.rewrite_and_sync(to + "/" + name, *bytes));
    }
  }
  SYNOD_RETURN_IF_ERROR(files.sync_directory(to));
  return replace_file(files, to, current_name, *current);
}

}  // namespace synod
