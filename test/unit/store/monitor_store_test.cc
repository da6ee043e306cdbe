#include "store/monitor_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/codec.h"
#include "store/store_digest.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::genesis;
using test::History;
using test::new_memory_store;
using test::put;
using test::shared;

std::map<Bytes, Bytes> contents(const ReplicatedReader& reader) {
  std::map<Bytes, Bytes> pairs;
  EXPECT_TRUE(reader
                  .scan("", "",
                        [&](ByteView key, ByteView value) {
                          pairs.emplace(key, value);
                          return true;
                        })
                  .is_ok());
  return pairs;
}

TEST(MonitorStore, initializing_sets_the_genesis_and_the_first_state) {
  MonitorStore store(make_memory_db());
  EXPECT_EQ(store.applied().error().code(), Code::not_found);
  ASSERT_TRUE(store.initialize(genesis(), put("first", "state")).is_ok());
  EXPECT_EQ(*store.applied(), genesis());
  const auto pairs = contents(*store.new_reader());
  EXPECT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs.at("first"), "state");
  EXPECT_EQ(pairs.at(Bytes(applied_key)).size(), 24u);
}

TEST(MonitorStore, a_store_with_data_is_not_initialized_again) {
  const auto store = new_memory_store();
  EXPECT_EQ(store->initialize(genesis(), {}).code(), Code::refused);
}

TEST(MonitorStore, applying_writes_the_operations_and_the_position_together) {
  const auto store = new_memory_store();
  History history;
  history.add(put("a", "1"));
  ReplicatedTransaction second;
  second.put("b", shared("2"));
  second.erase("a");
  history.add(second);
  history.apply(*store, 0, 2);
  EXPECT_EQ(*store->applied(), history.at(2).position());
  auto pairs = contents(*store->new_reader());
  pairs.erase(Bytes(applied_key));
  EXPECT_EQ(pairs, (std::map<Bytes, Bytes>{{"b", "2"}}));
}

TEST(MonitorStore, a_value_that_erases_everything_does_not_erase_the_position) {
  const auto store = new_memory_store();
  History history;
  ReplicatedTransaction all;
  all.erase_range("", "");
  history.add(put("a", "1"));
  history.add(all);
  history.apply(*store, 0, 2);
  EXPECT_EQ(*store->applied(), history.at(2).position());
  EXPECT_EQ(contents(*store->new_reader()).size(), 1u);
}

TEST(MonitorStore, groups_are_one_batch_in_order) {
  const auto store = new_memory_store();
  History history;
  history.add(put("a", "1"));
  const StoreWrites first{PutEntry{history.at(1)}, PutLocal{"promise", shared("one")}};
  const StoreWrites second{ApplyEntry{history.at(1).position(), history.at(1).value},
                           PutLocal{"promise", shared("two")}, PutLocal{"gone", shared("x")}, EraseLocal{"gone"}};
  ASSERT_TRUE(store->commit({&first, &second}, Durability::durable).is_ok());
  EXPECT_EQ(*store->get_local("promise"), "two");
  EXPECT_FALSE(store->get_local("gone")->has_value());
  EXPECT_EQ(store->applied()->version, Version(1));
  EXPECT_EQ(store->load_log()->first, Version(1));
}

TEST(MonitorStore, a_value_that_does_not_decode_fails_the_whole_batch) {
  const auto store = new_memory_store();
  const StoreWrites good{PutLocal{"k", shared("v")}};
  const StoreWrites bad{ApplyEntry{{Version(1), {}}, shared("\x01garbage")}};
  const Status status = store->commit({&good, &bad}, Durability::durable);
  EXPECT_EQ(status.code(), Code::corruption);
  EXPECT_NE(status.message().find("version 1"), std::string::npos);
  EXPECT_FALSE(store->get_local("k")->has_value());
  EXPECT_EQ(*store->applied(), genesis());
}

TEST(MonitorStore, a_chunk_puts_nothing_but_its_keys) {
  MonitorStore store(make_memory_db());
  ASSERT_TRUE(store.commit_chunk(put("a", "1"), Durability::durable).is_ok());
  const auto all = test::dump(store.db());
  EXPECT_EQ(all.size(), 1U) << "what is not of the replicated space would stretch the tables that it comes to";
  EXPECT_EQ(*store.new_reader()->get("a"), "1");
  EXPECT_EQ(*store.last_sequence(), 0U);
}

TEST(MonitorStore, the_reader_gets_and_scans_intervals) {
  const auto store = new_memory_store();
  ReplicatedTransaction fill;
  for (const char* key : {"a", "b", "c", "d"}) fill.put(key, shared(std::string("v") + key));
  History history;
  history.add(fill);
  history.apply(*store, 0, 1);
  const auto reader = store->new_reader();
  EXPECT_EQ(*reader->get("b"), "vb");
  EXPECT_FALSE(reader->get("bb")->has_value());
  Bytes seen;
  auto collect = [&](ByteView key, ByteView) {
    seen += key;
    return seen.size() < 2;
  };
  ASSERT_TRUE(reader->scan("b", "d", collect).is_ok());
  EXPECT_EQ(seen, "bc");
  seen.clear();
  ASSERT_TRUE(reader->scan("a", "", collect).is_ok());
  EXPECT_EQ(seen, "ab") << "stops when it is told to";
}

