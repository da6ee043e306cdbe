#include "store/store_digest.h"

#include <utility>

#include "base/assert.h"

namespace synod {

bool ends_segment(ByteView key) { return checksum64(key) % segment_keys == 0; }

bool SegmentDigester::add(ByteView key, ByteView value) {
  digester_.add(key).add(value);
  ++keys_;
  return ends_segment(key);
}

Digest SegmentDigester::take() {
  keys_ = 0;
  return std::exchange(digester_, Digester()).finish();
}

void StoreDigester::add(ByteView key, ByteView value) {
  if (segment_.add(key, value)) add_segment(segment_.take());
}

void StoreDigester::add_segment(const Digest& segment) {
  SYNOD_ASSERT(segment_.is_empty(), "segments follow each other");
  all_.add(segment.view());
}

Digest StoreDigester::finish() {
  if (!segment_.is_empty()) all_.add(segment_.take().view());
  return all_.finish();
}

}  // namespace synod
