// What is stored beside a copy with every piece of it: where it stands, and what is told of it.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/status.h"
#include "msg/messages.h"

namespace synod {

struct CopyRecord {
  SyncCursor cursor;
  // It began as a copy of the own store: behind the cursor's last key are the keys of that.
  bool is_delta = false;
  uint64_t chunks = 0;
  uint64_t keys = 0;   // what was written, so a key may count twice
  uint64_t bytes = 0;  // of keys and values

  // Something was delivered, so the cursor says where it stands.
  bool has_begun() const { return chunks > 0; }

  Bytes encode() const;
  // Fails with `corruption`.
  static Result<CopyRecord> decode(ByteView record);
  friend bool operator==(const CopyRecord&, const CopyRecord&) = default;
};

}  // namespace synod
