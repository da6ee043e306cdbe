#include "store/store_names.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <system_error>

#include "base/escape.h"
#include "store/files.h"

namespace synod {
namespace {

constexpr char pointer_name[] = "CURRENT_STORE";
constexpr std::string_view prefix = "store.";

}  // namespace

std::optional<uint64_t> store_number(const std::string& name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  uint64_t number = 0;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + prefix.size(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

Result<std::string> read_current_store(const std::string& dir) {
  Result<Bytes> text = read_file(fmt::format("{}/{}", dir, pointer_name));
  if (!text) return text.error();
  const std::string name = text->substr(0, text->find('\n'));
  if (store_number(name) && text->size() == name.size() + 1) return name;
  return Status(Code::corruption, fmt::format("{}/{} names no store: it holds '{}'", dir, pointer_name, escape(*text)));
}

Status write_current_store(const std::string& dir, const std::string& name) {
  return replace_file(dir, pointer_name, name + "\n");
}

Result<std::vector<std::string>> list_stores(const std::string& dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(dir, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (store_number(name)) names.push_back(name);
  }
  if (error) return errno_status("list the directory", dir, error.value());
  return names;
}

Status remove_stores_except(const std::string& dir, const std::string& kept) {
  const Result<std::vector<std::string>> names = list_stores(dir);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (name == kept) continue;
    const std::string path = fmt::format("{}/{}", dir, name);
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return errno_status("remove the unused store", path, error.value());
  }
  return Status::ok();
}

}  // namespace synod
