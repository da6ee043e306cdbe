#include "store/segments.h"

#include <algorithm>

#include "store/store_digest.h"

namespace synod {

bool are_in_order(const std::vector<Segment>& segments) {
  const auto is_out_of_order = [](const Segment& one, const Segment& next) { return one.last_key >= next.last_key; };
  const bool has_first = segments.empty() || !segments.front().last_key.empty();
  return has_first && std::adjacent_find(segments.begin(), segments.end(), is_out_of_order) == segments.end();
}

Digest digest_of(const std::vector<Segment>& segments) {
  StoreDigester digester;
  for (const Segment& segment : segments) digester.add_segment(segment.digest);
  return digester.finish();
}

std::vector<KeyRange> differing_ranges(const std::vector<Segment>& a, const std::vector<Segment>& b) {
  std::vector<KeyRange> ranges;
  Bytes common;  // up to here both have the same segments, or what differs is in `ranges`
  bool differs = false;
  const auto add_up_to = [&](const Bytes& last_key) {
    if (!ranges.empty() && ranges.back().last_key == common) {
      ranges.back().last_key = last_key;
    } else {
      ranges.push_back({common, last_key});
    }
  };
  auto at_a = a.begin();
  auto at_b = b.begin();
  while (at_a != a.end() && at_b != b.end()) {
    if (at_a->last_key != at_b->last_key) {
      // A key that ends a segment is in one of them only.
      differs = true;
      ++(at_a->last_key < at_b->last_key ? at_a : at_b);
      continue;
    }
    if (differs || at_a->digest != at_b->digest) add_up_to(at_a->last_key);
    differs = false;
    common = at_a->last_key;
    ++at_a;
    ++at_b;
  }
  if (differs || at_a != a.end() || at_b != b.end()) add_up_to({});
  return ranges;
}

}  // namespace synod
