// Between LevelDB's words and ours.
#pragma once

#include <leveldb/slice.h>
#include <leveldb/status.h>

#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace synod {

inline ByteView to_view(const leveldb::Slice& slice) { return {slice.data(), slice.size()}; }
inline leveldb::Slice to_slice(ByteView view) { return {view.data(), view.size()}; }

// "cannot <action> the store <path>: ...". A file that LevelDB misses is corruption, for it was there once; that there
// is no room is `exhausted`.
Status translate(const leveldb::Status& status, const std::string& action, const std::string& path);

}  // namespace synod
