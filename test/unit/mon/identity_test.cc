// The record of what a member must never forget.
#include "mon/core/identity.h"

#include <gtest/gtest.h>

#include "test/unit/mon/builders.h"

namespace synod {
namespace {

Identity sample() {
  return {test::a, "a", 12, FormationState::prepared, test::monmap_of(3).encode(), test::pn(7, test::b)};
}

TEST(IdentityTest, what_is_encoded_is_decoded) {
  for (const FormationState state : {FormationState::fresh, FormationState::prepared, FormationState::formed}) {
    Identity identity = sample();
    identity.formation = state;
    const Result<Identity> decoded = Identity::decode(identity.encode());
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(*decoded, identity);
  }
  Identity fresh;
  fresh.id = test::a;
  EXPECT_EQ(*Identity::decode(fresh.encode()), fresh);
}

TEST(IdentityTest, no_shortened_or_lengthened_record_decodes) {
  const Bytes encoded = sample().encode();
  for (size_t length = 0; length < encoded.size(); ++length) {
    const Result<Identity> decoded = Identity::decode(encoded.substr(0, length));
    ASSERT_FALSE(decoded.has_value()) << length;
    EXPECT_EQ(decoded.error().code(), Code::corruption);
  }
  EXPECT_FALSE(Identity::decode(encoded + "x").has_value());
}

TEST(IdentityTest, every_flipped_byte_is_an_error_or_another_identity) {
  const Identity identity = sample();
  const Bytes encoded = identity.encode();
  for (size_t at = 0; at < encoded.size(); ++at) {
    for (const char mask : {'\x01', '\x80', '\xff'}) {
      Bytes damaged = encoded;
      damaged[at] = static_cast<char>(damaged[at] ^ mask);
      const Result<Identity> decoded = Identity::decode(damaged);
      if (decoded) {
        EXPECT_NE(*decoded, identity) << at;
      }
    }
  }
}

TEST(IdentityTest, nobody_and_an_unknown_formation_state_or_format_do_not_decode) {
  Identity nobody = sample();
  nobody.id = MemberId();
  EXPECT_FALSE(Identity::decode(nobody.encode()).has_value());
  for (const int state : {0, 4, 255}) {
    Identity strange = sample();
    strange.formation = static_cast<FormationState>(state);
    EXPECT_FALSE(Identity::decode(strange.encode()).has_value());
  }
  Bytes other_format = sample().encode();
  other_format[3] = 2;
  EXPECT_FALSE(Identity::decode(other_format).has_value());
}

}  // namespace
}  // namespace synod
