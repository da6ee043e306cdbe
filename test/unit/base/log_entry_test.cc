#include "base/log_entry.h"

#include <gtest/gtest.h>

#include <set>

namespace synod {
namespace {

Fsid fsid(uint8_t first) {
  Fsid made;
  made.bytes[0] = first;
  return made;
}

const ProposalNumber pn{3, MemberId(7)};

Position genesis() { return {Version(), genesis_hash(fsid(1))}; }

TEST(LogEntryTest, the_genesis_differs_between_clusters) {
  EXPECT_EQ(genesis_hash(fsid(1)), genesis_hash(fsid(1)));
  EXPECT_NE(genesis_hash(fsid(1)), genesis_hash(fsid(2)));
}

TEST(LogEntryTest, is_made_on_its_predecessor) {
  const LogEntry entry = make_log_entry(genesis(), pn, SharedBytes("value"));
  EXPECT_EQ(entry.version, Version(1));
  EXPECT_EQ(entry.pn, pn);
  EXPECT_EQ(entry.predecessor, genesis().hash);
  EXPECT_EQ(entry.value.view(), "value");
  EXPECT_EQ(entry.hash, chain_hash(genesis().hash, Version(1), "value"));
  EXPECT_EQ(entry.position(), (Position{Version(1), entry.hash}));
}

TEST(LogEntryTest, the_hash_tells_every_part_of_the_history_apart) {
  const ChainHash base = genesis().hash;
  const ChainHash other = genesis_hash(fsid(2));
  const std::set<ChainHash> hashes = {
      chain_hash(base, Version(1), "a"),  chain_hash(base, Version(1), "b"), chain_hash(base, Version(2), "a"),
      chain_hash(other, Version(1), "a"), chain_hash(base, Version(1), ""),
  };
  EXPECT_EQ(hashes.size(), 5U);
}

TEST(LogEntryTest, the_hash_does_not_depend_on_the_pn) {
  const LogEntry first = make_log_entry(genesis(), pn, SharedBytes("v"));
  const LogEntry again = make_log_entry(genesis(), ProposalNumber{9, MemberId(1)}, SharedBytes("v"));
  EXPECT_EQ(first.hash, again.hash);
  EXPECT_FALSE(first == again);
}

TEST(LogEntryTest, a_change_early_in_the_history_changes_every_later_hash) {
  Position left = make_log_entry(genesis(), pn, SharedBytes("1")).position();
  Position right = make_log_entry(genesis(), pn, SharedBytes("one")).position();
  for (int i = 0; i < 10; ++i) {
    left = make_log_entry(left, pn, SharedBytes("same")).position();
    right = make_log_entry(right, pn, SharedBytes("same")).position();
    EXPECT_EQ(left.version, right.version);
    EXPECT_NE(left.hash, right.hash);
  }
}

}  // namespace
}  // namespace synod
