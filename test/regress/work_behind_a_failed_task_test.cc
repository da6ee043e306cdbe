// Found by the simulator (profile sync, seed 400 of its time): the power failed while the directory of a copy was made,
// and the chunks that waited behind it met no copy. A full disk does the same: the daemon broke an assertion instead of
// telling what its disk lacked.
#include <gtest/gtest.h>

#include "mon/core/sync/requester.h"
#include "test/unit/sim/disk_run.h"

namespace synod::sim {
namespace {

class WorkBehindAFailedTask : public testing::Test {
 protected:
  void SetUp() override {
    life_.form();
    life_.open_store();
    ASSERT_TRUE(life_.status().is_ok()) << life_.status().message();
  }
  void fill_disk() { disk_->fail({.kind = FaultKind::no_space, .times = 0}); }
  void expect_no_space(const Task& task) {
    const Result<TaskResult> done = life_.engine().run(task);
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().message().find("No space left"), std::string::npos) << done.error().to_string();
  }

  std::unique_ptr<MemberDisk> disk_ = make_disk(DiskKind::lenient, 1);
  Life life_{*disk_};
};

TEST_F(WorkBehindAFailedTask, fails_as_the_task_did_that_should_have_made_the_copy) {
  fill_disk();
  expect_no_space(CreateStoreTask{});
  expect_no_space(WriteChunkTask{SharedBytes(ReplicatedTransaction().encode()), "record"});
  expect_no_space(VerifyTask{});
  expect_no_space(SwitchTask{});
  disk_->clear_faults();
  expect_no_space(CreateStoreTask{});
  std::vector<WriteJob> jobs(1);
  jobs[0].writes.push_back(PutLocal{Bytes(synchronizing_key), SharedBytes(Bytes("cookie"))});
  EXPECT_FALSE(life_.engine().write(jobs).is_ok());
}

TEST_F(WorkBehindAFailedTask, fails_too_if_it_only_reads_and_the_store_is_closed) {
  ASSERT_TRUE(life_.engine().run(OpenSnapshotTask{1, {}}));
  ASSERT_TRUE(life_.engine().run(CreateStoreTask{}));
  const Result<TaskResult> chunk = life_.engine().run(ReadChunkTask{1, 10'000, 100});
  ASSERT_TRUE(chunk);
  ASSERT_TRUE(life_.engine().run(WriteChunkTask{std::get<ChunkRead>(*chunk).transaction, "record"}));
  // The name of the current store, which is moved when the old one is closed already.
  disk_->fail({.call = DiskCall::rename, .times = 0});
  ASSERT_FALSE(life_.engine().run(SwitchTask{}));
  EXPECT_FALSE(life_.engine().run(ReadLogTask{Version(1), Version(2), 100}));
  EXPECT_FALSE(life_.engine().run(RangeTask{}));
}

}  // namespace
}  // namespace synod::sim
