#include "base/bytes.h"

#include <gtest/gtest.h>

namespace synod {
namespace {

TEST(SharedBytesTest, the_default_is_empty) {
  const SharedBytes bytes;
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(bytes.size(), 0U);
  EXPECT_EQ(bytes, SharedBytes(""));
}

TEST(SharedBytesTest, a_copy_shares_the_buffer) {
  const SharedBytes bytes = SharedBytes::copy_of("hello, long enough to be on the heap");
  const SharedBytes copy = bytes;  // NOLINT(performance-unnecessary-copy-initialization): it is what is tested
  EXPECT_EQ(copy.view().data(), bytes.view().data());
  EXPECT_EQ(copy, bytes);
}

TEST(SharedBytesTest, equality_is_of_the_bytes) {
  EXPECT_EQ(SharedBytes("abc"), SharedBytes("xabcx").slice(1, 3));
  EXPECT_FALSE(SharedBytes("abc") == SharedBytes("abd"));
}

TEST(SharedBytesTest, a_slice_outlives_what_it_was_cut_from) {
  SharedBytes slice;
  {
    const SharedBytes whole("short");
    slice = whole.slice(1, 3);
    EXPECT_EQ(slice.view().data(), whole.view().data() + 1);
  }
  EXPECT_EQ(slice.view(), "hor");
}

TEST(SharedBytesTest, a_slice_of_a_slice_counts_from_the_slice) {
  EXPECT_EQ(SharedBytes("abcdef").slice(1, 4).slice(1, 2).view(), "cd");
  EXPECT_TRUE(SharedBytes("abc").slice(3, 0).empty());
}

TEST(SharedBytesTest, a_short_string_stays_where_it_is_when_the_handle_moves) {
  SharedBytes bytes("ab");
  const char* before = bytes.view().data();
  const SharedBytes moved = std::move(bytes);
  EXPECT_EQ(moved.view().data(), before);
  EXPECT_EQ(moved.view(), "ab");
}

TEST(SharedBytesDeathTest, asserts_on_a_slice_outside) {
  const SharedBytes bytes("abc");
  EXPECT_DEATH(static_cast<void>(bytes.slice(1, 3)), "slice outside");
  EXPECT_DEATH(static_cast<void>(bytes.slice(4, 0)), "slice outside");
  EXPECT_DEATH(static_cast<void>(bytes.slice(1, SIZE_MAX)), "slice outside");
}

TEST(PrefixEndTest, is_the_first_key_behind_all_that_start_with_the_prefix) {
  EXPECT_EQ(prefix_end("a"), "b");
  EXPECT_EQ(prefix_end("kv/k/"), "kv/k0");
  EXPECT_EQ(prefix_end(ByteView("a\0", 2)), ByteView("a\x01", 2));
  EXPECT_EQ(prefix_end("\x7f"), "\x80");
}

TEST(PrefixEndTest, drops_bytes_that_have_no_successor) {
  EXPECT_EQ(prefix_end("a\xff"), "b");
  EXPECT_EQ(prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(prefix_end("\xfe\xff"), "\xff");
}

TEST(PrefixEndTest, is_empty_when_there_is_none) {
  EXPECT_EQ(prefix_end(""), "");
  EXPECT_EQ(prefix_end("\xff"), "");
  EXPECT_EQ(prefix_end("\xff\xff\xff"), "");
}

TEST(PrefixEndTest, parts_keys_with_the_prefix_from_those_behind) {
  for (ByteView prefix : {ByteView("a"), ByteView("a\xff"), ByteView("k\0", 2)}) {
    const Bytes end = prefix_end(prefix);
    EXPECT_LT(Bytes(prefix) + "\xff\xff\xff", end);
    EXPECT_FALSE(ByteView(end).starts_with(prefix));
  }
}

}  // namespace
}  // namespace synod
