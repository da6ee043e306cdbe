#include "store/segments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "store/scrub_record.h"
#include "store/store_digest.h"
#include "store_helpers.h"

namespace synod {
namespace {

using Pairs = std::map<Bytes, Bytes>;

Bytes key(uint64_t number) { return "key-" + std::to_string(1'000'000 + number); }

Pairs some_pairs(uint64_t count) {
  Pairs pairs;
  for (uint64_t i = 0; i < count; ++i) pairs[key(i)] = "value-" + std::to_string(i);
  return pairs;
}

std::vector<Segment> segments_of(const Pairs& pairs) {
  std::vector<Segment> segments;
  SegmentDigester digester;
  for (const auto& [key, value] : pairs) {
    if (digester.add(key, value)) segments.push_back({key, digester.take()});
  }
  if (!digester.is_empty()) segments.push_back({pairs.rbegin()->first, digester.take()});
  return segments;
}

bool is_in(const std::vector<KeyRange>& ranges, const Bytes& key) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const KeyRange& range) {
    return key > range.after && (range.last_key.empty() || key <= range.last_key);
  });
}

std::vector<Bytes> keys_that_differ(const Pairs& a, const Pairs& b) {
  std::vector<Bytes> keys;
  for (const auto& [key, value] : a) {
    const auto other = b.find(key);
    if (other == b.end() || other->second != value) keys.push_back(key);
  }
  for (const auto& [key, value] : b) {
    if (a.count(key) == 0) keys.push_back(key);
  }
  return keys;
}

TEST(Segments, of_the_same_pairs_do_not_differ) {
  const std::vector<Segment> segments = segments_of(some_pairs(10'000));
  EXPECT_GT(segments.size(), 3U);
  EXPECT_TRUE(are_in_order(segments));
  EXPECT_EQ(differing_ranges(segments, segments), std::vector<KeyRange>{});
  EXPECT_EQ(differing_ranges({}, {}), std::vector<KeyRange>{});
}

TEST(Segments, one_changed_value_is_in_the_one_range_that_differs) {
  const Pairs a = some_pairs(10'000);
  Pairs b = a;
  b[key(7777)] = "another";
  const std::vector<KeyRange> ranges = differing_ranges(segments_of(a), segments_of(b));
  ASSERT_EQ(ranges.size(), 1U);
  EXPECT_TRUE(is_in(ranges, key(7777)));
  EXPECT_FALSE(is_in(ranges, key(0)));
}

TEST(Segments, the_ranges_have_every_key_that_differs_and_do_not_touch) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    const Pairs base = some_pairs(random() % 6000);
    Pairs a = base;
    Pairs b = base;
    for (uint64_t changes = random() % 4; changes > 0; --changes) {
      Pairs& changed = random() % 2 == 0 ? a : b;
      const Bytes at = key(random() % 7000);
      switch (random() % 4) {
        case 0: changed[at] = "changed"; break;
        case 1: changed.erase(at); break;
        case 2: changed.erase(changed.lower_bound(at), changed.end()); break;
        default: {  // a key that ends a segment
          const auto end = std::find_if(changed.lower_bound(at), changed.end(),
                                        [](const auto& pair) { return ends_segment(pair.first); });
          if (end != changed.end()) changed.erase(end);
        }
      }
    }
    const std::vector<KeyRange> ranges = differing_ranges(segments_of(a), segments_of(b));
    const std::vector<Bytes> keys = keys_that_differ(a, b);
    for (const Bytes& key : keys) EXPECT_TRUE(is_in(ranges, key)) << key;
    EXPECT_EQ(ranges.empty(), keys.empty());
    for (size_t i = 1; i < ranges.size(); ++i) EXPECT_LT(ranges[i - 1].last_key, ranges[i].after);
    EXPECT_EQ(ranges, differing_ranges(segments_of(b), segments_of(a)));
  }
}

TEST(Segments, make_the_digest_of_the_store) {
  const Pairs pairs = some_pairs(5000);
  StoreDigester digester;
  for (const auto& [key, value] : pairs) digester.add(key, value);
  EXPECT_EQ(digest_of(segments_of(pairs)), digester.finish());
}

// ---------------------------------------------------------------------------------------------- stored

ScrubRecord record_of(uint64_t version, size_t segments, size_t key_bytes) {
  ScrubRecord record{{Version(version), test::genesis().hash}, 77, {}};
  for (size_t i = 0; i < segments; ++i) {
    Bytes last_key = key(i);
    last_key.resize(std::max(key_bytes, last_key.size()), 'k');
    record.segments.push_back({last_key, digest_from(Bytes(16, static_cast<char>(i)))});
  }
  return record;
}

std::optional<ScrubRecord> stored_in(const MonitorStore& store) {
  const auto record = read_scrub_record(*store.db().new_iterator());
  EXPECT_TRUE(record) << record.error().message();
  return record ? *record : std::nullopt;
}

size_t local_keys(const MonitorStore& store) {
  const auto at = store.db().new_iterator(KeySpace::local);
  size_t count = 0;
  for (at->seek_to_first(); at->is_valid(); at->next()) ++count;
  return count;
}

TEST(ScrubRecord, is_kept_in_records_of_bounded_size_and_replaced_as_a_whole) {
  const auto store = test::new_memory_store();
  EXPECT_FALSE(stored_in(*store));
  const size_t before = local_keys(*store);
  for (const ScrubRecord& record :
       {record_of(3, 500, 1000), record_of(4, 2, 5), record_of(5, 0, 0), record_of(6, 3, 70'000)}) {
    ASSERT_TRUE(store->commit_local(replace_scrub_record(record), Durability::durable).is_ok());
    EXPECT_EQ(stored_in(*store), record);
    const auto at = store->db().new_iterator(KeySpace::local);
    for (at->seek_to_first(); at->is_valid(); at->next()) {
      EXPECT_LT(at->value().size(), segments_record_bytes + 71'000);
    }
  }
  EXPECT_EQ(local_keys(*store), before + 1 + 3) << "the head, and three keys that are larger than a record";
  ASSERT_TRUE(store->commit_local(erase_scrub_record(), Durability::durable).is_ok());
  EXPECT_FALSE(stored_in(*store));
  EXPECT_EQ(local_keys(*store), before);
}

TEST(ScrubRecord, that_is_not_whole_is_damage) {
  const ScrubRecord record = record_of(3, 500, 1000);
  const LocalTransaction whole = replace_scrub_record(record);
  for (size_t left_out = 1; left_out < whole.ops().size(); ++left_out) {
    const auto store = test::new_memory_store();
    ASSERT_TRUE(store->commit_local(whole, Durability::durable).is_ok());
    LocalTransaction damage;
    damage.erase(whole.ops()[left_out].key);
    ASSERT_TRUE(store->commit_local(damage, Durability::durable).is_ok());
    const auto found = read_scrub_record(*store->db().new_iterator());
    const bool is_head = whole.ops()[left_out].key == scrub_record_prefix;
    if (is_head) {
      EXPECT_TRUE(found && !found->has_value());
    } else {
      ASSERT_FALSE(found) << left_out;
      EXPECT_EQ(found.error().code(), Code::corruption);
    }
  }
}

}  // namespace
}  // namespace synod
