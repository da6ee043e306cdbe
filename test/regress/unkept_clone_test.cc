// Found by the simulator (seed 1200161, ten minutes): the directory could not be synced behind a clone that had been
// opened, and LevelDB, which had scheduled a compaction for it, was closed without that being done. It waits for it,
// and in the simulator no thread does it.
#include <gtest/gtest.h>

#include "store/data_dir.h"
#include "test/unit/sim/disk_run.h"

namespace synod::sim {
namespace {

// Fills the table of recent writes, and overlaps with all others.
DbBatch one_table(int number) {
  ReplicatedTransaction puts;
  puts.put("a", SharedBytes(Bytes(40'000, static_cast<char>('0' + number))));
  puts.put("z", SharedBytes(Bytes(40'000, static_cast<char>('0' + number))));
  DbBatch batch;
  batch.add(std::move(puts));
  return batch;
}

TEST(Regress, a_clone_that_cannot_be_kept_is_closed_whatever_it_has_scheduled) {
  SimDisk disk({.is_strict = true, .seed = 1});
  const std::shared_ptr<DiskLife> life = disk.start_life();
  const std::unique_ptr<DataDir> dir = *DataDir::open("data", *life);
  {
    const Result<StoreHome::NewStore> made = dir->create_store(small_buffers);
    ASSERT_TRUE(made) << made.error().message();
    // LevelDB puts the first table at level 2, the next at level 1, and then three at level 0. The rest is in the log:
    // as that is opened it becomes the fourth, which is when they are merged.
    for (int i = 0; i < 6; ++i) {
      life->drain();
      ASSERT_TRUE(made->db->commit(one_table(i), Durability::durable).is_ok());
    }
    life->drain();
    ASSERT_TRUE(dir->switch_to(made->name, Bound{}).is_ok());
  }
  bool has_failed = false;
  for (uint64_t nth = 1;; ++nth) {
    disk.fail({.kind = FaultKind::io_error, .call = DiskCall::sync_directory, .file = {}, .nth = nth});
    const Result<StoreHome::NewStore> clone = dir->clone_current(small_buffers);
    life->drain();
    if (clone) break;
    has_failed = true;
    ASSERT_LT(nth, 100U);
  }
  EXPECT_TRUE(has_failed);
}

}  // namespace
}  // namespace synod::sim
