// compare --quick: on the digests that the last scrub has stored.
#include <gtest/gtest.h>

#include "store/compare.h"
#include "store/scrub_record.h"
#include "store/store_digest.h"
#include "store_helpers.h"

namespace synod {
namespace {

using test::History;
using test::new_memory_store;
using test::put;
using test::shared;
using test::tamper;
using Lines = std::vector<std::string>;

Bytes key(uint64_t number) { return "key-" + std::to_string(100'000 + number); }

// Version 1 puts 5,000 keys; each later one a few.
History history_of(int length) {
  History history;
  ReplicatedTransaction all;
  for (uint64_t i = 0; i < 5000; ++i) all.put(key(i), shared("value"));
  history.add(all);
  for (int i = 2; i <= length; ++i) history.add(put(key(static_cast<uint64_t>(i) * 37), "of " + std::to_string(i)));
  return history;
}

// What a scrub at the present position stores.
void scrub(MonitorStore& store) {
  ScrubRecord record{*store.applied(), 0, {}};
  SegmentDigester digester;
  Bytes last;
  const auto at = store.db().new_iterator(KeySpace::replicated);
  for (at->seek_to_first(); at->is_valid(); at->next()) {
    last = Bytes(at->key());
    if (digester.add(last, at->value())) record.segments.push_back({last, digester.take()});
  }
  if (!digester.is_empty()) record.segments.push_back({last, digester.take()});
  ASSERT_TRUE(store.commit_local(replace_scrub_record(record), Durability::durable).is_ok());
}

std::unique_ptr<MonitorStore> store_at(const History& history, uint64_t version) {
  auto store = new_memory_store();
  history.apply(*store, 0, version);
  return store;
}

struct Quick {
  Result<QuickComparison> result;
  Lines lines;
};

Quick compare(const MonitorStore& a, const MonitorStore& b) {
  Lines lines;
  Result<QuickComparison> result = compare_quick(a, b, [&](const Difference& difference) {
    const char* kind = difference.kind == DifferenceKind::differs     ? "differs "
                       : difference.kind == DifferenceKind::only_in_a ? "only_in_a "
                                                                      : "only_in_b ";
    lines.push_back(kind + Bytes(difference.key));
  });
  return {std::move(result), std::move(lines)};
}

TEST(CompareQuick, trusts_equal_digests_and_reads_nothing) {
  const History history = history_of(10);
  const auto a = store_at(history, 5);
  const auto b = store_at(history, 5);
  scrub(*a);
  scrub(*b);
  history.apply(*a, 5, 7);
  history.apply(*b, 5, 10);
  tamper(*b, put(key(4000), "changed since"));  // which is what it does not see
  const Quick quick = compare(*a, *b);
  ASSERT_TRUE(quick.result) << quick.result.error().message();
  EXPECT_EQ(quick.result->point, history.at(5).position());
  EXPECT_EQ(quick.result->ranges_read, 0U);
  EXPECT_GT(quick.result->segments, 2U);
  EXPECT_TRUE(quick.result->compared.is_equal());
  EXPECT_EQ(quick.result->compared.keys_compared, 0U);
  EXPECT_TRUE(quick.lines.empty());
}

TEST(CompareQuick, reads_where_the_digests_differ_and_names_the_keys) {
  const History history = history_of(10);
  const auto a = store_at(history, 5);
  const auto b = store_at(history, 5);
  tamper(*b, put(key(4000), "rotten"));
  tamper(*b, put("key-1040000", "more"));
  scrub(*a);
  scrub(*b);
  history.apply(*a, 5, 10);
  const Quick quick = compare(*a, *b);
  ASSERT_TRUE(quick.result) << quick.result.error().message();
  EXPECT_EQ(quick.lines, (Lines{"differs " + key(4000), "only_in_b key-1040000"}));
  EXPECT_LT(quick.result->compared.keys_compared, 5000U) << "the rest is not read";
  EXPECT_GT(quick.result->segments, 0U);
}

TEST(CompareQuick, what_the_log_has_put_right_since_is_not_different_any_more) {
  const History history = history_of(10);
  const auto a = store_at(history, 5);
  const auto b = store_at(history, 5);
  tamper(*b, put(key(7 * 37), "rotten"));
  scrub(*a);
  scrub(*b);
  history.apply(*a, 5, 7);
  for (const uint64_t version : {6, 8}) {  // before the key is put again, and after
    const auto later = store_at(history, 5);
    tamper(*later, put(key(7 * 37), "rotten"));
    scrub(*later);
    history.apply(*later, 5, version);
    const Quick quick = compare(*a, *later);
    ASSERT_TRUE(quick.result) << quick.result.error().message();
    EXPECT_EQ(quick.result->ranges_read, 1U);
    EXPECT_TRUE(quick.result->compared.is_equal()) << "rolled forward to version 7, or overwritten by it";
  }
}

void expect_refused(const MonitorStore& a, const MonitorStore& b, const std::string& why) {
  const Quick quick = compare(a, b);
  ASSERT_FALSE(quick.result);
  EXPECT_EQ(quick.result.error().code(), Code::refused);
  EXPECT_NE(quick.result.error().message().find(why), std::string::npos) << quick.result.error().message();
}

TEST(CompareQuick, says_why_it_cannot_tell) {
  const History history = history_of(10);
  const auto a = store_at(history, 5);
  const auto b = store_at(history, 5);
  scrub(*a);
  expect_refused(*a, *b, "B has no stored digests");
  expect_refused(*b, *a, "A has no stored digests");
  history.apply(*b, 5, 6);
  scrub(*b);
  expect_refused(*a, *b, "A has digests of version 5, B of 6");
  const auto trimmed = store_at(history, 5);
  scrub(*trimmed);
  history.apply(*trimmed, 5, 10);
  const StoreWrites trim{EraseEntries{Version(1), Version(9)}};
  ASSERT_TRUE(trimmed->commit({&trim}, Durability::durable).is_ok());
  expect_refused(*a, *trimmed, "does not hold version 6");
  History other = history_of(5);
  other.add(put("key", "another history"));
  const auto apart = store_at(other, 5);
  scrub(*apart);
  other.apply(*apart, 5, 6);
  const auto here = store_at(history, 5);
  scrub(*here);
  history.apply(*here, 5, 6);
  expect_refused(*here, *apart, "histories differ");
}

}  // namespace
}  // namespace synod
