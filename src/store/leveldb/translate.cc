#include "store/leveldb/translate.h"

#include <fmt/format.h>

#include <utility>

#include "store/files.h"

namespace synod {

Status translate(const leveldb::Status& status, const std::string& action, const std::string& path) {
  if (status.ok()) return Status::ok();
  std::string sentence = fmt::format("cannot {} the store {}: {}", action, path, status.ToString());
  return status.IsIOError() ? system_failure(std::move(sentence)) : Status(Code::corruption, std::move(sentence));
}

}  // namespace synod
