#include "store/store_digest.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace synod {
namespace {

using Pairs = std::map<Bytes, Bytes>;

Pairs some_pairs(int count) {
  Pairs pairs;
  for (int i = 0; i < count; ++i) pairs["key-" + std::to_string(i)] = "value-" + std::to_string(i);
  return pairs;
}

Digest digest_of(const Pairs& pairs) {
  StoreDigester digester;
  for (const auto& [key, value] : pairs) digester.add(key, value);
  return digester.finish();
}

std::vector<Digest> segments_of(const Pairs& pairs) {
  std::vector<Digest> segments;
  SegmentDigester segment;
  for (const auto& [key, value] : pairs) {
    if (segment.add(key, value)) segments.push_back(segment.take());
  }
  if (!segment.is_empty()) segments.push_back(segment.take());
  return segments;
}

TEST(StoreDigest, is_made_of_its_segments) {
  const Pairs pairs = some_pairs(10'000);
  const std::vector<Digest> segments = segments_of(pairs);
  EXPECT_GT(segments.size(), 3U);
  EXPECT_LT(segments.size(), 40U);
  StoreDigester whole;
  for (const Digest& segment : segments) whole.add_segment(segment);
  EXPECT_EQ(whole.finish(), digest_of(pairs));
}

TEST(StoreDigest, a_change_of_one_pair_changes_its_segment_and_the_digest) {
  const Pairs pairs = some_pairs(10'000);
  const std::vector<Digest> before = segments_of(pairs);
  Pairs changed = pairs;
  changed["key-777"] = "another value";
  const std::vector<Digest> after = segments_of(changed);
  ASSERT_EQ(after.size(), before.size());
  size_t different = 0;
  for (size_t i = 0; i < before.size(); ++i) different += before[i] != after[i];
  EXPECT_EQ(different, 1U);
  EXPECT_NE(digest_of(changed), digest_of(pairs));
}

TEST(StoreDigest, of_nothing_and_of_one_pair_are_not_the_same) {
  EXPECT_NE(digest_of({}), digest_of({{"", ""}}));
  EXPECT_NE(digest_of({{"a", "bc"}}), digest_of({{"ab", "c"}}));
}

TEST(StoreDigest, what_is_taken_leaves_nothing_behind) {
  SegmentDigester segment;
  segment.add("a", "1");
  const Digest first = segment.take();
  EXPECT_TRUE(segment.is_empty());
  segment.add("a", "1");
  EXPECT_EQ(segment.keys(), 1U);
  EXPECT_EQ(segment.take(), first);
}

}  // namespace
}  // namespace synod
