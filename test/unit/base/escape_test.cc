#include "base/escape.h"

#include <gtest/gtest.h>

#include <random>

namespace synod {
namespace {

Bytes unescaped(ByteView text) {
  Result<Bytes> bytes = unescape(text);
  EXPECT_TRUE(bytes.has_value()) << text;
  return bytes ? *bytes : Bytes();
}

void expect_malformed(ByteView text, const std::string& named) {
  const Result<Bytes> bytes = unescape(text);
  ASSERT_FALSE(bytes.has_value()) << text;
  EXPECT_EQ(bytes.error().code(), Code::invalid_argument);
  EXPECT_NE(bytes.error().message().find("'" + named + "'"), std::string::npos) << bytes.error().message();
}

TEST(EscapeTest, leaves_printable_ascii_alone) {
  EXPECT_EQ(escape("pkg/zlib1g/Version = 1:1.2.13"), "pkg/zlib1g/Version = 1:1.2.13");
  EXPECT_EQ(escape(""), "");
}

TEST(EscapeTest, has_short_forms_for_what_would_break_a_line) {
  EXPECT_EQ(escape("a\tb\nc\rd\\e"), "a\\tb\\nc\\rd\\\\e");
}

TEST(EscapeTest, writes_other_control_bytes_in_hexadecimal) {
  EXPECT_EQ(escape(ByteView("\0\x01\x1f\x7f", 4)), "\\x00\\x01\\x1f\\x7f");
}

TEST(EscapeTest, leaves_well_formed_utf8_alone) {
  for (ByteView text : {"Grüße", "日本語", "€", "😀", "\xc2\xa0", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(escape(text), text);
  }
}

TEST(EscapeTest, escapes_malformed_utf8_byte_by_byte) {
  EXPECT_EQ(escape("\xc0\xaf"), "\\xc0\\xaf");                    // overlong
  EXPECT_EQ(escape("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");           // overlong
  EXPECT_EQ(escape("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(escape("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  EXPECT_EQ(escape("\xe2\x82"), "\\xe2\\x82");                    // cut
  EXPECT_EQ(escape("\xe2\x82x"), "\\xe2\\x82x");                  // interrupted
  EXPECT_EQ(escape("\x80"), "\\x80");                             // continuation without a lead
  EXPECT_EQ(escape("\xff\xfe"), "\\xff\\xfe");
}

TEST(EscapeTest, escapes_c1_controls_although_they_are_utf8) { EXPECT_EQ(escape("\xc2\x85"), "\\xc2\\x85"); }

TEST(EscapeTest, every_single_byte_survives_a_round_trip) {
  for (int byte = 0; byte < 256; ++byte) {
    const Bytes bytes(1, static_cast<char>(byte));
    EXPECT_EQ(unescaped(escape(bytes)), bytes) << byte;
  }
}

TEST(EscapeTest, every_pair_of_bytes_survives_a_round_trip_on_one_line) {
  for (int pair = 0; pair < 65536; ++pair) {
    const Bytes bytes{static_cast<char>(pair >> 8), static_cast<char>(pair & 0xff)};
    const std::string text = escape(bytes);
    ASSERT_EQ(text.find_first_of("\t\n\r"), std::string::npos) << pair;
    ASSERT_EQ(unescaped(text), bytes) << pair;
  }
}

TEST(EscapeTest, random_bytes_survive_a_round_trip) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes(random() % 64, '\0');
    for (char& c : bytes) c = static_cast<char>(random() & 0xff);
    ASSERT_EQ(unescaped(escape(bytes)), bytes) << escape(bytes);
  }
}

TEST(EscapeTest, reads_hexadecimal_of_either_case) { EXPECT_EQ(unescaped("\\xAb\\xaB\\x41"), "\xab\xab\x41"); }

TEST(EscapeTest, reads_text_that_was_not_escaped) { EXPECT_EQ(unescaped("Grüße \xff"), "Grüße \xff"); }

TEST(EscapeTest, names_an_unknown_escape) {
  expect_malformed("a\\q", "\\q");
  expect_malformed("\\0", "\\0");
  expect_malformed("\\X41", "\\X41");
}

TEST(EscapeTest, names_an_unfinished_escape) {
  expect_malformed("a\\", "\\");
  expect_malformed("a\\x", "\\x");
  expect_malformed("a\\x4", "\\x4");
  expect_malformed("\\x4g", "\\x4g");
  expect_malformed("\\xg4", "\\xg4");
}

}  // namespace
}  // namespace synod
