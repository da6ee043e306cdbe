#include "base/ids.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace synod {
namespace {

TEST(MemberIdTest, zero_is_nobody) {
  EXPECT_FALSE(MemberId());
  EXPECT_TRUE(MemberId(1));
  EXPECT_EQ(to_string(MemberId()), "0000000000000000");
  EXPECT_EQ(to_string(MemberId(0xabc)), "0000000000000abc");
  EXPECT_EQ(to_string(MemberId(UINT64_MAX)), "ffffffffffffffff");
}

TEST(MemberIdTest, can_be_hashed) {
  const std::unordered_set<MemberId> ids = {MemberId(1), MemberId(2), MemberId(1)};
  EXPECT_EQ(ids.size(), 2U);
}

TEST(VersionTest, counts_up_and_down) {
  EXPECT_EQ(Version().value(), 0U);
  EXPECT_EQ(Version(4).next(), Version(5));
  EXPECT_EQ(Version(4).previous(), Version(3));
  EXPECT_LT(Version(4), Version(5));
}

TEST(ProposalNumberTest, is_ordered_by_round_and_then_by_member) {
  EXPECT_LT((ProposalNumber{1, MemberId(9)}), (ProposalNumber{2, MemberId(1)}));
  EXPECT_LT((ProposalNumber{2, MemberId(1)}), (ProposalNumber{2, MemberId(2)}));
  EXPECT_EQ((ProposalNumber{2, MemberId(1)}), (ProposalNumber{2, MemberId(1)}));
  EXPECT_FALSE(ProposalNumber());
  EXPECT_LT(ProposalNumber(), (ProposalNumber{1, MemberId()}));
}

TEST(ProposalNumberTest, is_written_as_round_and_member) {
  EXPECT_EQ(to_string(ProposalNumber{12, MemberId(0xab)}), "12.00000000000000ab");
}

Fsid counting_fsid() {
  Fsid fsid;
  for (size_t i = 0; i < fsid.bytes.size(); ++i) fsid.bytes[i] = static_cast<uint8_t>(0xf0 + i);
  return fsid;
}

TEST(FsidTest, all_zero_is_not_formed) {
  EXPECT_FALSE(Fsid());
  EXPECT_TRUE(counting_fsid());
}

TEST(FsidTest, is_written_in_groups_of_hexadecimal_digits) {
  EXPECT_EQ(to_string(counting_fsid()), "f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff");
}

}  // namespace
}  // namespace synod
