#include "store/leveldb/level_db.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <random>

#include "base/codec.h"
#include "counting_env.h"
#include "store/leveldb/hardened_env.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::batch_of;
using test::CountingEnv;
using test::EnvCall;
using test::put;

std::vector<std::filesystem::path> files_ending(const std::string& dir, const std::string& end) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().string().ends_with(end)) found.push_back(entry.path());
  }
  return found;
}

TEST(LevelDb, a_database_survives_being_closed) {
  const test::TempDir dir;
  {
    const auto db = test::open_level_db_for_test(dir / "db", OpenMode::create);
    ASSERT_TRUE(db->commit(batch_of(put("k", "v")), Durability::visible).is_ok());
  }
  const auto db = test::open_level_db_for_test(dir / "db", OpenMode::existing);
  EXPECT_EQ(test::dump(*db), std::vector<std::string>{"r k=v"});
}

TEST(LevelDb, the_share_before_a_key_is_known_of_what_is_in_tables) {
  const test::TempDir dir;
  auto key = [](uint64_t i) { return fmt::format("k{:04}", i); };
  std::mt19937_64 random(1);  // does not compress
  {
    const auto db = test::open_level_db_for_test(dir / "db", OpenMode::create, 32 << 20);
    for (uint64_t i = 0; i < 1000; ++i) {
      Bytes value;
      for (int n = 0; n < 128; ++n) put_fixed64(value, random());
      ASSERT_TRUE(db->commit(batch_of(put(key(i), value)), Durability::visible).is_ok());
    }
    EXPECT_FALSE(db->share_before(KeySpace::replicated, key(500)));
  }
  const auto expect_known = [&](const KeyValueDB& db) {
    EXPECT_EQ(db.share_before(KeySpace::replicated, ""), 0.0);
    EXPECT_NEAR(db.share_before(KeySpace::replicated, key(500)).value_or(0), 0.5, 0.1);
    EXPECT_GT(db.share_before(KeySpace::replicated, "z"), 0.9);
    EXPECT_FALSE(db.share_before(KeySpace::local, "x")) << "there is nothing";
  };
  expect_known(**open_level_db_read_only(dir / "db", {}));
  expect_known(*test::open_level_db_for_test(dir / "db", OpenMode::existing));
}

TEST(LevelDb, opening_never_makes_a_database) {
  const test::TempDir dir;
  const auto db = open_level_db(dir / "db", {}, OpenMode::existing, make_disk_env());
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code(), Code::corruption);
  EXPECT_NE(db.error().message().find(dir / "db"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(dir / "db/CURRENT"));
}

TEST(LevelDb, a_lost_current_file_is_corruption_and_costs_no_table) {
  const test::TempDir dir;
  {
    const auto db = test::open_level_db_for_test(dir / "db", OpenMode::create);
    ASSERT_TRUE(db->commit(batch_of(put("k", "v")), Durability::durable).is_ok());
  }
  { test::open_level_db_for_test(dir / "db", OpenMode::existing); }
  ASSERT_FALSE(files_ending(dir / "db", ".ldb").empty());
  const std::string current = test::slurp(dir / "db/CURRENT");
  std::filesystem::remove(dir / "db/CURRENT");
  const auto refused = open_level_db(dir / "db", {}, OpenMode::existing, make_disk_env());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::corruption);
  test::spit(dir / "db/CURRENT", current);
  EXPECT_EQ(test::dump(*test::open_level_db_for_test(dir / "db", OpenMode::existing)).size(), 1u);
}

TEST(LevelDb, creating_never_replaces_a_database) {
  const test::TempDir dir;
  { test::open_level_db_for_test(dir / "db", OpenMode::create); }
  const auto again = open_level_db(dir / "db", {}, OpenMode::create, make_disk_env());
  EXPECT_FALSE(again);
}

