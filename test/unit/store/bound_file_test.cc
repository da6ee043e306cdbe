// The two files of the bound, and what is left of them after torn writes and damage.
#include "store/bound_file.h"

#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/codec.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::slurp;
using test::spit;

Bound bound_of(uint64_t sequence) {
  Bound bound{sequence, {Version(sequence * 2), {}}, {sequence + 7, MemberId(3)}};
  bound.last.hash.bytes[5] = static_cast<uint8_t>(sequence);
  return bound;
}

class BoundFileTest : public testing::Test {
 protected:
  // What a new process finds: the sequence number, or the error.
  std::string read(uint64_t store = 1) {
    const Result<Bound> bound = BoundFile(posix_files(), dir_.path()).read(store);
    if (!bound) return bound.error().to_string();
    EXPECT_EQ(*bound, bound_of(bound->sequence));
    return std::to_string(bound->sequence);
  }
  void write(BoundFile& file, uint64_t sequence) {
    const Status written = file.write(bound_of(sequence));
    ASSERT_TRUE(written.is_ok()) << written.to_string();
  }
  std::string path(int number) { return dir_ / ("bound." + std::to_string(number)); }
  // The file that the write of this sequence number went to.
  std::string path_of(uint64_t sequence) {
    for (const int number : {1, 2}) {
      if (static_cast<uint8_t>(slurp(path(number))[35]) == sequence) return path(number);
    }
    return "none";
  }

  test::TempDir dir_;
};

TEST_F(BoundFileTest, a_missing_bound_is_corruption) {
  EXPECT_NE(read().find("are missing"), std::string::npos) << read();
}

TEST_F(BoundFileTest, the_last_bound_written_is_read_and_writes_take_turns) {
  BoundFile file(posix_files(), dir_.path());
  ASSERT_TRUE(file.write(1, bound_of(1)).is_ok());
  EXPECT_EQ(read(), "1");
  write(file, 2);
  std::string last = path_of(2);
  for (uint64_t sequence = 3; sequence < 7; ++sequence) {
    write(file, sequence);
    EXPECT_EQ(read(), std::to_string(sequence));
    EXPECT_NE(path_of(sequence), last);
    last = path_of(sequence);
    for (const int number : {1, 2}) EXPECT_EQ(slurp(path(number)).size(), 4096U);
  }
}

TEST_F(BoundFileTest, the_stored_form_is_the_one_that_the_documentation_states) {
  BoundFile file(posix_files(), dir_.path());
  ASSERT_TRUE(file.write(6, bound_of(1)).is_ok());
  const std::string expected(
      "synodbnd\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02"
      "\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x03",
      76);
  EXPECT_EQ(slurp(path(1)).substr(0, 76), expected);
  EXPECT_EQ(slurp(path(1)).substr(84), std::string(4096 - 84, '\0'));
}

TEST_F(BoundFileTest, every_torn_write_leaves_the_bound_before_or_the_new_one) {
  BoundFile file(posix_files(), dir_.path());
  ASSERT_TRUE(file.write(1, bound_of(1)).is_ok());
  for (uint64_t sequence = 2; sequence < 5; ++sequence) {
    std::map<std::string, std::string> before{{path(1), slurp(path(1))}, {path(2), slurp(path(2))}};
    write(file, sequence);
    const std::string written = path_of(sequence);
    const std::string after = slurp(written);
    for (size_t length = 0; length < 100; ++length) {
      // In order, and the other way round; and nothing but zeros behind.
      spit(written, after.substr(0, length) + before[written].substr(length));
      EXPECT_EQ(read(), std::to_string(length < 84 ? sequence - 1 : sequence));
      spit(written, before[written].substr(0, length) + after.substr(length));
      const std::string found = read();
      EXPECT_TRUE(found == std::to_string(sequence) || found == std::to_string(sequence - 1)) << found;
      spit(written, after.substr(0, length) + std::string(4096 - length, '\0'));
      EXPECT_EQ(read(), std::to_string(length < 84 ? sequence - 1 : sequence));
    }
    spit(written, after);
  }
}

