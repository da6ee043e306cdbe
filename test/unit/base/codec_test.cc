#include "base/codec.h"

#include <gtest/gtest.h>

#include <vector>

namespace synod {
namespace {

Bytes fixed64(uint64_t number) {
  Bytes out;
  put_fixed64(out, number);
  return out;
}

TEST(CodecTest, numbers_are_big_endian) {
  Bytes out;
  put_fixed32(out, 0x01020304);
  put_fixed64(out, 0x05060708090a0b0c);
  EXPECT_EQ(out, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c");
}

TEST(CodecTest, encoded_numbers_sort_as_numbers_do) {
  const std::vector<uint64_t> ascending = {0,         1, 127, 128, 255, 256, 0x7fffffff, 0x80000000, UINT64_MAX - 1,
                                           UINT64_MAX};
  for (size_t i = 1; i < ascending.size(); ++i) EXPECT_LT(fixed64(ascending[i - 1]), fixed64(ascending[i]));
}

TEST(CodecTest, what_was_put_is_read_back) {
  Bytes out;
  put_fixed32(out, UINT32_MAX);
  put_fixed64(out, UINT64_MAX);
  put_field(out, ByteView("a\0b", 3));
  put_field(out, "");
  out += '\x2a';
  Decoder in(out);
  EXPECT_EQ(in.fixed32(), UINT32_MAX);
  EXPECT_EQ(in.fixed64(), UINT64_MAX);
  EXPECT_EQ(in.field(), ByteView("a\0b", 3));
  EXPECT_EQ(in.field(), "");
  EXPECT_FALSE(in.is_complete());
  EXPECT_EQ(in.remaining(), 1U);
  EXPECT_EQ(in.fixed8(), 42);
  EXPECT_TRUE(in.is_complete());
}

TEST(CodecTest, take_cuts_a_piece) {
  Decoder in("abcdef");
  EXPECT_EQ(in.take(4), "abcd");
  EXPECT_EQ(in.take(0), "");
  EXPECT_EQ(in.take(2), "ef");
  EXPECT_TRUE(in.is_complete());
}

TEST(CodecTest, a_read_past_the_end_fails_and_stays_failed) {
  Decoder in("abc");
  EXPECT_EQ(in.fixed32(), 0U);
  EXPECT_TRUE(in.has_failed());
  EXPECT_EQ(in.fixed8(), 0) << "there are bytes left, but the reader has failed";
  EXPECT_EQ(in.take(1), "");
  EXPECT_FALSE(in.is_complete());
}

TEST(CodecTest, every_cut_of_a_record_fails) {
  Bytes out;
  put_fixed64(out, 7);
  put_field(out, "value");
  for (size_t size = 0; size < out.size(); ++size) {
    Decoder in(ByteView(out).substr(0, size));
    in.fixed64();
    in.field();
    EXPECT_TRUE(in.has_failed()) << size;
  }
}

TEST(CodecTest, a_length_larger_than_the_rest_fails_without_reading) {
  Bytes out;
  put_fixed32(out, UINT32_MAX);
  out += "short";
  Decoder in(out);
  EXPECT_EQ(in.field(), "");
  EXPECT_TRUE(in.has_failed());
}

TEST(CodecTest, nothing_is_complete) { EXPECT_TRUE(Decoder("").is_complete()); }

}  // namespace
}  // namespace synod
