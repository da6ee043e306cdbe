// The log in the store: what is loaded, and that damage is noticed and named.
#include <gtest/gtest.h>

#include "base/codec.h"
#include "store/records.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::History;
using test::new_memory_store;
using test::put;
using test::shared;

void accept(MonitorStore& store, const LogEntry& entry) {
  const StoreWrites writes{PutEntry{entry}};
  ASSERT_TRUE(store.commit({&writes}, Durability::durable).is_ok());
}

void erase(MonitorStore& store, uint64_t from, uint64_t to) {
  const StoreWrites writes{EraseEntries{Version(from), Version(to)}};
  ASSERT_TRUE(store.commit({&writes}, Durability::durable).is_ok());
}

History history_of(int length) {
  History history;
  for (int i = 1; i <= length; ++i) history.add(put("key" + std::to_string(i), std::string(100, 'x')));
  return history;
}

std::vector<uint64_t> versions(const std::vector<LogEntry>& entries) {
  std::vector<uint64_t> numbers;
  for (const LogEntry& entry : entries) numbers.push_back(entry.version.value());
  return numbers;
}

bool mentions(const Status& status, const std::string& text) {
  return status.message().find(text) != std::string::npos;
}

TEST(Log, an_entry_is_stored_as_the_documentation_states) {
  const LogEntry entry = history_of(1).at(1);
  const Bytes stored = encode_entry(entry);
  EXPECT_EQ(stored.size(), 49 + entry.value.size());
  EXPECT_EQ(stored[0], 1);
  EXPECT_EQ(Decoder(ByteView(stored).substr(1)).fixed64(), entry.pn.round);
  EXPECT_EQ(Decoder(ByteView(stored).substr(9)).fixed64(), entry.pn.member.value());
  EXPECT_EQ(ByteView(stored).substr(17, 16), entry.predecessor.view());
  EXPECT_EQ(ByteView(stored).substr(33, 16), entry.hash.view());
  EXPECT_EQ(ByteView(stored).substr(49), entry.value.view());
  EXPECT_EQ(log_key(Version(0x0102)), Bytes("\0\0\0\0\0\0\1\2", 8));
  EXPECT_EQ(*decode_entry(log_key(entry.version), stored), entry);
}

TEST(Log, every_flipped_byte_of_an_entry_is_noticed_or_only_changes_its_pn) {
  const LogEntry entry = history_of(1).at(1);
  const Bytes stored = encode_entry(entry);
  for (size_t at = 0; at < stored.size(); ++at) {
    Bytes bad = stored;
    bad[at] = static_cast<char>(bad[at] ^ 0x20);
    const Result<LogEntry> decoded = decode_entry(log_key(entry.version), bad);
    EXPECT_EQ(decoded.has_value(), at >= 1 && at < 17) << at;
  }
  for (size_t size = 0; size < stored.size(); ++size) {
    EXPECT_FALSE(decode_entry(log_key(entry.version), stored.substr(0, size)));
  }
  EXPECT_FALSE(decode_entry(log_key(Version(2)), stored)) << "the version is part of the hash";
  EXPECT_FALSE(decode_entry("short", stored));
}

TEST(Log, a_position_is_24_bytes_and_nothing_else) {
  const Position position = history_of(1).at(1).position();
  const Bytes stored = encode_position(position);
  EXPECT_EQ(stored.size(), 24u);
  EXPECT_EQ(*decode_position(stored), position);
  EXPECT_FALSE(decode_position(stored + "x"));
  EXPECT_FALSE(decode_position(stored.substr(1)));
}

TEST(Log, a_new_store_has_an_empty_log) {
  const auto store = new_memory_store();
  const Result<LogState> log = store->load_log();
  ASSERT_TRUE(log) << log.error().to_string();
  EXPECT_EQ(log->applied, test::genesis());
  EXPECT_EQ(log->first, Version(1));
  EXPECT_EQ(log->trim_floor, Version(0));
  EXPECT_TRUE(log->accepted.empty());
}

TEST(Log, loading_tells_the_bounds_and_what_is_accepted_above_the_applied_version) {
  const auto store = new_memory_store();
  History history = history_of(4);
  Bytes floor;
  put_fixed64(floor, 3);
  history.add(put(Bytes(trim_floor_key), floor));
  history.add(put("six", "accepted"), 9);
  history.add(put("seven", "accepted"), 9);
  history.apply(*store, 0, 5);
  accept(*store, history.at(6));
  accept(*store, history.at(7));
  erase(*store, 0, 3);
  const Result<LogState> log = store->load_log();
  ASSERT_TRUE(log) << log.error().to_string();
  EXPECT_EQ(log->applied, history.at(5).position());
  EXPECT_EQ(log->first, Version(3));
  EXPECT_EQ(log->trim_floor, Version(3));
  ASSERT_EQ(log->accepted.size(), 2u);
  EXPECT_EQ(log->accepted[0], history.at(6));
  EXPECT_EQ(log->accepted[1], history.at(7));
}

