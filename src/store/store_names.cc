#include "store/store_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/escape.h"

namespace synod {
namespace {

constexpr char pointer_name[] = "CURRENT_STORE";
constexpr std::string_view prefix = "store.";

// LevelDB's name of the file that makes a directory a database: it writes that last, and reads it first.
std::string current_file(const std::string& store) { return store + "/CURRENT"; }

Status remove_store(FileSystem& files, const std::string& path) {
  if (!files.is_directory(path)) return files.remove_tree(path);
  if (files.exists(current_file(path))) SYNOD_RETURN_IF_ERROR(files.remove_tree(current_file(path)));
  // Also if it is gone: perhaps only the page cache of a process that ended here knows that.
  SYNOD_RETURN_IF_ERROR(files.sync_directory(path));
  return files.remove_tree(path);
}

}  // namespace

std::optional<uint64_t> store_number(const std::string& name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  uint64_t number = 0;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + prefix.size(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

Result<std::string> read_current_store(FileSystem& files, const std::string& dir) {
  Result<Bytes> text = files.read_file(fmt::format("{}/{}", dir, pointer_name));
  if (!text) return text.error();
  const std::string name = text->substr(0, text->find('\n'));
  if (store_number(name) && text->size() == name.size() + 1) return name;
  return Status(Code::corruption, fmt::format("{}/{} names no store: it holds '{}'", dir, pointer_name, escape(*text)));
}

Status write_current_store(FileSystem& files, const std::string& dir, const std::string& name) {
  return replace_file(files, dir, pointer_name, name + "\n");
}

Result<std::vector<std::string>> list_stores(FileSystem& files, const std::string& dir) {
  Result<std::vector<std::string>> names = files.list(dir);
  if (names) std::erase_if(*names, [](const std::string& name) { return !store_number(name); });
  return names;
}

Result<std::optional<std::string>> newest_store_after(FileSystem& files, const std::string& dir,
                                                      const std::string& current) {
  const Result<std::vector<std::string>> names = list_stores(files, dir);
  if (!names) return names.error();
  std::optional<std::string> newest;
  for (const std::string& name : *names) {
    const uint64_t highest = store_number(newest ? *newest : current).value_or(0);
    const bool is_newer = *store_number(name) > highest;
    if (is_newer && files.exists(current_file(fmt::format("{}/{}", dir, name)))) newest = name;
  }
  return newest;
}

Status remove_stores_except(FileSystem& files, const std::string& dir, const std::vector<std::string>& kept) {
  const Result<std::vector<std::string>> names = list_stores(files, dir);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const bool is_kept = std::find(kept.begin(), kept.end(), name) != kept.end();
    if (!is_kept) SYNOD_RETURN_IF_ERROR(remove_store(files, fmt::format("{}/{}", dir, name)));
  }
  return Status::ok();
}

}  // namespace synod
