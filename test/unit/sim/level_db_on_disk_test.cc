// LevelDB on a SimDisk is an ordinary database, and never waits for a thread.
#include <gtest/gtest.h>

#include "disk_run.h"
#include "test/unit/store/key_value_db_suite.h"

namespace synod::sim {
namespace {

// An empty database with its disk.
class DiskDb final : public KeyValueDB {
 public:
  explicit DiskDb(DiskKind kind) : disk_(make_disk(kind, 1)), home_(disk_->start_life()) {
    Result<StoreHome::NewStore> made = (*home_)->create_store(small_buffers);
    EXPECT_TRUE(made) << made.error().to_string();
    db_ = std::move(made->db);
  }

  using KeyValueDB::new_iterator;
  Status commit(const DbBatch& batch, Durability durability) override { return db_->commit(batch, durability); }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override { return db_->get(space, key); }
  std::unique_ptr<DbIterator> new_iterator() const override { return db_->new_iterator(); }

  MemberDisk& disk() { return *disk_; }
  StoreHome& home() { return **home_; }

 private:
  std::unique_ptr<MemberDisk> disk_;
  Result<std::unique_ptr<StoreHome>> home_;
  std::unique_ptr<KeyValueDB> db_;
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
  for (uint64_t capacity = 20'000; capacity < 390'000; capacity += 7'919) {
    LevelDbDisk disk({.is_strict = true, .seed = capacity});
    CommitRun run(300, 1500);
    {
      Life life(disk);
      life.form();
      life.open_store();
      ASSERT_TRUE(life.status().is_ok()) << life.status().to_string();
      disk.disk().set_capacity(capacity);
      run.go(life.engine());
      disk.disk().set_capacity(0);
      EXPECT_FALSE(run.failure().is_ok()) << "with " << capacity;
      EXPECT_FALSE(life.db().commit(put("more", 10), Durability::durable).is_ok()) << "space again, too late";
    }
    Life after(disk);
    after.open_store();
    ASSERT_TRUE(after.status().is_ok()) << after.status().to_string() << " with " << capacity;
    const uint64_t found = run.commits_in(after.db());
    EXPECT_GE(found, run.done()) << "with " << capacity;
    run.resume_after(found);
    run.go(after.engine(), found + 3);
    EXPECT_EQ(run.done(), found + 3) << run.failure().to_string();
  }
}

// Of all that a life finds; nothing if it meets an error.
std::optional<Digest> digest_of_all(MemberDisk& disk) {
  Life life(disk);
  life.open_store();
  if (!life.status().is_ok()) return std::nullopt;
  const std::unique_ptr<DbIterator> at = life.db().new_iterator();
  Digester digester;
  for (at->seek_to_first(); at->is_valid(); at->next()) digester.add(at->key()).add(at->value());
  return at->status().is_ok() ? std::optional<Digest>(digester.finish()) : std::nullopt;
}

// Each read of an open and of a walk over the whole database fails once: an error, or the right answer.
TEST(LevelDbOnDisk, a_read_that_fails_is_an_error_and_never_a_wrong_answer) {
  LevelDbDisk disk(SimDisk::Options{});
  CommitRun run(150, 1500);
  {
    Life life(disk);
    life.form();
    life.open_store();
    run.go(life.engine());
  }
  const Digest expected = *digest_of_all(*disk.durable_copy());
  int failures = 0;
  bool has_met = true;
  for (uint64_t n = 1; has_met; ++n) {
    ASSERT_LT(n, 10'000U);
    has_met = false;
    const std::unique_ptr<MemberDisk> copy = disk.durable_copy();
    copy->fail({.call = DiskCall::read, .nth = n});
    copy->on_call([&](const DiskEvent& event) { has_met |= event.error != DiskError::none; });
    const std::optional<Digest> found = digest_of_all(*copy);
    if (!found) ++failures;
    EXPECT_TRUE(!found || *found == expected) << "read " << n << " failed, and nobody said so";
  }
  EXPECT_GT(failures, 5);
}

TEST(LevelDbOnDisk, a_frozen_disk_ends_writes_and_closes_at_any_call) {
  for (uint64_t n = 1; n < 400; n += 7) {
    DiskDb db(DiskKind::lenient);
    db.disk().freeze_at_call(db.disk().changes() + n);
    while (db.commit(put("k", 3000), Durability::visible).is_ok()) continue;
    EXPECT_TRUE(db.disk().is_frozen());
    EXPECT_FALSE(db.home().write_identity("me").is_ok());
  }
}

}  // namespace
}  // namespace synod::sim
