// Found by the simulator (profile sync-delta, seed 28 of its time): the power failed right behind a switch, so that the
// record of the copy stayed in the store that the copy had become. A later delta cloned that store, and the power
// failed before the record of the new copy was durable: the clone was taken for the old copy, of which chunks were
// there.
#include <gtest/gtest.h>

#include "store/records.h"
#include "test/unit/sim/disk_run.h"

namespace synod::sim {
namespace {

// All that a store needs to become the current one.
SharedBytes first_chunk() {
  ReplicatedTransaction puts = monmap_genesis(run_monmap());
  puts.put(Bytes(applied_key), SharedBytes(encode_position(run_genesis())));
  return SharedBytes(puts.encode());
}

TEST(Regress, a_clone_does_not_begin_with_the_record_that_an_older_copy_left_in_the_store) {
  const std::unique_ptr<MemberDisk> disk = make_disk(DiskKind::lenient, 1);
  SeededRandom random(1);
  {
    Life life(*disk);
    life.form();
    life.open_store();
    ASSERT_TRUE(life.status().is_ok()) << life.status().message();
    ASSERT_TRUE(life.engine().run(CreateStoreTask{}));
    ASSERT_TRUE(life.engine().run(WriteChunkTask{first_chunk(), "of the older copy"}));
    ASSERT_TRUE(life.engine().run(SwitchTask{}));
    ASSERT_TRUE(life.engine().run(CloneStoreTask{"of the clone"}));
    life.cut_power(PowerCut::all_lost, random);
  }
  Life life(*disk);
  life.open_store();
  ASSERT_TRUE(life.status().is_ok()) << life.status().message();
  const auto clone = life.home().open_unfinished(small_buffers);
  ASSERT_TRUE(clone && *clone);
  EXPECT_EQ((*clone)->record.value_or("of the clone"), "of the clone");
}

}  // namespace
}  // namespace synod::sim
