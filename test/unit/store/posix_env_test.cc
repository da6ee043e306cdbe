// LevelDB's files on the disk: what is appended is there, whatever its size, and what goes wrong is told.
#include "store/leveldb/posix_env.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "store/files.h"
#include "temp_dir.h"

namespace synod {
namespace {

class PosixEnvTest : public testing::Test {
 protected:
  std::unique_ptr<leveldb::WritableFile> create(const std::string& path) {
    leveldb::WritableFile* file = nullptr;
    const leveldb::Status made = env_.NewWritableFile(path, &file);
    EXPECT_TRUE(made.ok()) << made.ToString();
    return std::unique_ptr<leveldb::WritableFile>(file);
  }
  std::string write_file(const std::string& name, size_t bytes) {
    const std::unique_ptr<leveldb::WritableFile> file = create(dir_ / name);
    EXPECT_TRUE(file->Append(std::string(bytes, 'x')).ok());
    EXPECT_TRUE(file->Close().ok());
    return dir_ / name;
  }

  test::TempDir dir_;
  PosixEnv env_;
};

TEST_F(PosixEnvTest, what_is_appended_in_any_pieces_is_in_the_file_once_and_in_order) {
  Bytes expected;
  {
    const auto file = create(dir_ / "file");
    // Below, at and above what is kept back, and over many pieces that are written back.
    for (const size_t bytes : {1U, 65535U, 1U, 65536U, 65537U, 0U, 4096U, 3U << 20, 100U, 700U << 10, 512U << 10}) {
      for (int i = 0; i < 3; ++i) {
        const Bytes data(bytes, static_cast<char>('a' + expected.size() % 26));
        ASSERT_TRUE(file->Append(data).ok());
        expected += data;
      }
      ASSERT_TRUE(bytes % 2 == 0 ? file->Flush().ok() : file->Sync().ok());
    }
    ASSERT_TRUE(file->Flush().ok());
    EXPECT_EQ(*read_file(dir_ / "file"), expected) << "a reader sees what is flushed";
    ASSERT_TRUE(file->Append("the end").ok());
    expected += "the end";
  }
  EXPECT_EQ(*read_file(dir_ / "file"), expected) << "LevelDB destroys a log that it has not closed";
}

TEST_F(PosixEnvTest, a_file_that_is_there_is_replaced) {
  const std::string path = write_file("file", 1000);
  static_cast<void>(create(path)->Append("new"));
  EXPECT_EQ(*read_file(path), "new");
}

TEST_F(PosixEnvTest, a_full_disk_is_told_by_the_call_that_meets_it) {
  const auto file = create("/dev/full");
  EXPECT_TRUE(file->Append("little").ok()) << "it is kept back";
  const leveldb::Status flushed = file->Flush();
  EXPECT_TRUE(flushed.IsIOError());
  EXPECT_NE(flushed.ToString().find("/dev/full: No space left on device"), std::string::npos) << flushed.ToString();
  EXPECT_TRUE(file->Append(std::string(1 << 20, 'x')).IsIOError());
}

TEST_F(PosixEnvTest, what_cannot_be_created_or_removed_is_told) {
  leveldb::WritableFile* file = nullptr;
  EXPECT_TRUE(env_.NewWritableFile(dir_ / "missing/file", &file).IsNotFound());
  EXPECT_EQ(file, nullptr);
  EXPECT_TRUE(env_.RemoveFile(dir_ / "missing").IsNotFound());
  EXPECT_TRUE(env_.RemoveFile(dir_.path()).IsIOError());
}

TEST_F(PosixEnvTest, a_large_file_is_removed_and_one_with_a_second_name_keeps_its_bytes_there) {
  const std::string path = write_file("large", (5 << 20) + 17);
  std::filesystem::create_hard_link(path, dir_ / "link");
  ASSERT_TRUE(env_.RemoveFile(path).ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(std::filesystem::file_size(dir_ / "link"), (5U << 20) + 17) << "a clone has it";
  ASSERT_TRUE(env_.RemoveFile(dir_ / "link").ok());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "link"));
}

}  // namespace
}  // namespace synod