TEST_F(BoundFileTest, a_write_after_a_torn_one_spares_the_bound_that_counts) {
  BoundFile file(posix_files(), dir_.path());
  ASSERT_TRUE(file.write(1, bound_of(1)).is_ok());
  write(file, 2);
  write(file, 3);
  const std::string kept = path_of(2);
  spit(path_of(3), "torn");
  BoundFile restarted(posix_files(), dir_.path());
  ASSERT_EQ(restarted.read(1)->sequence, 2U);
  const std::string before = slurp(kept);
  write(restarted, 4);
  EXPECT_EQ(slurp(kept), before);
  EXPECT_EQ(read(), "4");
}

TEST_F(BoundFileTest, one_bad_or_missing_file_is_no_failure_and_two_are) {
  BoundFile file(posix_files(), dir_.path());
  ASSERT_TRUE(file.write(1, bound_of(1)).is_ok());
  write(file, 2);
  const std::string old_path = path_of(1);
  const std::string new_path = path_of(2);
  const std::string older = slurp(old_path);
  const std::string newer = slurp(new_path);
  spit(old_path, "bad");
  EXPECT_EQ(read(), "2");
  std::filesystem::remove(old_path);
  EXPECT_EQ(read(), "2");
  spit(new_path, "bad");
  EXPECT_NE(read().find("are damaged"), std::string::npos) << read();
  spit(old_path, older);
  EXPECT_EQ(read(), "1");
  std::filesystem::remove(new_path);
  EXPECT_EQ(read(), "1");
  BoundFile restarted(posix_files(), dir_.path());
  ASSERT_TRUE(restarted.read(1));
  write(restarted, 3);
  EXPECT_EQ(read(), "3");
  EXPECT_TRUE(std::filesystem::exists(new_path));
  for (size_t byte = 0; byte < 84; ++byte) {
    std::string flipped = newer;
    flipped[byte] = static_cast<char>(~flipped[byte]);
    spit(path(1), flipped);
    spit(path(2), flipped);
    EXPECT_NE(read().find("are damaged"), std::string::npos) << byte;
  }
}

TEST_F(BoundFileTest, a_number_of_the_write_that_leaves_none_for_the_next_is_damage) {
  BoundFile file(posix_files(), dir_.path());
  ASSERT_TRUE(file.write(1, bound_of(1)).is_ok());
  write(file, 2);
  std::string forged = slurp(path_of(2));
  forged.replace(12, 8, 8, '\xff');
  Bytes checksum;
  put_fixed64(checksum, checksum64(ByteView(forged).substr(0, 76)));
  spit(path_of(2), forged.replace(76, 8, checksum));
  EXPECT_EQ(read(), "1");
  BoundFile restarted(posix_files(), dir_.path());
  static_cast<void>(restarted.read(1));
  write(restarted, 3);
  EXPECT_EQ(read(), "3") << "the forged one must not stay the higher one for good";
}

TEST_F(BoundFileTest, the_bound_of_a_new_store_stands_beside_that_of_the_current_one) {
  BoundFile file(posix_files(), dir_.path());
  ASSERT_TRUE(file.write(1, bound_of(1)).is_ok());
  write(file, 2);
  ASSERT_TRUE(file.write(2, bound_of(9)).is_ok());
  EXPECT_EQ(read(1), "2");
  EXPECT_EQ(read(2), "9");
  EXPECT_NE(read(3).find("speak of another store"), std::string::npos) << read(3);
  // The pointer never moved: the current store goes on, and its bound is spared.
  BoundFile restarted(posix_files(), dir_.path());
  ASSERT_TRUE(restarted.read(1));
  const std::string kept = path_of(2);
  const std::string before = slurp(kept);
  write(restarted, 3);
  EXPECT_EQ(slurp(kept), before);
  EXPECT_EQ(read(1), "3");
}

}  // namespace
}  // namespace synod
