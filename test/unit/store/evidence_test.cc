#include "store/evidence.h"

#include <gtest/gtest.h>

#include "store/data_dir.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::put;

std::unique_ptr<DataDir> open_dir(const std::string& path) {
  Result<std::unique_ptr<DataDir>> dir = DataDir::open(path);
  EXPECT_TRUE(dir) << dir.error().to_string();
  return dir ? *std::move(dir) : nullptr;
}

// A store with one pair, not switched to.
struct Made {
  Made(DataDir& dir, const std::string& value) {
    Result<DataDir::NewStore> made = dir.create_store({});
    EXPECT_TRUE(made) << made.error().to_string();
    name = made->name;
    MonitorStore store(std::move(made->db));
    EXPECT_TRUE(store.initialize(test::genesis(), put("k", value)).is_ok());
    bound = *read_bound(*store.db().new_iterator());
  }
  std::string name;
  Bound bound;
};

void switch_to_new(DataDir& dir, const std::string& value, bool keeps_evidence) {
  const Made made(dir, value);
  ASSERT_TRUE(!keeps_evidence || dir.keep_evidence().is_ok());
  ASSERT_TRUE(dir.switch_to(made.name, made.bound).is_ok());
}

std::string value_in(const std::string& dir) {
  const auto db = open_read_only(dir);
  if (!db) return db.error().to_string();
  const auto value = (*db)->get(KeySpace::replicated, "k");
  return value ? value->value_or("(none)") : value.error().to_string();
}

TEST(Evidence, is_the_store_that_was_left_and_the_newest_only) {
  const test::TempDir temp;
  {
    const auto dir = open_dir(temp / "d");
    switch_to_new(*dir, "first", false);
    switch_to_new(*dir, "second", false);
    EXPECT_FALSE(std::filesystem::exists(temp / "d/evidence"));
    switch_to_new(*dir, "third", true);
    EXPECT_EQ(value_in(temp / "d/evidence"), "second");
    switch_to_new(*dir, "fourth", false);
    EXPECT_EQ(value_in(temp / "d/evidence"), "second") << "an ordinary switch leaves it alone";
    switch_to_new(*dir, "fifth", true);
    EXPECT_EQ(value_in(temp / "d/evidence"), "fourth");
  }
  open_dir(temp / "d");
  EXPECT_EQ(value_in(temp / "d/evidence"), "fourth");
  EXPECT_EQ(value_in(temp / "d"), "fifth");
  EXPECT_FALSE(std::filesystem::exists(temp / "d/evidence.of"));
}

TEST(Evidence, of_a_switch_that_was_not_made_is_the_current_store_still) {
  const test::TempDir temp;
  {
    const auto dir = open_dir(temp / "d");
    switch_to_new(*dir, "first", false);
    ASSERT_TRUE(dir->keep_evidence().is_ok());
  }
  {
    const auto dir = open_dir(temp / "d");
    EXPECT_FALSE(std::filesystem::exists(temp / "d/evidence"));
    switch_to_new(*dir, "second", true);
  }
  EXPECT_EQ(value_in(temp / "d/evidence"), "first");
  EXPECT_EQ(value_in(temp / "d"), "second");
}

TEST(Evidence, that_a_crash_has_kept_from_being_kept_is_kept_at_the_next_start) {
  const test::TempDir temp;
  {
    const auto dir = open_dir(temp / "d");
    switch_to_new(*dir, "first", false);
    switch_to_new(*dir, "second", true);
  }
  // As if the process had ended behind the switch.
  std::filesystem::rename(temp / "d/evidence", temp / "d/store.1");
  std::filesystem::create_directories(temp / "d/evidence");
  test::spit(temp / "d/evidence/CURRENT", "an older one, half removed");
  test::spit(temp / "d/evidence.of", "store.1\n");
  open_dir(temp / "d");
  EXPECT_EQ(value_in(temp / "d/evidence"), "first");
  EXPECT_FALSE(std::filesystem::exists(temp / "d/store.1"));
  // The file comes back, the rename does not come undone.
  test::spit(temp / "d/evidence.of", "store.1\n");
  open_dir(temp / "d");
  EXPECT_EQ(value_in(temp / "d/evidence"), "first");
  EXPECT_FALSE(std::filesystem::exists(temp / "d/evidence.of"));
}

TEST(Evidence, nonsense_in_its_place_harms_nothing) {
  const test::TempDir temp;
  for (const std::string nonsense : {"", "..", "identity.1\n", "store.x", "store.99\n"}) {
    const std::string path = temp / ("d" + std::to_string(nonsense.size()));
    { switch_to_new(*open_dir(path), "v", false); }
    test::spit(path + "/evidence.of", nonsense);
    ASSERT_NE(open_dir(path), nullptr) << nonsense;
    EXPECT_EQ(value_in(path), "v");
    EXPECT_FALSE(std::filesystem::exists(path + "/evidence"));
  }
}

TEST(Evidence, a_repair_by_hand_takes_the_digests_of_the_last_scrub_away) {
  const test::TempDir temp;
  {
    const auto dir = open_dir(temp / "d");
    switch_to_new(*dir, "v", false);
    MonitorStore store(*dir->open_current({}));
    LocalTransaction record;
    record.put("scrub_segments/", SharedBytes("head"));
    record.put(Bytes("scrub_segments/\0\0\0\1", 19), SharedBytes("segments"));
    ASSERT_TRUE(store.commit_local(record, Durability::durable).is_ok());
    EXPECT_TRUE(store.get_local("scrub_segments/")->has_value());
  }
  { ASSERT_TRUE((*open_for_repair(temp / "d"))->commit(test::batch_of(put("k", "w")), Durability::durable).is_ok()); }
  const auto db = open_read_only(temp / "d");
  ASSERT_TRUE(db);
  EXPECT_FALSE((*db)->get(KeySpace::local, "scrub_segments/")->has_value());
  EXPECT_FALSE((*db)->get(KeySpace::local, ByteView("scrub_segments/\0\0\0\1", 19))->has_value());
}

}  // namespace
}  // namespace synod
