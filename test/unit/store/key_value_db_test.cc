// What every KeyValueDB promises, on each implementation.
#include "store/key_value_db.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::batch_of;
using test::dump;
using test::put;
using test::shared;
using Lines = std::vector<std::string>;

enum class Kind { memory, level_db };

class KeyValueDbTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    db_ = GetParam() == Kind::memory ? make_memory_db() : test::open_level_db_for_test(dir_ / "db", OpenMode::create);
    ASSERT_NE(db_, nullptr);
  }
  void commit(const DbBatch& batch, Durability durability = Durability::visible) {
    const Status done = db_->commit(batch, durability);
    ASSERT_TRUE(done.is_ok()) << done.to_string();
  }
  std::string get(KeySpace space, ByteView key) {
    const Result<std::optional<Bytes>> value = db_->get(space, key);
    if (!value) return value.error().to_string();
    return value->value_or("(none)");
  }

  test::TempDir dir_;
  std::unique_ptr<KeyValueDB> db_;
};

INSTANTIATE_TEST_SUITE_P(All, KeyValueDbTest, testing::Values(Kind::memory, Kind::level_db),
                         [](const auto& param_info) {
                           return param_info.param == Kind::memory ? "memory" : "level_db";
                         });

TEST_P(KeyValueDbTest, a_committed_pair_is_read_back_from_its_own_space_only) {
  commit(batch_of(put<KeySpace::log>("k", "v")), Durability::durable);
  EXPECT_EQ(get(KeySpace::log, "k"), "v");
  EXPECT_EQ(get(KeySpace::local, "k"), "(none)");
  EXPECT_EQ(get(KeySpace::replicated, "k"), "(none)");
}

TEST_P(KeyValueDbTest, empty_keys_and_values_are_ordinary) {
  commit(batch_of(put("", "")));
  EXPECT_EQ(get(KeySpace::replicated, ""), "");
  EXPECT_EQ(dump(*db_), Lines{"r ="});
}

TEST_P(KeyValueDbTest, keys_sort_as_unsigned_bytes_first_by_space) {
  DbBatch batch;
  batch.add(put("a", "1"));
  batch.add(put<KeySpace::log>("z", "2"));
  batch.add(put<KeySpace::local>("\xff", "3"));
  batch.add(put<KeySpace::local>("\x7f", "4"));
  batch.add(put<KeySpace::local>("", "5"));
  batch.add(put("aa", "6"));
  commit(batch);
  EXPECT_EQ(dump(*db_), (Lines{"a =5", "a \x7f=4", "a \xff=3", "l z=2", "r a=1", "r aa=6"}));
}

TEST_P(KeyValueDbTest, operations_of_a_batch_take_effect_in_order) {
  ReplicatedTransaction transaction;
  transaction.put("a", shared("1"));
  transaction.erase("a");
  transaction.put("b", shared("1"));
  transaction.put("b", shared("2"));
  transaction.erase("c");
  transaction.put("c", shared("3"));
  commit(batch_of(transaction));
  EXPECT_EQ(dump(*db_), (Lines{"r b=2", "r c=3"}));
}

TEST_P(KeyValueDbTest, erase_range_covers_begin_but_not_end) {
  for (const char* key : {"a", "b", "bb", "c", "d"}) commit(batch_of(put(key, "x")));
  ReplicatedTransaction transaction;
  transaction.erase_range("b", "c");
  commit(batch_of(transaction));
  EXPECT_EQ(dump(*db_), (Lines{"r a=x", "r c=x", "r d=x"}));
}

TEST_P(KeyValueDbTest, erase_range_without_an_end_stops_at_the_end_of_its_space) {
  commit(batch_of(put<KeySpace::local>("m", "1")));
  commit(batch_of(put<KeySpace::log>("a", "2")));
  commit(batch_of(put<KeySpace::log>("m", "3")));
  commit(batch_of(put<KeySpace::log>("\xff\xff", "4")));
  commit(batch_of(put("a", "5")));
  LogTransaction transaction;
  transaction.erase_range("m", "");
  commit(batch_of(transaction));
  EXPECT_EQ(dump(*db_), (Lines{"a m=1", "l a=2", "r a=5"}));
}

