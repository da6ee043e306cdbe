// The oracle of who counts, on messages of known verdict.
#include "test/sim/vote_oracle.h"

#include <gtest/gtest.h>

#include "test/unit/mon/builders.h"

namespace synod::sim {
namespace {

std::string verdict(const VoteOracle& oracle, MemberId from, const Message& message) {
  return oracle.on_sent("c", {test::fsid, from, 1}, message);
}

TEST(VoteOracleTest, a_member_id_that_the_cluster_was_not_formed_with_sends_no_vote) {
  VoteOracle oracle;
  EXPECT_EQ(verdict(oracle, test::stranger, LeaseAck{}), "") << "before a cluster is formed nobody is a stranger";
  oracle.on_formed(test::monmap_of(3));
  for (const Message& vote : std::vector<Message>{
           Propose{},      ProposeReply{}, Collect{},   Last{},       Refuse{},   Begin{},        Accept{},
           Gap{},          Commit{},       Lease{},     LeaseAck{},   HandOver{}, ReadIndex{},    ReadIndexReply{},
           Entries{},      HoldTrim{},     SyncChunk{}, SyncRanges{}, Forward{},  ForwardReply{}, FormPrepare{},
           FormPrepared{}, FormCommit{}}) {
    EXPECT_NE(verdict(oracle, test::stranger, vote).find("has no vote"), std::string::npos) << message_name(vote);
    EXPECT_EQ(verdict(oracle, test::c, vote), "") << message_name(vote);
  }
  for (const Message& question : std::vector<Message>{Probe{}, Fetch{}, SyncStart{}, SyncDiffering{}, SyncAck{},
                                                      SyncAbort{}, Hello{}, Goodbye{}}) {
    EXPECT_EQ(verdict(oracle, test::stranger, question), "") << message_name(question);
  }
}

TEST(VoteOracleTest, the_first_member_list_says_who_counts) {
  VoteOracle oracle;
  oracle.on_formed(test::monmap_of(3));
  Monmap with_stranger = test::monmap_of(3);
  with_stranger.members[2].id = test::stranger;
  oracle.on_formed(with_stranger);
  EXPECT_FALSE(oracle.has_vote(test::stranger));
  EXPECT_TRUE(oracle.has_vote(test::c));
}

}  // namespace
}  // namespace synod::sim
