// Found by the simulator (3 members, stores in memory, 10 minutes, seed 500131 of its time): a copy was given up after
// less than went to the store that it should replace. The next copy was numbered from where the first one had ended, so
// its batches were numbered below those of the store that it replaced.
#include <gtest/gtest.h>

#include "mon/core/sync/requester.h"
#include "test/unit/sim/disk_run.h"

namespace synod::sim {
namespace {

void mark(Life& life, int times) {
  for (int i = 0; i < times; ++i) {
    std::vector<WriteJob> jobs(1);
    jobs[0].writes.push_back(PutLocal{Bytes(synchronizing_key), SharedBytes(Bytes("cookie"))});
    jobs[0].durability = Durability::durable;
    ASSERT_TRUE(life.engine().write(jobs).is_ok());
  }
}

TEST(Regress, a_copy_is_numbered_above_the_store_that_it_replaces_though_another_copy_was_given_up) {
  const std::unique_ptr<MemberDisk> disk = make_disk(DiskKind::lenient, 1);
  Life life(*disk);
  life.form();
  life.open_store();
  ASSERT_TRUE(life.status().is_ok()) << life.status().message();
  RunHistory& history = RunHistory::of(20);
  std::vector<WriteJob> jobs(1);
  jobs[0].writes.push_back(PutEntry{history.entry(1)});
  jobs[0].durability = Durability::durable;
  ASSERT_TRUE(life.engine().write(jobs).is_ok());
  mark(life, 1);
  ASSERT_TRUE(life.engine().run(CreateStoreTask{}));  // given up before its first chunk
  mark(life, 20);
  life.sync_from_itself(history.entry(1));
  EXPECT_TRUE(life.status().is_ok()) << life.status().message();
}

}  // namespace
}  // namespace synod::sim
