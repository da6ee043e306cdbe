// A member that took its mark away went on with its old store, and the copy that it had begun stayed beside it. When it
// had to sync again and lost its power before it had made a new copy, it found the old one, whose batches had lower
// numbers by then than those of the store that it was to replace: an assertion stopped the member at the switch.
#include <gtest/gtest.h>

#include "mon/daemon/store_engine.h"
#include "mon/service/monmap_service.h"
#include "test/sim/disk/level_db_disk.h"
#include "test/sim/disk/model_disk.h"
#include "test/unit/mon/builders.h"

namespace synod::test {
namespace {

template <class Disk>
std::unique_ptr<Disk> new_disk();
template <>
std::unique_ptr<sim::LevelDbDisk> new_disk() {
  sim::SimDisk::Options options;
  options.is_strict = true;  // a directory that is not synced is as it was
  return std::make_unique<sim::LevelDbDisk>(options);
}
template <>
std::unique_ptr<sim::ModelDisk> new_disk() {
  return std::make_unique<sim::ModelDisk>(1);
}

void must(const Status& status) { ASSERT_TRUE(status.is_ok()) << status.to_string(); }

// A home with a store, and an engine that has written a chunk of a copy beside it.
template <class Disk>
struct Member {
  Member() : disk(new_disk<Disk>()) {
    start();
    auto made = home->create_store({});
    Bound bound;
    {
      MonitorStore store(std::move(made->db));
      must(store.initialize(genesis(), monmap_genesis(monmap_of(3))));
      bound = *read_bound(*store.db().new_iterator());
    }
    must(home->switch_to(made->name, bound));
    engine.emplace(*home, std::make_unique<MonitorStore>(*home->open_current({})), EngineOptions{});
    EXPECT_TRUE(engine->run(CreateStoreTask{}));
    EXPECT_TRUE(engine->run(WriteChunkTask{value("x"), "record"}));
  }
  void start() { home = std::move(*disk->start_life()); }
  void lose_power() {
    engine.reset();
    home.reset();
    sim::SeededRandom random(1);
    disk->cut_power(sim::PowerCut::all_lost, random);
    start();
  }

  std::unique_ptr<Disk> disk;
  std::unique_ptr<StoreHome> home;
  std::optional<StoreEngine> engine;
};

template <class Disk>
class AbandonedCopy : public testing::Test {};
using Disks = testing::Types<sim::LevelDbDisk, sim::ModelDisk>;
TYPED_TEST_SUITE(AbandonedCopy, Disks);

template <class Disk>
bool finds_copy_after_power_cut(Member<Disk>& member) {
  member.lose_power();
  const auto found = member.home->open_unfinished({});
  EXPECT_TRUE(found);
  return found && found->has_value();
}

TYPED_TEST(AbandonedCopy, is_gone_and_no_power_cut_brings_it_back) {
  Member<TypeParam> member;
  ASSERT_TRUE(member.engine->run(DiscardCopyTask{}));
  EXPECT_FALSE(finds_copy_after_power_cut(member));
}

TYPED_TEST(AbandonedCopy, that_a_start_removes_is_not_brought_back_either) {
  Member<TypeParam> member;
  member.lose_power();
  must(member.home->remove_unfinished());
  EXPECT_FALSE(finds_copy_after_power_cut(member));
}

TYPED_TEST(AbandonedCopy, that_was_not_discarded_is_there) {
  Member<TypeParam> member;
  EXPECT_TRUE(finds_copy_after_power_cut(member)) << "or the tests above could not fail";
}

}  // namespace
}  // namespace synod::test