TEST_P(KeyValueDbTest, erase_range_covers_what_the_same_batch_put_before_it_and_not_after) {
  commit(batch_of(put("b1", "stored")));
  DbBatch batch;
  batch.add(put("b2", "earlier part"));
  ReplicatedTransaction transaction;
  transaction.put("b3", shared("earlier operation"));
  transaction.put("c", shared("outside"));
  transaction.erase_range("b", "c");
  transaction.put("b4", shared("later"));
  transaction.put("b1", shared("again"));
  batch.add(std::move(transaction));
  commit(batch);
  EXPECT_EQ(dump(*db_), (Lines{"r b1=again", "r b4=later", "r c=outside"}));
}

TEST_P(KeyValueDbTest, random_batches_agree_with_a_model) {
  std::mt19937 random(7);
  std::map<Bytes, Bytes> model;
  auto random_key = [&] { return "k" + std::to_string(random() % 40); };
  for (int round = 0; round < 300; ++round) {
    ReplicatedTransaction transaction;
    for (unsigned i = 0, count = random() % 8; i < count; ++i) {
      const Bytes key = random_key();
      const Bytes end = random_key();
      switch (random() % 4) {
        case 0:
          transaction.erase(key);
          model.erase(key);
          break;
        case 1:
          transaction.erase_range(key, end);
          if (key < end) model.erase(model.lower_bound(key), model.lower_bound(end));
          break;
        default: transaction.put(key, shared(std::to_string(round))); model[key] = std::to_string(round);
      }
    }
    commit(batch_of(transaction));
    Lines expected;
    for (const auto& [key, value] : model) expected.push_back("r " + key + "=" + value);
    ASSERT_EQ(dump(*db_), expected) << "round " << round;
  }
}

TEST_P(KeyValueDbTest, seek_finds_the_first_key_at_or_after) {
  commit(batch_of(put<KeySpace::log>("b", "1")));
  commit(batch_of(put("d", "2")));
  const std::unique_ptr<DbIterator> iterator = db_->new_iterator();
  iterator->seek(KeySpace::log, "b");
  ASSERT_TRUE(iterator->is_valid());
  EXPECT_EQ(iterator->value(), "1");
  iterator->seek(KeySpace::log, "c");
  ASSERT_TRUE(iterator->is_valid());
  EXPECT_EQ(iterator->space(), KeySpace::replicated);
  EXPECT_EQ(iterator->key(), "d");
  iterator->seek(KeySpace::replicated, "e");
  EXPECT_FALSE(iterator->is_valid());
  EXPECT_TRUE(iterator->status().is_ok());
}

TEST_P(KeyValueDbTest, an_iterator_of_one_space_stays_in_it) {
  commit(batch_of(put<KeySpace::local>("a", "1")));
  commit(batch_of(put<KeySpace::log>("b", "2")));
  commit(batch_of(put("c", "3")));
  const std::unique_ptr<DbIterator> iterator = db_->new_iterator(KeySpace::log);
  EXPECT_EQ(dump(*iterator), Lines{"l b=2"});
  iterator->seek(KeySpace::log, "c");
  EXPECT_FALSE(iterator->is_valid());
  iterator->seek(KeySpace::local, "zzz");
  ASSERT_TRUE(iterator->is_valid());
  EXPECT_EQ(iterator->key(), "b");
  iterator->seek(KeySpace::replicated, "");
  EXPECT_FALSE(iterator->is_valid());
}

TEST_P(KeyValueDbTest, iterators_show_the_state_at_their_making) {
  for (int i = 0; i < 100; ++i) commit(batch_of(put("k" + std::to_string(i), "old")));
  commit(batch_of(put<KeySpace::log>("l", "old")));
  const std::unique_ptr<DbIterator> whole = db_->new_iterator();
  const std::unique_ptr<DbIterator> space = db_->new_iterator(KeySpace::replicated);
  const Lines whole_before = dump(*db_);
  const Lines space_before = dump(*db_->new_iterator(KeySpace::replicated));
  ReplicatedTransaction changes;
  changes.erase_range("k1", "k5");
  changes.put("k0", shared("new"));
  changes.put("z", shared("new"));
  commit(batch_of(changes));
  EXPECT_EQ(dump(*whole), whole_before);
  EXPECT_EQ(dump(*space), space_before);
  EXPECT_NE(dump(*db_), whole_before);
}

