// The oracles, told what members do: what they forgive and what not.
#include "test/sim/oracles.h"

#include <gtest/gtest.h>

#include "mon/core/sync/requester.h"
#include "test/sim/cluster.h"

namespace synod::sim {
namespace {

// A member that is marked, with a copy of so many chunks, all of which it has acknowledged; 0: none.
MonitorStart marked(uint64_t chunks) {
  MonitorStart start;
  start.is_marked = true;
  if (chunks > 0) start.copy = CopyRecord{{}, false, chunks, chunks, 100 * chunks};
  return start;
}

struct CopyOracle : testing::Test {
  CopyOracle() { oracles.on_start("c", marked(7)); }

  void asks_for_a_copy(std::optional<SyncCursor> resume) {
    oracles.on_sent(cluster.member("c").address, cluster.member("b").address,
                    {Source{}, SyncStart{1, Version(), 4, resume}});
  }
  void writes(const StoreWrite& write) {
    WriteJob job;
    job.writes = {write};
    job.durability = Durability::durable;
    oracles.on_written("c", job, Status::ok());
  }

  Cluster cluster{3, 1};
  Oracles oracles{cluster, 3};
};

TEST_F(CopyOracle, a_copy_that_was_acknowledged_is_asked_for_after_a_restart) {
  oracles.on_start("c", marked(0));
  EXPECT_EQ(oracles.violation(), "c has acknowledged 7 chunks of a copy, and has 0");
}

TEST_F(CopyOracle, also_if_a_session_goes_on_with_it) {
  asks_for_a_copy(SyncCursor{});
  oracles.on_start("c", marked(6));
  EXPECT_EQ(oracles.violation(), "c has acknowledged 7 chunks of a copy, and has 6");
}

TEST_F(CopyOracle, one_that_was_given_up_for_a_new_one_may_be_gone_before_that_is_there) {
  asks_for_a_copy(std::nullopt);
  oracles.on_start("c", marked(0));
  EXPECT_EQ(oracles.violation(), "");
}

TEST_F(CopyOracle, or_may_still_be_there) {
  asks_for_a_copy(std::nullopt);
  oracles.on_start("c", marked(7));
  oracles.on_start("c", marked(0));
  EXPECT_EQ(oracles.violation(), "c has acknowledged 7 chunks of a copy, and has 0");
}

TEST_F(CopyOracle, one_that_an_unmarked_member_has_removed_is_not_asked_for_when_it_is_marked_again) {
  writes(EraseLocal{Bytes(synchronizing_key)});
  writes(PutLocal{Bytes(synchronizing_key), SharedBytes("")});
  oracles.on_start("c", marked(0));
  EXPECT_EQ(oracles.violation(), "");
}

}  // namespace
}  // namespace synod::sim
