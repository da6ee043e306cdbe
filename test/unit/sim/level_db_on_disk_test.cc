// LevelDB on a SimDisk is an ordinary database, and never waits for a thread.
#include <gtest/gtest.h>

#include "disk_run.h"
#include "test/unit/store/key_value_db_suite.h"

namespace synod::sim {
namespace {

// A database with its disk.
class DiskDb final : public KeyValueDB {
 public:
  explicit DiskDb(DiskKind kind) : disk_(make_disk(kind, 1)), life_(std::make_unique<Life>(*disk_)) {
    life_->make_store();
    life_->open_store();
    EXPECT_TRUE(life_->status().is_ok()) << life_->status().to_string();
  }

  using KeyValueDB::new_iterator;
  Status commit(const DbBatch& batch, Durability durability) override { return life_->db().commit(batch, durability); }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override { return life_->db().get(space, key); }
  std::unique_ptr<DbIterator> new_iterator() const override { return life_->db().new_iterator(); }

 private:
  std::unique_ptr<MemberDisk> disk_;
  std::unique_ptr<Life> life_;
};

test::DbKind on(DiskKind kind) {
  return {kind_name(kind), [kind](const std::string&) { return std::make_unique<DiskDb>(kind); }};
}

}  // namespace
}  // namespace synod::sim

namespace synod::test {
INSTANTIATE_TEST_SUITE_P(Sim, KeyValueDbTest,
                         testing::Values(sim::on(sim::DiskKind::model), sim::on(sim::DiskKind::lenient)), name_of);
}  // namespace synod::test

namespace synod::sim {
namespace {

DbBatch put(const std::string& key, size_t value_bytes) {
  ReplicatedTransaction puts;
  puts.put(key, SharedBytes(Bytes(value_bytes, 'v')));
  DbBatch batch;
  batch.add(std::move(puts));
  return batch;
}

// Each of them fills the table of recent writes several times over.
TEST(LevelDbOnDisk, batches_larger_than_the_write_buffer_do_not_wait) {
  DiskDb db(DiskKind::strict);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(db.commit(put("k" + std::to_string(i % 7), 300'000), Durability::visible).is_ok());
  }
  EXPECT_EQ(db.get(KeySpace::replicated, "k3")->value().size(), 300'000U);
}

// Reads schedule work of their own (a table that is read in vain too often is merged), which must not be waited for.
TEST(LevelDbOnDisk, reads_that_schedule_work_do_not_make_a_write_or_the_close_wait) {
  DiskDb db(DiskKind::lenient);
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 200; ++i) {
      const std::string key = "k" + std::to_string((i * 7919) % 1000);
      ASSERT_TRUE(db.commit(put(key, 2000), Durability::visible).is_ok());
    }
    for (int i = 0; i < 3000; ++i) ASSERT_TRUE(db.get(KeySpace::replicated, "k" + std::to_string(i % 1000) + "x"));
  }
}

TEST(LevelDbOnDisk, a_frozen_disk_ends_writes_and_closes_at_any_call) {
  for (uint64_t n = 1; n < 400; n += 7) {
    const std::unique_ptr<MemberDisk> disk = make_disk(DiskKind::lenient, n);
    Life life(*disk);
    life.make_store();
    life.open_store();
    disk->freeze_at_call(disk->changes() + n);
    while (life.db().commit(put("k", 3000), Durability::visible).is_ok()) continue;
    EXPECT_TRUE(disk->is_frozen());
    EXPECT_FALSE(life.home().write_identity("me").is_ok());
  }
}

}  // namespace
}  // namespace synod::sim
