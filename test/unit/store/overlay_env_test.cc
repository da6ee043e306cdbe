#include "store/leveldb/overlay_env.h"

#include <gtest/gtest.h>
#include <algorithm>

#include "as_nobody.h"
#include "store/leveldb/level_db.h"
#include "store/leveldb/posix_env.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::batch_of;
using test::fingerprint;
using test::put;

// Files in every state: tables, and a log with entries.
void fill(const std::string& path) {
  {
    const auto db = test::open_level_db_for_test(path, OpenMode::create);
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(db->commit(batch_of(put(std::to_string(i), std::string(1000, 'x'))), Durability::visible).is_ok());
    }
  }
  const auto db = test::open_level_db_for_test(path, OpenMode::existing);
  ASSERT_TRUE(db->commit(batch_of(put("in the log", "only")), Durability::durable).is_ok());
}

void make_unwritable(const std::string& dir) {
  using std::filesystem::perms;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    std::filesystem::permissions(entry, entry.is_directory() ? perms(0555) : perms(0444));
  }
  std::filesystem::permissions(dir, perms(0555));
}

TEST(OverlayEnv, a_read_only_database_shows_everything_and_changes_nothing) {
  const test::TempDir dir;
  fill(dir / "db");
  const auto before = fingerprint(dir.path());
  {
    const auto db = open_level_db_read_only(dir / "db", {});
    ASSERT_TRUE(db) << db.error().to_string();
    EXPECT_EQ(test::dump(**db).size(), 301u);
    const auto value = (*db)->get(KeySpace::replicated, "in the log");
    ASSERT_TRUE(value);
    EXPECT_EQ(*value, "only");
    const Status refused = (*db)->commit(batch_of(put("k", "v")), Durability::durable);
    EXPECT_EQ(refused.code(), Code::refused);
    EXPECT_EQ(fingerprint(dir.path()), before);
  }
  EXPECT_EQ(fingerprint(dir.path()), before);
  const auto db = test::open_level_db_for_test(dir / "db", OpenMode::existing);
  EXPECT_EQ(test::dump(*db).size(), 301u);
}

TEST(OverlayEnv, no_write_permission_is_needed) {
  const test::TempDir dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  fill(dir / "db");
  make_unwritable(dir / "db");
  const auto before = fingerprint(dir.path());
  {
    const test::AsNobody nobody;
    const auto db = open_level_db_read_only(dir / "db", {});
    ASSERT_TRUE(db) << db.error().to_string();
    EXPECT_EQ(test::dump(**db).size(), 301u);
    EXPECT_FALSE(open_level_db(dir / "db", {}, OpenMode::existing, make_disk_env())) << "the permissions do bite";
  }
  EXPECT_EQ(fingerprint(dir.path()), before);
  std::filesystem::permissions(dir / "db", std::filesystem::perms(0755));
}

TEST(OverlayEnv, several_readers_share_a_database) {
  const test::TempDir dir;
  fill(dir / "db");
  const auto first = open_level_db_read_only(dir / "db", {});
  const auto second = open_level_db_read_only(dir / "db", {});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(test::dump(**first), test::dump(**second));
}

class OverlayFiles : public testing::Test {
 protected:
  std::string read(const std::string& name) {
    std::string bytes;
    const leveldb::Status status = leveldb::ReadFileToString(&env_, dir_ / name, &bytes);
    return status.ok() ? bytes : status.ToString();
  }
  std::vector<std::string> children() {
    std::vector<std::string> names;
    EXPECT_TRUE(env_.GetChildren(dir_.path(), &names).ok());
    std::erase(names, ".");
    std::erase(names, "..");
    std::sort(names.begin(), names.end());
    return names;
  }

  test::TempDir dir_;
  OverlayEnv env_{std::make_shared<PosixEnv>()};
};

TEST_F(OverlayFiles, new_files_hide_the_ones_below) {
  test::spit(dir_ / "a", "below");
  EXPECT_EQ(read("a"), "below");
  ASSERT_TRUE(leveldb::WriteStringToFile(&env_, "above", dir_ / "a").ok());
  EXPECT_EQ(read("a"), "above");
  EXPECT_EQ(test::slurp(dir_ / "a"), "below");
  uint64_t size = 0;
  ASSERT_TRUE(env_.GetFileSize(dir_ / "a", &size).ok());
  EXPECT_EQ(size, 5u);
}

TEST_F(OverlayFiles, removed_and_renamed_files_stay_below) {
  test::spit(dir_ / "a", "A");
  test::spit(dir_ / "b", "B");
  ASSERT_TRUE(env_.RemoveFile(dir_ / "a").ok());
  ASSERT_TRUE(env_.RenameFile(dir_ / "b", dir_ / "c").ok());
  EXPECT_FALSE(env_.FileExists(dir_ / "a"));
  EXPECT_FALSE(env_.FileExists(dir_ / "b"));
  EXPECT_EQ(read("c"), "B");
  EXPECT_EQ(children(), std::vector<std::string>{"c"});
  EXPECT_TRUE(env_.RemoveFile(dir_ / "a").IsNotFound());
  EXPECT_TRUE(env_.RenameFile(dir_ / "a", dir_ / "d").IsNotFound());
  EXPECT_EQ(test::slurp(dir_ / "a"), "A");
  EXPECT_EQ(test::slurp(dir_ / "b"), "B");
}

TEST_F(OverlayFiles, random_reads_see_memory_and_disk) {
  test::spit(dir_ / "a", "0123456789");
  ASSERT_TRUE(leveldb::WriteStringToFile(&env_, "abcdefghij", dir_ / "b").ok());
  for (const std::string name : {"a", "b"}) {
    leveldb::RandomAccessFile* opened = nullptr;
    ASSERT_TRUE(env_.NewRandomAccessFile(dir_ / name, &opened).ok());
    const std::unique_ptr<leveldb::RandomAccessFile> file(opened);
    char scratch[8];
    leveldb::Slice slice;
    ASSERT_TRUE(file->Read(3, 4, &slice, scratch).ok());
    EXPECT_EQ(slice.ToString(), name == "a" ? "3456" : "defg");
    ASSERT_TRUE(file->Read(8, 8, &slice, scratch).ok());
    EXPECT_EQ(slice.size(), 2u) << "a read over the end is short";
    ASSERT_TRUE(file->Read(100, 8, &slice, scratch).ok());
    EXPECT_TRUE(slice.empty());
  }
}

}  // namespace
}  // namespace synod