TEST(MonitorStore, local_and_log_keys_are_not_in_the_digest) {
  const auto one = new_memory_store();
  const auto two = new_memory_store();
  History history;
  history.add(put("a", "1"));
  const StoreWrites apply{ApplyEntry{history.at(1).position(), history.at(1).value}};
  ASSERT_TRUE(one->commit({&apply}, Durability::durable).is_ok());
  history.apply(*two, 0, 1);
  const StoreWrites local{PutLocal{"k", shared("v")}};
  ASSERT_TRUE(two->commit({&local}, Durability::durable).is_ok());
  EXPECT_EQ(*one->digest(), *two->digest());
}

TEST(MonitorStore, the_digest_depends_on_every_key_and_value) {
  const auto digest_of = [](const ReplicatedTransaction& state) {
    MonitorStore store(make_memory_db());
    EXPECT_TRUE(store.initialize(genesis(), state).is_ok());
    return *store.digest();
  };
  ReplicatedTransaction shifted = put("a", "b");
  shifted.put("c", shared(""));
  EXPECT_NE(digest_of(put("a", "1")), digest_of(put("a", "2")));
  EXPECT_NE(digest_of(put("a", "1")), digest_of(put("b", "1")));
  EXPECT_NE(digest_of(put("a", "bc")), digest_of(put("ab", "c")));
  EXPECT_NE(digest_of(put("a", "bc")), digest_of(shifted));
  EXPECT_EQ(digest_of(put("a", "1")), digest_of(put("a", "1")));
}

enum class Kind { memory, level_db };
class MonitorStoreViews : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    store_ = std::make_unique<MonitorStore>(
        GetParam() == Kind::memory ? make_memory_db() : test::open_level_db_for_test(dir_ / "db", OpenMode::create));
    ReplicatedTransaction fill;
    for (int i = 1000; i < 3000; ++i) fill.put("k" + std::to_string(i), shared(std::string(200, 'o')));
    ASSERT_TRUE(store_->initialize(genesis(), fill).is_ok());
  }
  void apply(const ReplicatedTransaction& value) {
    const LogEntry& entry = history_.add(value);
    const StoreWrites writes{PutEntry{entry}, ApplyEntry{entry.position(), entry.value}};
    EXPECT_TRUE(store_->commit({&writes}, Durability::visible).is_ok());
  }

  test::TempDir dir_;
  std::unique_ptr<MonitorStore> store_;
  History history_;
};

INSTANTIATE_TEST_SUITE_P(All, MonitorStoreViews, testing::Values(Kind::memory, Kind::level_db),
                         [](const auto& param_info) {
                           return param_info.param == Kind::memory ? "memory" : "level_db";
                         });

TEST_P(MonitorStoreViews, readers_and_walkers_are_not_disturbed_by_a_writer_thread) {
  const auto reader = store_->new_reader();
  auto walker = store_->new_walker("");
  ASSERT_TRUE(walker);
  const Digest before = *store_->digest();
  std::atomic<int> rounds{0};
  std::atomic<bool> is_done{false};
  std::thread writer([&] {
    for (int round = 0; !is_done || round < 20; ++round) {
      ReplicatedTransaction changes;
      changes.erase_range("k2", "k25");
      for (int i = 1000; i < 3000; i += 3) changes.put("k" + std::to_string(i), shared(std::string(300, 'n')));
      apply(changes);
      rounds = round + 1;
      rounds.notify_all();
    }
  });
  rounds.wait(0);
  for (int pass = 0; pass < 5; ++pass) {
    StoreDigester digester;
    const Status scanned = reader->scan("", "", [&](ByteView key, ByteView value) {
      digester.add(key, value);
      return true;
    });
    EXPECT_TRUE(scanned.is_ok()) << scanned.to_string();
    EXPECT_EQ(digester.finish(), before);
  }
  MonitorStore copy(make_memory_db());
  for (bool is_last = false; !is_last;) {
    Result<WalkChunk> chunk = (*walker)->next_chunk(10000, 1000);
    ASSERT_TRUE(chunk) << chunk.error().to_string();
    is_last = chunk->is_last;
    ASSERT_TRUE(copy.commit_chunk(chunk->puts, Durability::visible).is_ok());
  }
  is_done = true;
  writer.join();
  EXPECT_EQ((*walker)->position(), genesis());
  EXPECT_EQ(*copy.applied(), genesis());
  EXPECT_EQ(*copy.digest(), before);
  EXPECT_NE(*store_->digest(), before);
}

}  // namespace
}  // namespace synod
