#include "store/twin_file.h"

#include <gtest/gtest.h>

#include "as_nobody.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::slurp;
using test::spit;

class TwinFileTest : public testing::Test {
 protected:
  Bytes read() {
    const Result<std::optional<Bytes>> record = TwinFile(posix_files(), dir_.path(), "id").read();
    if (!record) return record.error().to_string();
    return record->value_or("(none)");
  }
  void write(ByteView record) {
    const Status written = TwinFile(posix_files(), dir_.path(), "id").write(record);
    ASSERT_TRUE(written.is_ok()) << written.to_string();
  }
  std::string copy(int number) { return dir_ / ("id." + std::to_string(number)); }

  test::TempDir dir_;
};

TEST_F(TwinFileTest, there_is_nothing_before_the_first_write) { EXPECT_EQ(read(), "(none)"); }

TEST_F(TwinFileTest, the_last_record_written_is_read) {
  for (const ByteView record : {"first", "a second and longer one", "3", ""}) {
    write(record);
    EXPECT_EQ(read(), record);
  }
}

TEST_F(TwinFileTest, both_copies_hold_the_record) {
  write("long old record");
  write("new");
  for (const int lost : {1, 2}) {
    const std::string kept = slurp(copy(lost));
    std::filesystem::remove(copy(lost));
    EXPECT_EQ(read(), "new");
    spit(copy(lost), kept);
  }
}

TEST_F(TwinFileTest, the_stored_form_is_the_one_that_the_documentation_states) {
  write("abc");
  const std::string bytes = slurp(copy(1));
  const char expected[] =
      "synodtwn\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x03"
      "abc";
  const std::string covered(expected, sizeof expected - 1);
  ASSERT_EQ(bytes.size(), covered.size() + 8);
  EXPECT_EQ(bytes.substr(0, covered.size()), covered);
  EXPECT_EQ(bytes, slurp(copy(2)));
}

// A crash at any byte of the write of the first copy, then of the second; in each state the record is read, and a
// following write, again cut at the worst places, still leaves one of the two records.
TEST_F(TwinFileTest, a_write_torn_at_any_byte_leaves_the_old_or_the_new_record) {
  for (const std::string next : {"NEW!", "n", "a new record that is longer than the old one"}) {
    write("the old record");
    const std::string old_bytes[] = {slurp(copy(1)), slurp(copy(2))};
    write(next);
    const std::string new_bytes = slurp(copy(1));
    for (size_t cut = 0; cut <= new_bytes.size(); ++cut) {
      for (const bool is_second : {false, true}) {
        std::string torn = new_bytes.substr(0, cut);
        const std::string& below = old_bytes[is_second ? 1 : 0];
        if (cut < below.size()) torn += below.substr(cut);
        spit(copy(1), is_second ? new_bytes : torn);
        spit(copy(2), is_second ? torn : old_bytes[1]);
        const Bytes seen = read();
        if (is_second) {
          EXPECT_EQ(seen, next);
        } else {
          EXPECT_TRUE(seen == "the old record" || seen == next) << seen << " at " << cut;
        }
      }
    }
    for (const int number : {1, 2}) std::filesystem::remove(copy(number));
  }
}

TEST_F(TwinFileTest, a_write_torn_out_of_order_leaves_the_old_record) {
  write("the old record");
  const std::string old_bytes = slurp(copy(1));
  write("the NEW record");
  const std::string new_bytes = slurp(copy(1));
  for (size_t begin = 0; begin < new_bytes.size(); ++begin) {
    for (size_t end = begin; end <= new_bytes.size(); ++end) {
      spit(copy(1), old_bytes.substr(0, begin) + new_bytes.substr(begin, end - begin) + old_bytes.substr(end));
      spit(copy(2), old_bytes);
      const Bytes seen = read();
      ASSERT_TRUE(seen == "the old record" || seen == "the NEW record") << seen << begin << "-" << end;
    }
  }
}

// After a torn write of one copy the other is the only good one: the next write must not begin with it. Here that other
// cannot be written at all, and yet the first half of the write has taken place.
TEST_F(TwinFileTest, the_only_valid_copy_is_never_the_first_to_be_overwritten) {
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
  for (const int torn : {1, 2}) {
    write("good");
    spit(copy(torn), "torn");
    std::filesystem::permissions(copy(torn), std::filesystem::perms(0666));
    std::filesystem::permissions(copy(3 - torn), std::filesystem::perms(0444));
    EXPECT_EQ(read(), "good");
    {
      const test::AsNobody nobody;
      EXPECT_FALSE(TwinFile(posix_files(), dir_.path(), "id").write("next").is_ok());
    }
    EXPECT_EQ(read(), "next");
    std::filesystem::remove(copy(3 - torn));
    EXPECT_EQ(read(), "next") << "and it is in the copy that was torn";
  }
}

TEST_F(TwinFileTest, what_is_written_once_leaves_the_record_before_in_the_other_copy) {
  const auto write_once = [&](ByteView record) {
    EXPECT_TRUE(TwinFile(posix_files(), dir_.path(), "id").write_once(record).is_ok());
  };
  write_once("first");
  EXPECT_FALSE(std::filesystem::exists(copy(2)));
  Bytes before = "first";
  for (const char* const record : {"second", "third", "fourth"}) {
    write_once(record);
    EXPECT_EQ(read(), record);
    for (const int damaged : {1, 2}) {
      const Bytes whole = slurp(copy(damaged));
      spit(copy(damaged), "torn");
      EXPECT_EQ(read(), whole.find(record) == Bytes::npos ? Bytes(record) : before);
      spit(copy(damaged), whole);
    }
    before = record;
  }
  ASSERT_TRUE(TwinFile(posix_files(), dir_.path(), "id").remove().is_ok());
  EXPECT_EQ(read(), "(none)");
  EXPECT_TRUE(TwinFile(posix_files(), dir_.path(), "id").remove().is_ok()) << "which is no failure";
}

TEST_F(TwinFileTest, every_flipped_bit_of_a_copy_is_noticed) {
  write("record");
  const std::string good = slurp(copy(1));
  spit(copy(2), "");
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      spit(copy(1), bad);
      const Result<std::optional<Bytes>> record = TwinFile(posix_files(), dir_.path(), "id").read();
      ASSERT_FALSE(record);
      EXPECT_EQ(record.error().code(), Code::corruption);
    }
  }
}

TEST_F(TwinFileTest, a_first_write_that_broke_off_has_left_nothing) {
  write("record");
  const std::string whole = slurp(copy(1));
  std::filesystem::remove(copy(2));
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    spit(copy(1), whole.substr(0, cut));
    EXPECT_EQ(read(), "(none)") << cut;
  }
  std::filesystem::remove(copy(1));
  spit(copy(2), "torn");
  EXPECT_FALSE(TwinFile(posix_files(), dir_.path(), "id").read()) << "the second is not made before the first is whole";
}

TEST_F(TwinFileTest, two_damaged_copies_are_corruption_that_names_both) {
  spit(copy(1), "");
  spit(copy(2), "synodtwn");
  const Result<std::optional<Bytes>> record = TwinFile(posix_files(), dir_.path(), "id").read();
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().code(), Code::corruption);
  EXPECT_NE(record.error().message().find(copy(1)), std::string::npos);
  EXPECT_NE(record.error().message().find(copy(2)), std::string::npos);
  write("a writer may decide to begin anew");
  EXPECT_EQ(read(), "a writer may decide to begin anew");
}

}  // namespace
}  // namespace synod
