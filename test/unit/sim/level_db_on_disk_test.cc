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

// After a short write the log has a hole behind which nothing may be written; with space again, a restart goes on.
TEST(LevelDbOnDisk, a_full_disk_ends_the_commits_and_a_restart_finds_them_all) {
  for (uint64_t capacity = 20'000; capacity < 400'000; capacity += 7'919) {
    LevelDbDisk disk({.is_strict = true, .seed = capacity});
    CommitRun run(300, 1500);
    {
      Life life(disk);
      life.make_store();
      life.open_store();
      ASSERT_TRUE(life.status().is_ok()) << life.status().to_string();
      disk.disk().set_capacity(capacity);
      run.go(life.db(), &life.home());
      disk.disk().set_capacity(0);
      EXPECT_FALSE(run.failure().is_ok());
      EXPECT_FALSE(life.db().commit(put("more", 10), Durability::durable).is_ok()) << "space again, too late";
    }
    Life after(disk);
    after.open_store();
    ASSERT_TRUE(after.status().is_ok()) << after.status().to_string() << " with " << capacity;
    EXPECT_GE(run.commits_in(after.db()), run.done()) << "with " << capacity;
    ASSERT_TRUE(after.db().commit(put("more", 10), Durability::durable).is_ok());
  }
}

// Each read of an open and of a walk over the whole database fails once: an error, or the right answer.
TEST(LevelDbOnDisk, a_read_that_fails_is_an_error_and_never_a_wrong_answer) {
  LevelDbDisk disk(SimDisk::Options{});
  CommitRun run(150, 1500);
  {
    Life life(disk);
    life.make_store();
    life.open_store();
    run.go(life.db(), &life.home());
  }
  int failures = 0;
  bool has_met = true;
  for (uint64_t n = 1; has_met; ++n) {
    ASSERT_LT(n, 10'000U);
    has_met = false;
    const std::unique_ptr<MemberDisk> copy = disk.durable_copy();
    copy->fail({.call = DiskCall::read, .nth = n});
    copy->on_call([&](const DiskEvent& event) { has_met |= event.error != DiskError::none; });
    Life life(*copy);
    life.open_store();
    if (!life.status().is_ok()) {
      ++failures;
      continue;
    }
    const std::unique_ptr<DbIterator> at = life.db().new_iterator();
    std::vector<Bytes> keys;
    for (at->seek_to_first(); at->is_valid(); at->next()) keys.emplace_back(at->key());
    if (!at->status().is_ok()) {
      ++failures;
      continue;
    }
    EXPECT_EQ(keys.size(), 21U) << "read " << n << " failed, and nobody said so";
  }
  EXPECT_GT(failures, 5);
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
