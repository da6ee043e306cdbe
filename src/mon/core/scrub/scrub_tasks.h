// What a scrub asks of the store: part of tasks.h, which includes it. All but the one on the writer are done on the
// reader, each a piece of bounded size, so that clients' reads wait for one piece at most. They are about the scrub of
// one version, which OpenScrub (store/monitor_store.h) has opened; if it is not open any more, the failure is
// `not_found`.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "msg/scrub_messages.h"
#include "store/key_range.h"

namespace synod {

// The next keys.
struct ReadScrubTask {
  Version version;
  size_t max_bytes = 0;
};
struct ScrubRead {
  Version version;
  Status failure;  // the store cannot be read
  uint64_t keys = 0;
  uint64_t bytes = 0;  // of keys and values
  bool is_last = false;
  Digest digest;  // of the whole store, with the last piece
};
// On the writer: stores the segments and their digests. REQUIRES: all keys were read.
struct KeepSegmentsTask {
  Version version;
};
struct SegmentsKept {
  Version version;
};
// For another member: segments, then the pairs of a range behind `after`.
struct ReadSegmentsTask {
  Version version;
  Bytes after;
  size_t max_bytes = 0;
};
struct ReadPairsTask {
  Version version;
  KeyRange range;
  size_t max_bytes = 0;
};
// What another member has told, to be compared with the own store: its segments, in order and piece by piece.
struct CompareSegmentsTask {
  ScrubSegments segments;
};
struct SegmentsCompared {
  Version version;
  Status failure;
  std::vector<KeyRange> ranges;  // with the last piece: in which the stores differ
};
// The pairs that it has in a range, behind what it told before.
struct ComparePairsTask {
  KeyRange range;
  ScrubPairs pairs;
  size_t keys_max = 0;  // of `keys` in the result
};
struct PairsCompared {
  Version version;
  Status failure;
  std::vector<Bytes> keys;  // that differ; the first of them
  uint64_t count = 0;       // of all of them
};
struct CloseScrubTask {
  Version version;
};
struct ScrubClosed {};

}  // namespace synod
