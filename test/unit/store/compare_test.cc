#include "store/compare.h"

#include <gtest/gtest.h>

#include <random>

#include "store/data_dir.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::History;
using test::new_memory_store;
using test::put;
using test::shared;
using test::tamper;
using Lines = std::vector<std::string>;

struct Seen {
  Comparison result;
  Lines lines;
};

Seen compare(const MonitorStore& a, const MonitorStore& b) {
  Seen seen;
  const Result<Comparison> result = compare_stores(a, b, [&](const Difference& difference) {
    const char* kind = difference.kind == DifferenceKind::differs     ? "differs "
                       : difference.kind == DifferenceKind::only_in_a ? "only_in_a "
                                                                      : "only_in_b ";
    seen.lines.push_back(kind + Bytes(difference.key) + " " + Bytes(difference.value_a) + "|" +
                         Bytes(difference.value_b));
  });
  EXPECT_TRUE(result) << result.error().to_string();
  if (result) seen.result = *result;
  return seen;
}

History history_of(int length) {
  History history;
  for (int i = 1; i <= length; ++i) history.add(put("key" + std::to_string(100 + i), "v" + std::to_string(i)));
  return history;
}

TEST(Compare, stores_of_one_history_are_equal_and_counted) {
  const History history = history_of(10);
  const auto a = new_memory_store();
  const auto b = new_memory_store();
  history.apply(*a, 0, 10);
  history.apply(*b, 0, 10);
  const Seen seen = compare(*a, *b);
  EXPECT_TRUE(seen.result.is_equal());
  EXPECT_TRUE(seen.lines.empty());
  EXPECT_EQ(seen.result.caveat, "");
  EXPECT_FALSE(seen.result.rolled_forward);
  EXPECT_EQ(seen.result.keys_compared, 11u);
  EXPECT_EQ(seen.result.applied_a, history.at(10).position());
  uint64_t bytes = 0;
  ASSERT_TRUE(a->new_reader()
                  ->scan("", "",
                         [&](ByteView key, ByteView value) {
                           bytes += key.size() + value.size();
                           return true;
                         })
                  .is_ok());
  EXPECT_EQ(seen.result.bytes_compared, 2 * bytes);
}

TEST(Compare, names_exactly_what_was_changed_in_key_order) {
  const History history = history_of(10);
  const auto a = new_memory_store();
  const auto b = new_memory_store();
  history.apply(*a, 0, 10);
  history.apply(*b, 0, 10);
  ReplicatedTransaction change;
  change.put("key105", shared("rot"));
  change.erase("key102");
  change.put("aaa", shared("extra"));
  change.put("zzz", shared(""));
  tamper(*b, change);
  const Seen seen = compare(*a, *b);
  EXPECT_EQ(seen.lines,
            (Lines{"only_in_b aaa |extra", "only_in_a key102 v2|", "differs key105 v5|rot", "only_in_b zzz |"}));
  EXPECT_EQ(seen.result.differing, 1u);
  EXPECT_EQ(seen.result.only_in_a, 1u);
  EXPECT_EQ(seen.result.only_in_b, 2u);
  EXPECT_EQ(seen.result.keys_compared, 13u);
  EXPECT_EQ(compare(*b, *a).lines,
            (Lines{"only_in_a aaa extra|", "only_in_b key102 |v2", "differs key105 rot|v5", "only_in_a zzz |"}));
}

TEST(Compare, the_older_store_is_rolled_forward_in_memory) {
  History history = history_of(10);
  ReplicatedTransaction change;
  change.erase_range("key103", "key106");
  change.put("key104", shared("back"));
  change.erase("key101");
  history.add(change);
  history.add(put("new", "n"));
  const auto older = new_memory_store();
  const auto newer = new_memory_store();
  history.apply(*older, 0, 7);
  history.apply(*newer, 0, 12);
  const auto before = test::dump(older->db());
  const Seen seen = compare(*older, *newer);
  EXPECT_EQ(seen.lines, Lines{});
  EXPECT_EQ(seen.result.caveat, "");
  ASSERT_TRUE(seen.result.rolled_forward);
  EXPECT_EQ(seen.result.rolled_forward->store, StoreSide::a);
  EXPECT_EQ(seen.result.rolled_forward->from, Version(7));
  EXPECT_EQ(seen.result.rolled_forward->to, Version(12));
  EXPECT_EQ(test::dump(older->db()), before);
  const Seen swapped = compare(*newer, *older);
  EXPECT_TRUE(swapped.result.is_equal());
  EXPECT_EQ(swapped.result.rolled_forward->store, StoreSide::b);
}

