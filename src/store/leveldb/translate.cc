#include "store/leveldb/translate.h"

#include <fmt/format.h>

namespace synod {

Status translate(const leveldb::Status& status, const std::string& action, const std::string& path) {
  if (status.ok()) return Status::ok();
  const Code code = status.IsIOError() ? Code::io_error : Code::corruption;
  return Status(code, fmt::format("cannot {} the store {}: {}", action, path, status.ToString()));
}

}  // namespace synod
