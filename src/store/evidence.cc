#include "store/evidence.h"

#include <fmt/format.h>

#include "base/log.h"
#include "store/store_names.h"

namespace synod {
namespace {

constexpr char wanted_name[] = "evidence.of";
constexpr char kept_name[] = "evidence";

std::string in(const std::string& dir, const std::string& name) { return fmt::format("{}/{}", dir, name); }

}  // namespace

Status want_evidence(FileSystem& files, const std::string& dir, const std::string& store) {
  return replace_file(files, dir, wanted_name, store + "\n");
}

Status settle_evidence(FileSystem& files, const std::string& dir) {
  const Result<Bytes> wanted = files.read_file(in(dir, wanted_name));
  if (!wanted) return wanted.error().code() == Code::not_found ? Status::ok() : wanted.error();
  const std::string store = wanted->substr(0, wanted->find('\n'));
  const Result<std::string> current = read_current_store(files, dir);
  // It is still in use, or nothing says whether it is.
  if (!current || *current == store) return Status::ok();
  if (store_number(store) && files.is_directory(in(dir, store))) {
    SYNOD_RETURN_IF_ERROR(files.remove_tree(in(dir, kept_name)));
    SYNOD_RETURN_IF_ERROR(files.rename_file(in(dir, store), in(dir, kept_name)));
    log(LogLevel::warning, "{} is kept as {}", in(dir, store), in(dir, kept_name));
  }
  // Before it is forgotten that it was wanted: a rename that comes undone is done again.
  SYNOD_RETURN_IF_ERROR(files.sync_directory(dir));
  return files.remove_tree(in(dir, wanted_name));
}

bool is_bare_store(FileSystem& files, const std::string& dir) {
  return files.exists(in(dir, "CURRENT")) && !files.exists(in(dir, "CURRENT_STORE"));
}

}  // namespace synod
