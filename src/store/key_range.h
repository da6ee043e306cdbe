// A run of keys. Plain data.
#pragma once

#include "base/bytes.h"

namespace synod {

// The keys behind `after` up to `last_key`; empty: from the first key, to the last.
struct KeyRange {
  Bytes after;
  Bytes last_key;

  // Of a key behind `after`: whether the range goes as far.
  bool reaches(ByteView key) const { return last_key.empty() || key <= last_key; }

  friend bool operator==(const KeyRange&, const KeyRange&) = default;
};

}  // namespace synod