TEST(LevelDb, a_path_is_opened_once_also_within_one_process) {
  const test::TempDir dir;
  const auto db = test::open_level_db_for_test(dir / "db", OpenMode::create);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto second = open_level_db(dir / "db", {}, OpenMode::existing, make_disk_env());
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message().find("already open"), std::string::npos) << second.error().message();
  }
}

TEST(LevelDb, every_durable_commit_is_one_sync_and_a_visible_one_none) {
  const test::TempDir dir;
  auto counting = std::make_shared<CountingEnv>();
  auto db = open_level_db(dir / "db", {}, OpenMode::create, std::make_shared<HardenedEnv>(counting));
  ASSERT_TRUE(db) << db.error().to_string();
  const int before = counting->file_syncs();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE((*db)->commit(batch_of(put("k", "v")), Durability::visible).is_ok());
  EXPECT_EQ(counting->file_syncs(), before);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE((*db)->commit(batch_of(put("k", "v")), Durability::durable).is_ok());
  EXPECT_EQ(counting->file_syncs(), before + 3);
  ASSERT_TRUE((*db)->commit(DbBatch(), Durability::durable).is_ok());
  EXPECT_EQ(counting->file_syncs(), before + 4) << "an empty durable commit forces out what came before";
}

TEST(LevelDb, a_synced_commit_survives_losing_unsynced_bytes) {
  const test::TempDir dir;
  auto counting = std::make_shared<CountingEnv>();
  auto db = open_level_db(dir / "db", {}, OpenMode::create, std::make_shared<HardenedEnv>(counting));
  ASSERT_TRUE(db);
  ASSERT_TRUE((*db)->commit(batch_of(put("a", "durable")), Durability::durable).is_ok());
  ASSERT_TRUE((*db)->commit(batch_of(put("b", "visible")), Durability::visible).is_ok());
  counting->copy_synced(dir / "db", dir / "after");
  const auto after = test::open_level_db_for_test(dir / "after", OpenMode::existing);
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(test::dump(*after), std::vector<std::string>{"r a=durable"});
}

TEST(LevelDb, after_a_failed_write_every_later_commit_fails_and_reads_go_on) {
  const test::TempDir dir;
  auto counting = std::make_shared<CountingEnv>();
  auto db = open_level_db(dir / "db", {}, OpenMode::create, std::make_shared<HardenedEnv>(counting));
  ASSERT_TRUE(db);
  ASSERT_TRUE((*db)->commit(batch_of(put("a", "1")), Durability::durable).is_ok());
  counting->set_fault([](EnvCall call, const std::string&) {
    return call == EnvCall::append ? leveldb::Status::IOError("no space") : leveldb::Status::OK();
  });
  const Status failed = (*db)->commit(batch_of(put("b", "2")), Durability::durable);
  EXPECT_EQ(failed.code(), Code::io_error);
  EXPECT_NE(failed.message().find("no space"), std::string::npos);
  counting->set_fault(nullptr);
  for (int i = 0; i < 3; ++i) {
    const Status later = (*db)->commit(batch_of(put("c", "3")), Durability::durable);
    EXPECT_EQ(later.code(), Code::io_error);
    EXPECT_NE(later.message().find("no space"), std::string::npos) << "the first reason is named";
  }
  EXPECT_EQ(test::dump(**db), std::vector<std::string>{"r a=1"});
}

TEST(LevelDb, a_full_disk_is_told_with_what_to_do_about_it) {
  const test::TempDir dir;
  auto counting = std::make_shared<CountingEnv>();
  auto db = open_level_db(dir / "db", {}, OpenMode::create, std::make_shared<HardenedEnv>(counting));
  ASSERT_TRUE(db);
  counting->set_fault([](EnvCall call, const std::string&) {
    return call == EnvCall::append ? leveldb::Status::IOError("FILE", std::strerror(ENOSPC)) : leveldb::Status::OK();
  });
  const Status failed = (*db)->commit(batch_of(put("a", "1")), Durability::durable);
  EXPECT_EQ(failed.code(), Code::exhausted);
  EXPECT_EQ(failed.message(), fmt::format("cannot write to the store {}: IO error: FILE: No space left on device; make "
                                          "room there and start again",
                                          dir / "db"));
  EXPECT_EQ((*db)->commit(batch_of(put("b", "2")), Durability::durable).code(), Code::exhausted);
}