// Enough data that LevelDB flushes and compacts below the iterator.
TEST_P(KeyValueDbTest, an_iterator_is_not_disturbed_by_a_writer_thread) {
  const std::string old_value(200, 'o');
  ReplicatedTransaction fill;
  for (int i = 1000; i < 3000; ++i) fill.put("k" + std::to_string(i), shared(old_value));
  commit(batch_of(fill));
  const std::unique_ptr<DbIterator> whole = db_->new_iterator();
  const std::unique_ptr<DbIterator> space = db_->new_iterator(KeySpace::replicated);
  std::atomic<int> rounds{0};
  std::atomic<bool> is_done{false};
  std::thread writer([&] {
    for (int round = 0; !is_done || round < 20; ++round) {
      ReplicatedTransaction changes;
      changes.erase_range("k2", "k25");
      for (int i = 1000; i < 3000; i += 3) changes.put("k" + std::to_string(i), shared(std::string(300, 'n')));
      changes.put("new" + std::to_string(round), shared("n"));
      EXPECT_TRUE(db_->commit(batch_of(changes), Durability::visible).is_ok());
      rounds = round + 1;
      rounds.notify_all();
    }
  });
  rounds.wait(0);
  for (int pass = 0; pass < 10; ++pass) {
    for (DbIterator* iterator : {whole.get(), space.get()}) {
      int expected = 1000;
      for (iterator->seek_to_first(); iterator->is_valid(); iterator->next(), ++expected) {
        ASSERT_EQ(iterator->key(), "k" + std::to_string(expected));
        ASSERT_EQ(iterator->value(), old_value);
      }
      EXPECT_TRUE(iterator->status().is_ok()) << iterator->status().to_string();
      EXPECT_EQ(expected, 3000);
    }
  }
  is_done = true;
  writer.join();
}

// The searches meet keys that the writer is just putting in.
TEST_P(KeyValueDbTest, searches_beside_a_writer_thread_find_what_they_should) {
  commit(batch_of(put("k500", "v")));
  const std::unique_ptr<DbIterator> old = db_->new_iterator();
  std::thread writer([&] {
    for (int i = 0; i < 1000; ++i) {
      const std::string key = "k" + std::to_string(100 + i * 7919 % 900);
      EXPECT_TRUE(db_->commit(batch_of(put(key, "v")), Durability::visible).is_ok());
    }
  });
  for (int pass = 0; pass < 2000; ++pass) {
    EXPECT_EQ(*db_->get(KeySpace::replicated, "k500"), "v");
    old->seek(KeySpace::replicated, "k" + std::to_string(100 + pass % 400));
    EXPECT_TRUE(old->is_valid() && old->key() == "k500");
  }
  writer.join();
}

// Each commit moves one unit between two keys; every view must show the sum.
TEST_P(KeyValueDbTest, a_batch_is_seen_whole_or_not_at_all) {
  DbBatch first;
  first.add(put("a", "0"));
  first.add(put<KeySpace::local>("b", "1000"));
  commit(first);
  std::thread writer([&] {
    for (int i = 1; i <= 1000; ++i) {
      DbBatch batch;
      batch.add(put("a", std::to_string(i)));
      batch.add(put<KeySpace::local>("b", std::to_string(1000 - i)));
      EXPECT_TRUE(db_->commit(batch, Durability::visible).is_ok());
    }
  });
  for (int pass = 0; pass < 200; ++pass) {
    int sum = 0;
    const std::unique_ptr<DbIterator> iterator = db_->new_iterator();
    for (iterator->seek_to_first(); iterator->is_valid(); iterator->next()) sum += std::stoi(Bytes(iterator->value()));
    EXPECT_EQ(sum, 1000);
  }
  writer.join();
}

TEST_P(KeyValueDbTest, an_empty_batch_is_fine) {
  commit(DbBatch(), Durability::visible);
  commit(DbBatch(), Durability::durable);
  EXPECT_TRUE(dump(*db_).empty());
}

TEST_P(KeyValueDbTest, a_hundred_thousand_keys_are_cheap) {
  ReplicatedTransaction fill;
  for (int i = 0; i < 100000; ++i) fill.put(std::to_string(i), shared("v"));
  commit(batch_of(fill));
  for (int i = 0; i < 20; ++i) {
    const std::unique_ptr<DbIterator> iterator = db_->new_iterator();
    for (int k = 0; k < 100; ++k) commit(batch_of(put(std::to_string(k), "w")));
  }
  EXPECT_EQ(dump(*db_).size(), 100000u);
}

}  // namespace
}  // namespace synod
