// The member list: its encoding, its majorities, and the list on the command line.
#include "mon/core/monmap.h"

#include <gtest/gtest.h>

#include "test/unit/mon/builders.h"

namespace synod {
namespace {

using test::a;
using test::b;
using test::c;
using test::d;
using test::e;

TEST(MonmapTest, what_is_encoded_is_decoded) {
  for (size_t size = 0; size <= 5; ++size) {
    Monmap monmap = test::monmap_of(size);
    monmap.epoch = 7 + size;
    if (size > 1) monmap.members[1].role = MemberRole::learner;
    const Result<Monmap> decoded = Monmap::decode(monmap.encode());
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(*decoded, monmap);
  }
}

TEST(MonmapTest, no_shortened_or_lengthened_encoding_decodes) {
  const Bytes encoded = test::monmap_of(3).encode();
  for (size_t length = 0; length < encoded.size(); ++length) {
    const Result<Monmap> decoded = Monmap::decode(encoded.substr(0, length));
    ASSERT_FALSE(decoded.has_value()) << length;
    EXPECT_EQ(decoded.error().code(), Code::corruption);
  }
  EXPECT_FALSE(Monmap::decode(encoded + "x").has_value());
}

TEST(MonmapTest, every_flipped_byte_is_an_error_or_another_monmap) {
  const Monmap monmap = test::monmap_of(3);
  const Bytes encoded = monmap.encode();
  for (size_t at = 0; at < encoded.size(); ++at) {
    for (const char mask : {'\x01', '\x80', '\xff'}) {
      Bytes damaged = encoded;
      damaged[at] = static_cast<char>(damaged[at] ^ mask);
      const Result<Monmap> decoded = Monmap::decode(damaged);
      if (decoded) {
        EXPECT_NE(*decoded, monmap) << at;
      }
    }
  }
}

TEST(MonmapTest, a_huge_count_or_an_unknown_role_does_not_decode) {
  Bytes encoded = test::monmap_of(1).encode();
  encoded.back() = 3;
  EXPECT_FALSE(Monmap::decode(encoded).has_value());
  encoded.back() = 0;
  EXPECT_FALSE(Monmap::decode(encoded).has_value());
  const size_t count_at = 4 + 16 + 8;
  Bytes huge = test::monmap_of(1).encode();
  huge.replace(count_at, 4, "\xff\xff\xff\xff");
  EXPECT_FALSE(Monmap::decode(huge).has_value());
}

TEST(MonmapTest, a_majority_is_more_than_half_of_the_voters) {
  const std::vector<MemberId> all{a, b, c, d, e};
  const std::vector<size_t> majorities{1, 2, 2, 3, 3};
  for (size_t size = 1; size <= 5; ++size) {
    const Monmap monmap = test::monmap_of(size);
    EXPECT_EQ(monmap.majority(), majorities[size - 1]);
    for (size_t present = 0; present <= 5; ++present) {
      const std::set<MemberId> ids(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(present));
      EXPECT_EQ(monmap.is_majority(ids), std::min(present, size) >= majorities[size - 1]) << size << " " << present;
    }
  }
}

TEST(MonmapTest, any_two_majorities_share_a_voter) {
  for (size_t size = 1; size <= 5; ++size) {
    const Monmap monmap = test::monmap_of(size);
    auto subset = [&](unsigned bits) {
      std::set<MemberId> ids;
      for (size_t i = 0; i < size; ++i) {
        if (bits >> i & 1) ids.insert(monmap.members[i].id);
      }
      return ids;
    };
    for (unsigned one = 0; one < 1U << size; ++one) {
      for (unsigned two = 0; two < 1U << size; ++two) {
        if (!monmap.is_majority(subset(one)) || !monmap.is_majority(subset(two))) continue;
        EXPECT_NE(one & two, 0U);
      }
    }
  }
}

TEST(MonmapTest, learners_and_strangers_neither_make_nor_raise_a_majority) {
  Monmap monmap = test::monmap_of(5);
  monmap.members[3].role = MemberRole::learner;
  monmap.members[4].role = MemberRole::learner;
  EXPECT_EQ(monmap.majority(), 2U);
  EXPECT_FALSE(monmap.is_majority({a, d, e, test::stranger}));
  EXPECT_TRUE(monmap.is_majority({a, b}));
  EXPECT_FALSE(monmap.is_voter(d));
  EXPECT_FALSE(monmap.is_voter(test::stranger));
  EXPECT_NE(monmap.find(d), nullptr);
  EXPECT_EQ(monmap.find_name("b")->id, b);
  EXPECT_EQ(monmap.find_name("z"), nullptr);
}

TEST(MonmapTest, a_list_of_first_members_is_parsed_in_its_order) {
  const auto members = parse_initial_members("a=127.0.0.1:7000,b-2=[::1]:7001,C.3_x=host.example:65535");
  ASSERT_TRUE(members.has_value()) << members.error().to_string();
  EXPECT_EQ(*members, (std::vector<InitialMember>{
                          {"a", "127.0.0.1:7000"}, {"b-2", "[::1]:7001"}, {"C.3_x", "host.example:65535"}}));
}

TEST(MonmapTest, a_malformed_list_is_refused_with_a_sentence_that_names_the_part) {
  const std::vector<std::pair<std::string, std::string>> bad{
      {"", "''"},
      {"a", "'a'"},
      {"a=", ""},
      {"=h:1", "'=h:1'"},
      {"a=h:1,", "''"},
      {",a=h:1", "''"},
      {"a=h:1,,b=h:2", "''"},
      {"a b=h:1", "'a b=h:1'"},
      {"a=h", "h"},
      {"a=h:0x", "h:0x"},
      {"a=h:65536", "65536"},
      {"a=h:1,a=h:2", "'a' stands twice"},
      {"a=h:1,b=h:1", "'h:1' stands twice"},
      {std::string(65, 'x') + "=h:1", "name"},
  };
  for (const auto& [text, mention] : bad) {
    const auto members = parse_initial_members(text);
    ASSERT_FALSE(members.has_value()) << text;
    EXPECT_EQ(members.error().code(), Code::invalid_argument) << text;
    EXPECT_NE(members.error().message().find(mention), std::string::npos) << text << ": " << members.error().message();
  }
}

TEST(MonmapTest, lists_have_one_digest_if_they_are_equal_and_another_for_another_order_or_split) {
  const auto digest = [](const std::string& text) { return digest_of(*parse_initial_members(text)); };
  EXPECT_EQ(digest("a=h:1,b=h:2"), digest("a=h:1,b=h:2"));
  EXPECT_NE(digest("a=h:1,b=h:2"), digest("b=h:2,a=h:1"));
  EXPECT_NE(digest("a=h:1,b=h:2"), digest("a=h:1"));
  EXPECT_NE(digest("a=hh:1"), digest("ah=h:1"));
}

}  // namespace
}  // namespace synod