TEST(Log, entries_that_were_dropped_are_not_loaded) {
  const auto store = new_memory_store();
  const History history = history_of(6);
  history.apply(*store, 0, 3);
  for (uint64_t v = 4; v <= 6; ++v) accept(*store, history.at(v));
  erase(*store, 5, 7);
  EXPECT_EQ(versions(store->load_log()->accepted), std::vector<uint64_t>{4});
  erase(*store, 7, 5);
  erase(*store, 5, 5);
  EXPECT_EQ(versions(store->load_log()->accepted), std::vector<uint64_t>{4}) << "an empty interval erases nothing";
}

TEST(Log, reading_is_bounded_by_versions_and_bytes) {
  const auto store = new_memory_store();
  const History history = history_of(10);
  history.apply(*store, 0, 10);
  erase(*store, 1, 3);
  const auto read = [&](uint64_t from, uint64_t to, size_t bytes) {
    return versions(*store->read_entries(Version(from), Version(to), bytes));
  };
  EXPECT_EQ(read(4, 6, 1 << 20), (std::vector<uint64_t>{4, 5, 6}));
  EXPECT_EQ(read(9, 100, 1 << 20), (std::vector<uint64_t>{9, 10}));
  EXPECT_EQ(read(4, 10, 0), std::vector<uint64_t>{4}) << "at least one";
  EXPECT_EQ(read(4, 10, 2 * (49 + history.at(4).value.size())).size(), 2u);
  EXPECT_TRUE(read(2, 10, 1 << 20).empty()) << "trimmed";
  EXPECT_TRUE(read(11, 20, 1 << 20).empty()) << "not there yet";
  EXPECT_TRUE(read(6, 5, 1 << 20).empty());
  EXPECT_EQ(store->read_entries(Version(4), Version(4), 0)->front(), history.at(4));
}

TEST(Log, an_entry_whose_value_was_changed_is_corruption_that_names_it) {
  const auto store = new_memory_store();
  const History history = history_of(5);
  history.apply(*store, 0, 3);
  accept(*store, history.at(4));
  LogEntry bad = history.at(5);
  bad.value = shared("\x01");
  accept(*store, bad);
  const Result<LogState> log = store->load_log();
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code(), Code::corruption);
  EXPECT_TRUE(mentions(log.error(), "entry 5")) << log.error().message();
  const auto read = store->read_entries(Version(4), Version(5), 1 << 20);
  ASSERT_FALSE(read);
  EXPECT_TRUE(mentions(read.error(), "entry 5"));
}

TEST(Log, an_accepted_entry_that_does_not_chain_is_corruption) {
  const auto store = new_memory_store();
  const History history = history_of(3);
  history.apply(*store, 0, 2);
  accept(*store, make_log_entry({Version(2), history.at(1).hash}, {1, MemberId(1)}, shared("\x01")));
  const Result<LogState> log = store->load_log();
  ASSERT_FALSE(log);
  EXPECT_TRUE(mentions(log.error(), "entry 3 does not chain on version 2")) << log.error().message();
}

TEST(Log, a_gap_is_corruption) {
  const auto store = new_memory_store();
  const History history = history_of(5);
  history.apply(*store, 0, 2);
  accept(*store, history.at(3));
  accept(*store, history.at(5));
  EXPECT_TRUE(mentions(store->load_log().error(), "entry 3 is followed by entry 5"));
  EXPECT_TRUE(mentions(store->read_entries(Version(1), Version(5), 1 << 20).error(), "entry 3 is followed by entry 5"));
}

TEST(Log, the_entry_of_the_applied_version_must_be_the_one_that_was_applied) {
  const auto store = new_memory_store();
  const History history = history_of(2);
  history.apply(*store, 0, 2);
  accept(*store, make_log_entry(history.at(1).position(), {2, MemberId(1)}, shared("\x01")));
  const Result<LogState> log = store->load_log();
  ASSERT_FALSE(log);
  EXPECT_TRUE(mentions(log.error(), "entry 2 is not the value that was applied")) << log.error().message();
}

TEST(Log, a_log_survives_reopening_on_a_disk) {
  const test::TempDir dir;
  const History history = history_of(20);
  {
    MonitorStore store(test::open_level_db_for_test(dir / "db", OpenMode::create));
    ASSERT_TRUE(store.initialize(test::genesis(), {}).is_ok());
    history.apply(store, 0, 18);
    accept(store, history.at(19));
    accept(store, history.at(20));
    erase(store, 0, 10);
  }
  const MonitorStore store(test::open_level_db_for_test(dir / "db", OpenMode::existing));
  const Result<LogState> log = store.load_log();
  ASSERT_TRUE(log) << log.error().to_string();
  EXPECT_EQ(log->first, Version(10));
  EXPECT_EQ(versions(log->accepted), (std::vector<uint64_t>{19, 20}));
  EXPECT_EQ(store.read_entries(Version(10), Version(20), 1 << 20)->size(), 11u);
}

}  // namespace
}  // namespace synod