TEST(Compare, damage_is_found_also_after_rolling_forward) {
  const History history = history_of(10);
  const auto older = new_memory_store();
  const auto newer = new_memory_store();
  history.apply(*older, 0, 5);
  history.apply(*newer, 0, 10);
  tamper(*older, put("key103", "rot"));
  ReplicatedTransaction erased;
  erased.erase("key109");
  tamper(*newer, erased);
  EXPECT_EQ(compare(*older, *newer).lines, (Lines{"differs key103 rot|v3", "only_in_a key109 v9|"}));
}

TEST(Compare, a_log_that_starts_too_late_is_said_and_the_stores_are_compared_as_they_are) {
  const History history = history_of(10);
  const auto older = new_memory_store();
  const auto newer = new_memory_store();
  history.apply(*older, 0, 5);
  history.apply(*newer, 0, 10);
  const StoreWrites trim{EraseEntries{Version(0), Version(7)}};
  ASSERT_TRUE(newer->commit({&trim}, Durability::durable).is_ok());
  const Seen seen = compare(*older, *newer);
  EXPECT_FALSE(seen.result.rolled_forward);
  EXPECT_NE(seen.result.caveat.find("does not hold version 6"), std::string::npos) << seen.result.caveat;
  EXPECT_EQ(seen.result.only_in_b, 5u);
  EXPECT_EQ(seen.result.differing, 1u) << "the applied position";
}

TEST(Compare, diverged_histories_are_said) {
  const History one = history_of(10);
  History other;
  for (int i = 1; i <= 8; ++i) other.add(put("key" + std::to_string(100 + i), "w"));
  const auto a = new_memory_store();
  const auto b = new_memory_store();
  one.apply(*a, 0, 10);
  other.apply(*b, 0, 8);
  const Seen seen = compare(*a, *b);
  EXPECT_FALSE(seen.result.rolled_forward);
  EXPECT_NE(seen.result.caveat.find("histories differ"), std::string::npos) << seen.result.caveat;
  const auto c = new_memory_store();
  one.apply(*c, 0, 8);
  EXPECT_NE(compare(*b, *c).result.caveat.find("at version 8, but their histories differ"), std::string::npos);
}

TEST(Compare, a_corrupt_log_entry_is_an_error_and_not_a_difference) {
  const History history = history_of(10);
  const auto older = new_memory_store();
  const auto newer = new_memory_store();
  history.apply(*older, 0, 5);
  history.apply(*newer, 0, 10);
  LogEntry bad = history.at(8);
  bad.value = shared("\x01");
  const StoreWrites writes{PutEntry{bad}};
  ASSERT_TRUE(newer->commit({&writes}, Durability::durable).is_ok());
  const Result<Comparison> result = compare_stores(*older, *newer, [](const Difference&) {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::corruption);
}

TEST(Compare, random_histories_roll_forward_to_equality_from_every_version) {
  std::mt19937 random(3);
  History history;
  for (int i = 0; i < 30; ++i) {
    ReplicatedTransaction value;
    for (int n = 0; n < 5; ++n) {
      const Bytes key = std::to_string(random() % 30);
      switch (random() % 5) {
        case 0: value.erase(key); break;
        case 1: value.erase_range(key, std::to_string(random() % 30)); break;
        case 2:
          if (random() % 10 == 0) value.erase_range(key, "");
          break;
        default: value.put(key, shared(std::to_string(random())));
      }
    }
    history.add(value);
  }
  const auto newer = new_memory_store();
  history.apply(*newer, 0, 30);
  const auto older = new_memory_store();
  for (uint64_t version = 0; version < 30; ++version) {
    const Seen seen = compare(*older, *newer);
    EXPECT_EQ(seen.lines, Lines{}) << "from version " << version;
    EXPECT_TRUE(seen.result.rolled_forward);
    history.apply(*older, version, version + 1);
  }
}

TEST(Compare, works_on_read_only_data_directories) {
  const test::TempDir temp;
  const History history = history_of(10);
  uint64_t versions = 10;
  for (const std::string name : {"a", "b"}) {
    const auto dir = DataDir::open(temp / name);
    ASSERT_TRUE(dir);
    auto made = (*dir)->create_store({});
    ASSERT_TRUE(made);
    MonitorStore store(std::move(made->db));
    ASSERT_TRUE(store.initialize(test::genesis(), {}).is_ok());
    history.apply(store, 0, versions--);
    ASSERT_TRUE((*dir)->switch_to(made->name, *read_bound(*store.db().new_iterator())).is_ok());
  }
  auto a = open_read_only(temp / "a");
  auto b = open_read_only(temp / "b");
  ASSERT_TRUE(a && b);
  const Seen seen = compare(MonitorStore(*std::move(a)), MonitorStore(*std::move(b)));
  EXPECT_TRUE(seen.result.is_equal());
  EXPECT_TRUE(seen.result.rolled_forward);
}

}  // namespace
}  // namespace synod
