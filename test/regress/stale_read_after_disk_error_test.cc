// Found by the simulator (5 members, 10 minutes, seed 20069 of its time): a leader whose disk failed to read one table
// found a key in an older one, took that for the key's value and computed a request on it. A LevelDB iterator that
// meets an error in one of its sources goes on over the others.
#include "store/log_reader.h"
#include "test/sim/disk/level_db_disk.h"
#include "test/unit/sim/disk_run.h"

namespace synod::sim {
namespace {

constexpr int keys = 40;
constexpr int rounds = 6;

std::string key_of(int i) { return "key-" + std::to_string(i); }

TEST(Regress, a_read_that_meets_a_disk_error_is_an_error_and_not_an_older_value) {
  LevelDbDisk disk(SimDisk::Options{});
  std::vector<Bytes> expected(keys);
  {
    Life life(disk);
    life.form();
    life.open_store();
    for (int i = 0; i < rounds * keys; ++i) {
      expected[static_cast<size_t>(i % keys)] = std::to_string(i) + Bytes(1000, '.');
      const StoreWrites writes{PutLocal{key_of(i % keys), SharedBytes(expected[static_cast<size_t>(i % keys)])}};
      ASSERT_TRUE(life.engine().write({{{}, writes, Durability::durable}}).is_ok());
    }
  }
  int errors = 0;
  bool has_met = true;
  for (uint64_t nth = 1; has_met; ++nth) {
    ASSERT_LT(nth, 10'000U);
    const std::unique_ptr<MemberDisk> copy = disk.durable_copy();
    Life life(*copy);
    life.open_store();
    ASSERT_TRUE(life.status().is_ok());
    copy->fail({.call = DiskCall::read, .file = FileClass::table, .nth = nth});
    has_met = false;
    copy->on_call([&](const DiskEvent& event) { has_met = has_met || event.error != DiskError::none; });
    for (int i = 0; i < keys; ++i) {
      const std::unique_ptr<DbIterator> at = life.db().new_iterator(KeySpace::local, CacheUse::fill);
      const Result<std::optional<Bytes>> found = find(*at, KeySpace::local, key_of(i));
      if (found) {
        ASSERT_EQ(found->value(), expected[static_cast<size_t>(i)]) << key_of(i) << ", read " << nth << " failed";
      } else {
        ++errors;
      }
    }
  }
  EXPECT_GT(errors, 0);
}

}  // namespace
}  // namespace synod::sim
