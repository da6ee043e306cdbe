#include "mon/daemon/unfinished_copy.h"

#include <fmt/format.h>

namespace synod {

Result<std::optional<CopyRecord>> decode_copy_record(const std::optional<Bytes>& stored) {
  if (!stored) return std::optional<CopyRecord>();
  Result<CopyRecord> record = CopyRecord::decode(*stored);
  if (!record) return record.error();
  return std::optional<CopyRecord>(*std::move(record));
}

Status unfinished_sync(const std::string& dir, const CopyRecord& record) {
  return {Code::refused, fmt::format("{} holds an unfinished sync at chunk {}: synod-store sync --resume goes on with "
                                     "it",
                                     dir, record.chunks)};
}

}  // namespace synod
