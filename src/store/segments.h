// The segments of a store (store_digest.h), each with its digest: what two stores compare to find out where they differ
// without reading what does not. Pure.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "store/key_range.h"

namespace synod {

struct Segment {
  Bytes last_key;  // it begins behind the one before
  Digest digest;

  friend bool operator==(const Segment&, const Segment&) = default;
};

// Behind each other and in order, as segments are.
bool are_in_order(const std::vector<Segment>& segments);

// The digest of the store that is made of these: StoreDigester::finish of the same pairs.
Digest digest_of(const std::vector<Segment>& segments);

// The ranges of keys in which two stores with these segments may differ; outside of them they do not. In order, and no
// two of them touch. REQUIRES: both are in order.
std::vector<KeyRange> differing_ranges(const std::vector<Segment>& a, const std::vector<Segment>& b);

}  // namespace synod