// LevelDB itself would take the later ones, behind a hole in its log.
TEST(LevelDb, later_commits_fail_also_where_the_env_forgets_a_failure) {
  const test::TempDir dir;
  auto counting = std::make_shared<CountingEnv>();
  auto db = open_level_db(dir / "db", {}, OpenMode::create, counting);
  ASSERT_TRUE(db);
  counting->set_fault([](EnvCall call, const std::string&) {
    return call == EnvCall::append ? leveldb::Status::IOError("no space") : leveldb::Status::OK();
  });
  EXPECT_FALSE((*db)->commit(batch_of(put("a", "1")), Durability::visible).is_ok());
  counting->set_fault(nullptr);
  EXPECT_EQ((*db)->commit(batch_of(put("b", "2")), Durability::durable).code(), Code::io_error);
  EXPECT_TRUE(test::dump(**db).empty());
}

TEST(LevelDb, a_flipped_bit_in_a_table_is_an_error_and_never_a_wrong_value) {
  const test::TempDir dir;
  {
    const auto db = test::open_level_db_for_test(dir / "db", OpenMode::create);
    ReplicatedTransaction fill;
    for (int i = 1000; i < 1500; ++i) fill.put(std::to_string(i), test::shared("value" + std::to_string(i * 7919)));
    ASSERT_TRUE(db->commit(batch_of(fill), Durability::durable).is_ok());
  }
  { test::open_level_db_for_test(dir / "db", OpenMode::existing); }  // moves the log into a table
  const auto tables = files_ending(dir / "db", ".ldb");
  ASSERT_EQ(tables.size(), 1u);
  const std::string good = test::slurp(tables[0]);
  int seen = 0;
  for (size_t at = 100; at < good.size() / 2; at += 397) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    test::spit(tables[0], bad);
    const auto db = open_level_db_read_only(dir / "db", {});
    if (!db) {
      EXPECT_EQ(db.error().code(), Code::corruption);
      ++seen;
      continue;
    }
    const std::unique_ptr<DbIterator> iterator = (*db)->new_iterator();
    for (iterator->seek_to_first(); iterator->is_valid(); iterator->next()) {
      ASSERT_EQ(iterator->value(), "value" + std::to_string(std::stoi(Bytes(iterator->key())) * 7919));
    }
    if (!iterator->status().is_ok()) {
      EXPECT_EQ(iterator->status().code(), Code::corruption);
      ++seen;
    }
  }
  EXPECT_GT(seen, 2);
}

TEST(LevelDb, a_key_of_no_known_space_ends_the_iteration_with_corruption) {
  const test::TempDir dir;
  {
    const auto db = test::open_level_db_for_test(dir / "db", OpenMode::create);
    DbBatch batch = batch_of(put("a", "1"));
    ASSERT_TRUE(db->commit(batch, Durability::durable).is_ok());
    const_cast<std::vector<DbBatch::Part>&>(batch.parts()).front().space = static_cast<KeySpace>('z');
    ASSERT_TRUE(db->commit(batch, Durability::durable).is_ok());
  }
  const auto db = test::open_level_db_for_test(dir / "db", OpenMode::existing);
  const std::unique_ptr<DbIterator> iterator = db->new_iterator();
  int keys = 0;
  for (iterator->seek_to_first(); iterator->is_valid(); iterator->next()) ++keys;
  EXPECT_EQ(keys, 1);
  EXPECT_EQ(iterator->status().code(), Code::corruption);
}

}  // namespace
}  // namespace synod
