// A database that is compared with its mirror, operation by operation.
#include "store/mirrored_db.h"

#include <gtest/gtest.h>

#include <random>

#include "store/memory_db.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod::test {
namespace {

// Does what it is told, but for one key.
class FaultyDb final : public KeyValueDB {
 public:
  enum class Fault { none, loses_puts, keeps_what_is_erased, answers_wrong, iterates_wrong };

  explicit FaultyDb(Fault& fault) : fault_(fault) {}

  Status commit(const DbBatch& batch, Durability durability) override {
    if (fault_ == Fault::loses_puts || fault_ == Fault::keeps_what_is_erased) return Status::ok();
    return memory_->commit(batch, durability);
  }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override {
    if (fault_ == Fault::answers_wrong) return std::optional<Bytes>("wrong");
    return memory_->get(space, key);
  }
  std::unique_ptr<DbIterator> make_iterator(CacheUse use) const override {
    return fault_ == Fault::iterates_wrong ? make_memory_db()->make_iterator(use) : memory_->make_iterator(use);
  }

 private:
  Fault& fault_;
  std::unique_ptr<KeyValueDB> memory_ = make_memory_db();
};

using Fault = FaultyDb::Fault;

class MirroredDbTest : public testing::Test {
 protected:
  MirroredDbTest() {
    Result<std::unique_ptr<KeyValueDB>> mirrored = mirror_in_memory(std::make_unique<FaultyDb>(fault_));
    db_ = *std::move(mirrored);
    EXPECT_TRUE(db_->commit(batch_of(put("k", "v")), Durability::visible).is_ok());
    EXPECT_TRUE(db_->commit(batch_of(put("l", "v")), Durability::visible).is_ok());
  }
  void expect_found(const Status& status, const std::string& what) {
    EXPECT_EQ(status.code(), Code::corruption);
    EXPECT_NE(status.message().find("the store differs from its mirror in memory: " + what), std::string::npos)
        << status.message();
    fault_ = Fault::none;
    EXPECT_EQ(db_->get(KeySpace::replicated, "other").error(), status) << "what was found once is not forgotten";
    EXPECT_EQ(db_->commit(batch_of(put("other", "v")), Durability::visible), status);
    EXPECT_EQ(db_->new_iterator()->status(), status);
  }

  Fault fault_ = Fault::none;
  std::unique_ptr<KeyValueDB> db_;
};

TEST_F(MirroredDbTest, a_put_that_was_lost_is_found_when_it_is_made) {
  fault_ = Fault::loses_puts;
  expect_found(db_->commit(batch_of(put("k", "new")), Durability::visible), "get of key k of space r finds 1 bytes");
}

TEST_F(MirroredDbTest, a_key_that_stays_though_it_was_erased_is_found) {
  fault_ = Fault::keeps_what_is_erased;
  ReplicatedTransaction erase;
  erase.erase("k");
  expect_found(db_->commit(batch_of(erase), Durability::visible),
               "get of key k of space r finds 1 bytes with checksum");
}

TEST_F(MirroredDbTest, a_range_that_stays_though_it_was_erased_is_found) {
  fault_ = Fault::keeps_what_is_erased;
  ReplicatedTransaction erase;
  erase.erase_range("a", "z");
  expect_found(db_->commit(batch_of(erase), Durability::visible), "seek finds key k of space r, and not the end");
}

TEST_F(MirroredDbTest, a_wrong_answer_is_found) {
  fault_ = Fault::answers_wrong;
  expect_found(db_->get(KeySpace::replicated, "k").error(), "get of key k of space r finds 5 bytes");
}

TEST_F(MirroredDbTest, a_wrong_iteration_ends_with_the_difference) {
  fault_ = Fault::iterates_wrong;
  const auto iterator = db_->new_iterator();
  iterator->seek_to_first();
  EXPECT_FALSE(iterator->is_valid());
  expect_found(iterator->status(), "seek_to_first finds the end, and not key k of space r");
}

// What every member's LevelDB does in a life: batches of all kinds, iterators that outlive them, tables and
// compactions, and new lives.
TEST(MirroredLevelDb, agrees_over_many_random_operations_and_lives) {
  const TempDir dir;
  std::mt19937_64 random(7);
  const auto below = [&](uint64_t most) { return random() % most; };
  const auto key = [&] { return "k" + std::to_string(below(400)); };
  for (int life = 0; life < 4; ++life) {
    Result<std::unique_ptr<KeyValueDB>> mirrored = mirror_in_memory(
        open_level_db_for_test(dir / "db", life == 0 ? OpenMode::create : OpenMode::existing, 64 << 10));
    ASSERT_TRUE(mirrored) << mirrored.error().message();
    KeyValueDB& db = **mirrored;
    std::unique_ptr<DbIterator> old = db.new_iterator();
    for (int i = 0; i < 2500; ++i) {
      ReplicatedTransaction replicated;
      LocalTransaction local;
      for (uint64_t op = below(6); op > 0; --op) {
        const uint64_t kind = below(20);
        if (kind == 0) {
          replicated.erase_range(key(), key());
        } else if (kind < 5) {
          replicated.erase(key());
        } else {
          replicated.put(key(), SharedBytes(Bytes(below(600), static_cast<char>(random()))));
        }
      }
      local.put(key(), SharedBytes(std::to_string(i)));
      DbBatch batch;
      batch.add(std::move(replicated));
      batch.add(std::move(local));
      const Status done = db.commit(batch, below(50) == 0 ? Durability::durable : Durability::visible);
      ASSERT_TRUE(done.is_ok()) << done.message();
      ASSERT_TRUE(db.get(KeySpace::replicated, key()).has_value());
      if (below(100) == 0) old = db.new_iterator();
      old->seek(KeySpace::replicated, key());
      for (uint64_t step = below(20); step > 0 && old->is_valid(); --step) old->next();
      ASSERT_TRUE(old->status().is_ok()) << old->status().message();
    }
  }
}

}  // namespace
}  // namespace synod::test
