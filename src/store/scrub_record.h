// What the last scrub has found in a store: the digest of each of its segments, as they were read from the disk at one
// version. Kept in the local space, in records of bounded size; doc/store.md has the form.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/log_entry.h"
#include "base/status.h"
#include "store/key_value_db.h"
#include "store/segments.h"

namespace synod {

// Before each key of it: behind it the records of segments have their number, put_fixed32.
inline constexpr ByteView scrub_record_prefix = "scrub_segments/";
// A record of segments ends when it has more bytes than this.
inline constexpr size_t segments_record_bytes = 64 << 10;

struct ScrubRecord {
  Position point;
  uint64_t keys = 0;
  std::vector<Segment> segments;

  friend bool operator==(const ScrubRecord&, const ScrubRecord&) = default;
};

// Puts it in place of the one before.
LocalTransaction replace_scrub_record(const ScrubRecord& record);
// To be part of whatever changes the store otherwise than the log does, and of what makes another store of it.
LocalTransaction erase_scrub_record();

// The one that is stored, if there is one. Fails with `corruption` if it is not whole.
Result<std::optional<ScrubRecord>> read_scrub_record(DbIterator& iterator);

// One record of segments.
Bytes encode_segments(const std::vector<Segment>& segments);
Result<std::vector<Segment>> decode_segments(ByteView stored);

}  // namespace synod
