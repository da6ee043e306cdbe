#include "base/compression.h"

#include <gtest/gtest.h>

#include <random>

namespace synod {
namespace {

Bytes noise(size_t size) {
  std::mt19937 random(7);  // NOLINT: the same in each run
  Bytes bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(random());
  return bytes;
}

TEST(Compression, what_repeats_itself_becomes_less_and_comes_back) {
  Bytes text;
  for (int i = 0; i < 1000; ++i) text += "service/" + std::to_string(i) + "/address ";
  const std::optional<Bytes> compressed = compress(text);
  ASSERT_TRUE(compressed);
  EXPECT_LT(compressed->size(), text.size() / 2);
  EXPECT_EQ(*decompress(*compressed, text.size()), text);
}

TEST(Compression, less_than_an_eighth_saved_is_not_worthwhile) {
  EXPECT_FALSE(compress(noise(10000)));
  EXPECT_FALSE(compress(noise(9000) + Bytes(1000, 'x'))) << "a tenth";
  EXPECT_TRUE(compress(noise(8000) + Bytes(2000, 'x'))) << "a fifth";
  EXPECT_FALSE(compress(""));
}

TEST(Compression, more_than_is_allowed_is_refused) {
  const Bytes compressed = *compress(Bytes(1000, 'x'));
  EXPECT_TRUE(decompress(compressed, 1000));
  const Result<Bytes> refused = decompress(compressed, 999);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::corruption);
  EXPECT_EQ(refused.error().message(), "these would be 1000 bytes, of at most 999");
}

TEST(Compression, damaged_bytes_are_refused) {
  const Bytes compressed = *compress(Bytes(1000, 'x') + noise(100));
  for (size_t length = 0; length < compressed.size(); ++length) {
    EXPECT_FALSE(decompress(ByteView(compressed).substr(0, length), 2000)) << length;
  }
  EXPECT_FALSE(decompress(Bytes(10, '\xff'), 2000));
}

}  // namespace
}  // namespace synod
