#include "base/checksum.h"

#include <gtest/gtest.h>

#include <set>

namespace synod {
namespace {

// Fixed by the XXH3 specification: a store written by one version of this program is read by the next.
TEST(Checksum64Test, is_xxh3) {
  EXPECT_EQ(checksum64(""), 0x2d06800538d394c2U);
  EXPECT_NE(checksum64("a"), checksum64("b"));
  EXPECT_NE(checksum64(ByteView("a\0", 2)), checksum64("a"));
}

TEST(Checksum64Test, notices_every_flipped_bit) {
  Bytes bytes = "the bytes of a chunk, somewhat longer than one block of the hash: 0123456789abcdef0123456789abcdef";
  const uint64_t before = checksum64(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(checksum64(bytes), before) << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
}

TEST(DigestTest, of_nothing_is_that_of_xxh128) {
  EXPECT_EQ(to_string(Digester().finish()), "99aa06d3014798d86001c324468d497f");
}

TEST(DigestTest, is_written_in_hexadecimal) {
  Digest digest;
  digest.bytes[0] = 0xa5;
  digest.bytes[15] = 0x0f;
  EXPECT_EQ(to_string(digest), "a500000000000000000000000000000f");
}

TEST(DigestTest, survives_a_round_trip_through_bytes) {
  const Digest digest = Digester().add("x").finish();
  EXPECT_EQ(digest_from(digest.view()), digest);
}

TEST(DigestDeathTest, asserts_on_the_wrong_size) { EXPECT_DEATH(digest_from("short"), "16 bytes"); }

TEST(DigesterTest, tells_fields_apart_whose_bytes_together_are_equal) {
  const std::set<Digest> digests = {
      Digester().add("ab").add("c").finish(), Digester().add("a").add("bc").finish(), Digester().add("abc").finish(),
      Digester().add("abc").add("").finish(), Digester().add("").add("abc").finish(),
  };
  EXPECT_EQ(digests.size(), 5U);
}

TEST(DigesterTest, is_the_same_for_the_same_fields) {
  EXPECT_EQ(Digester().add("key").add(7).finish(), Digester().add("key").add(7).finish());
  EXPECT_NE(Digester().add("key").add(7).finish(), Digester().add("key").add(8).finish());
}

TEST(DigesterTest, goes_on_after_finish) {
  Digester digester;
  digester.add("a");
  const Digest first = digester.finish();
  EXPECT_EQ(digester.finish(), first);
  digester.add("b");
  EXPECT_EQ(digester.finish(), Digester().add("a").add("b").finish());
}

TEST(DigesterTest, can_be_moved) {
  Digester digester;
  digester.add("a");
  Digester moved = std::move(digester);
  moved.add("b");
  EXPECT_EQ(moved.finish(), Digester().add("a").add("b").finish());
}

}  // namespace
}  // namespace synod
