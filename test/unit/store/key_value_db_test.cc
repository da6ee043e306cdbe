// What every KeyValueDB promises, on the two that are used, and on one compared with the other.
#include <atomic>
#include <thread>

#include "key_value_db_suite.h"
#include "store/mirrored_db.h"

namespace synod::test {
namespace {

DbKind memory_kind() {
  return {"memory", [](const std::string&) { return make_memory_db(); }};
}
DbKind level_db_kind() {
  return {"level_db", [](const std::string& dir) { return open_level_db_for_test(dir + "/db", OpenMode::create); }};
}
DbKind mirrored_kind() {
  return {"mirrored", [](const std::string& dir) {
            Result<std::unique_ptr<KeyValueDB>> db =
                mirror_in_memory(open_level_db_for_test(dir + "/db", OpenMode::create));
            return db ? *std::move(db) : nullptr;
          }};
}
INSTANTIATE_TEST_SUITE_P(All, KeyValueDbTest, testing::Values(memory_kind(), level_db_kind(), mirrored_kind()),
                         name_of);

// And to several threads.
class KeyValueDbThreads : public KeyValueDbTest {};
INSTANTIATE_TEST_SUITE_P(All, KeyValueDbThreads, testing::Values(memory_kind(), level_db_kind(), mirrored_kind()),
                         name_of);

// Enough data that LevelDB flushes and compacts below the iterator.
TEST_P(KeyValueDbThreads, an_iterator_is_not_disturbed_by_a_writer_thread) {
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
TEST_P(KeyValueDbThreads, a_batch_is_seen_whole_or_not_at_all) {
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

}  // namespace
}  // namespace synod::test
