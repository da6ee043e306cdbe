// What a FileSystem promises, on the operating system's and on the simulated one; and what the simulated one forgets.
#include "store/file_system.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/sim/disk/sim_disk.h"
#include "test/unit/store/temp_dir.h"

namespace synod::sim {
namespace {

enum class Kind { posix, simulated };

class FileSystemTest : public testing::TestWithParam<Kind> {
 protected:
  FileSystem& files() { return GetParam() == Kind::posix ? posix_files() : *life_; }
  std::string path(const std::string& name) { return root_ + "/" + name; }
  std::string read(const std::string& name) {
    const Result<Bytes> bytes = files().read_file(path(name));
    return bytes ? *bytes : code_name(bytes.error().code());
  }
  std::vector<std::string> names(const std::string& name) {
    Result<std::vector<std::string>> listed = files().list(path(name));
    EXPECT_TRUE(listed) << listed.error().message();
    std::sort(listed->begin(), listed->end());
    return *listed;
  }
  void SetUp() override { ASSERT_TRUE(files().make_directories(root_).is_ok()); }

  test::TempDir temp_;
  std::string root_ = temp_ / "root";
  SimDisk disk_{{}};
  std::shared_ptr<DiskLife> life_ = disk_.start_life();
};

INSTANTIATE_TEST_SUITE_P(All, FileSystemTest, testing::Values(Kind::posix, Kind::simulated),
                         [](const auto& param_info) {
                           return param_info.param == Kind::posix ? "posix" : "simulated";
                         });

TEST_P(FileSystemTest, overwriting_keeps_what_is_behind_and_rewriting_does_not) {
  EXPECT_EQ(read("f"), "not found");
  ASSERT_TRUE(files().overwrite_and_sync(path("f"), "0123456789").is_ok());
  ASSERT_TRUE(files().overwrite_and_sync(path("f"), "abc").is_ok());
  EXPECT_EQ(read("f"), "abc3456789");
  ASSERT_TRUE(files().truncate_and_sync(path("f"), 5).is_ok());
  EXPECT_EQ(read("f"), "abc34");
  ASSERT_TRUE(files().rewrite_and_sync(path("f"), "z").is_ok());
  EXPECT_EQ(read("f"), "z");
  EXPECT_EQ(files().truncate_and_sync(path("g"), 0).code(), Code::io_error);
}

TEST_P(FileSystemTest, a_file_is_replaced_and_leaves_no_other_name) {
  ASSERT_TRUE(replace_file(files(), root_, "f", "one").is_ok());
  ASSERT_TRUE(replace_file(files(), root_, "f", "two").is_ok());
  EXPECT_EQ(read("f"), "two");
  EXPECT_EQ(names(""), std::vector<std::string>{"f"});
}

TEST_P(FileSystemTest, directories_are_made_with_parents_listed_and_removed_whole) {
  ASSERT_TRUE(files().make_directories(path("a/b/c")).is_ok());
  ASSERT_TRUE(files().make_directories(path("a/b/c")).is_ok());
  ASSERT_TRUE(files().overwrite_and_sync(path("a/b/f"), "x").is_ok());
  EXPECT_EQ(names("a/b"), (std::vector<std::string>{"c", "f"}));
  EXPECT_TRUE(files().is_directory(path("a/b/c")));
  EXPECT_FALSE(files().is_directory(path("a/b/f")));
  EXPECT_TRUE(files().exists(path("a/b/f")));
  ASSERT_TRUE(files().remove_tree(path("a")).is_ok());
  EXPECT_FALSE(files().exists(path("a")));
  EXPECT_TRUE(files().remove_tree(path("a")).is_ok()) << "what is gone is no error";
  EXPECT_EQ(files().list(path("a")).error().code(), Code::io_error);
  EXPECT_EQ(files().sync_directory(path("a")).code(), Code::io_error);
  EXPECT_EQ(files().overwrite_and_sync(path("a/f"), "x").code(), Code::io_error);
  EXPECT_EQ(files().rename_file(path("a"), path("b")).code(), Code::io_error);
}

TEST_P(FileSystemTest, a_directory_is_locked_once) {
  Result<std::unique_ptr<FileSystem::Lock>> first = files().lock_directory(root_);
  ASSERT_TRUE(first);
  EXPECT_EQ(files().lock_directory(root_).error().code(), Code::in_use);
  first->reset();
  EXPECT_TRUE(files().lock_directory(root_));
}

class SimDiskNames : public testing::TestWithParam<bool> {
 protected:
  bool is_strict() const { return GetParam(); }
  SimDisk disk_{{.is_strict = GetParam()}};
  SeededRandom random_{1};
};
INSTANTIATE_TEST_SUITE_P(All, SimDiskNames, testing::Bool(),
                         [](const auto& param_info) { return param_info.param ? "strict" : "lenient"; });

TEST_P(SimDiskNames, the_name_of_a_synced_file_is_durable_only_if_names_follow_files) {
  auto life = disk_.start_life();
  ASSERT_TRUE(life->overwrite_and_sync("f", "x").is_ok());
  EXPECT_EQ(disk_.cut_power(PowerCut::all_lost, random_).lost_names, is_strict() ? 1U : 0U);
  EXPECT_EQ(disk_.start_life()->exists("f"), !is_strict());
}

TEST_P(SimDiskNames, a_synced_directory_keeps_its_names) {
  auto life = disk_.start_life();
  ASSERT_TRUE(life->make_directories("d").is_ok());
  ASSERT_TRUE(life->overwrite_and_sync("d/f", "x").is_ok());
  ASSERT_TRUE(life->sync_directory("d").is_ok());
  ASSERT_TRUE(life->rename_file("d/f", "d/g").is_ok());
  EXPECT_EQ(disk_.cut_power(PowerCut::all_lost, random_).lost_names, 1U);
  life = disk_.start_life();
  EXPECT_EQ(*life->read_file("d/f"), "x");
  EXPECT_FALSE(life->exists("d/g"));
}

TEST_P(SimDiskNames, a_file_with_two_names_lives_until_both_are_gone) {
  auto life = disk_.start_life();
  ASSERT_TRUE(life->make_directories("d").is_ok());
  ASSERT_TRUE(life->overwrite_and_sync("f", "bytes").is_ok());
  ASSERT_TRUE(life->sync_directory("").is_ok());
  ASSERT_TRUE(life->link_file("f", "d/g").is_ok());
  EXPECT_EQ(life->link_file("f", "d/g").code(), Code::io_error) << "the name is taken";
  EXPECT_EQ(life->link_file("none", "d/h").code(), Code::io_error);
  EXPECT_EQ(disk_.used_bytes(), 5U) << "once";
  ASSERT_TRUE(life->remove_tree("f").is_ok());
  EXPECT_EQ(*life->read_file("d/g"), "bytes");
  EXPECT_EQ(disk_.used_bytes(), 5U);
  disk_.cut_power(PowerCut::all_lost, random_);
  life = disk_.start_life();
  EXPECT_EQ(*life->read_file("f"), "bytes") << "neither the new name nor the removal was synced";
  EXPECT_FALSE(life->exists("d/g"));
  ASSERT_TRUE(life->link_file("f", "d/g").is_ok());
  ASSERT_TRUE(life->sync_directory("d").is_ok());
  ASSERT_TRUE(life->remove_tree("f").is_ok());
  ASSERT_TRUE(life->sync_directory("").is_ok());
  disk_.cut_power(PowerCut::all_lost, random_);
  life = disk_.start_life();
  EXPECT_EQ(*life->read_file("d/g"), "bytes");
  EXPECT_EQ(disk_.used_bytes(), 5U);
  ASSERT_TRUE(life->remove_tree("d/g").is_ok());
  EXPECT_EQ(disk_.used_bytes(), 0U);
}

// Strict: any subset of what was done. Lenient: a prefix.
TEST_P(SimDiskNames, unsynced_changes_of_names_are_lost) {
  bool was_reordered = false;
  for (int run = 0; run < 100; ++run) {
    SimDisk disk({.is_strict = is_strict()});
    auto life = disk.start_life();
    ASSERT_TRUE(life->make_directories("d/1").is_ok());
    ASSERT_TRUE(life->make_directories("d/2").is_ok());
    DiskNodePtr file;
    ASSERT_EQ(disk.create("d/1/a", file), DiskError::none);
    ASSERT_EQ(disk.create("d/2/b", file), DiskError::none);
    disk.cut_power(PowerCut::random_cut, random_);
    life = disk.start_life();
    if (life->exists("d/2/b") && !life->exists("d/1/a")) was_reordered = true;
  }
  EXPECT_EQ(was_reordered, is_strict());
}

TEST(SimDisk, a_process_that_ended_changes_nothing_and_holds_no_lock) {
  SimDisk disk({});
  auto before = disk.start_life();
  ASSERT_TRUE(before->overwrite_and_sync("f", "x").is_ok());
  const auto lock = before->lock_directory("d");
  ASSERT_TRUE(lock);
  auto after = disk.start_life();
  const uint64_t changes = disk.changes();
  EXPECT_FALSE(before->overwrite_and_sync("f", "y").is_ok());
  EXPECT_FALSE(before->exists("f"));
  EXPECT_EQ(disk.changes(), changes);
  EXPECT_EQ(*after->read_file("f"), "x");
  EXPECT_TRUE(after->lock_directory("d"));
}

TEST(SimDisk, the_power_fails_inside_the_call_that_was_named) {
  SimDisk disk({});
  SeededRandom random(1);
  auto life = disk.start_life();
  ASSERT_TRUE(life->overwrite_and_sync("f", "0123456789").is_ok());
  disk.freeze_at_call(disk.changes() + 1);
  int events = 0;
  disk.on_call([&](const DiskEvent&) { ++events; });
  EXPECT_FALSE(life->overwrite_and_sync("f", "abc").is_ok());
  EXPECT_TRUE(disk.is_frozen());
  EXPECT_FALSE(life->read_file("f")) << "nothing works any more";
  EXPECT_FALSE(life->sync_directory("").is_ok());
  EXPECT_EQ(events, 1);
  disk.cut_power(PowerCut::all_lost, random);
  EXPECT_EQ(*disk.start_life()->read_file("f"), "0123456789");
}

TEST(SimDisk, a_full_disk_takes_a_part_and_again_when_space_is_freed) {
  SimDisk disk({});
  auto life = disk.start_life();
  disk.set_capacity(100);
  ASSERT_TRUE(life->overwrite_and_sync("a", Bytes(60, 'a')).is_ok());
  const Status full = life->overwrite_and_sync("b", Bytes(60, 'b'));
  EXPECT_EQ(full.code(), Code::io_error);
  EXPECT_NE(full.message().find("No space"), std::string::npos) << full.message();
  EXPECT_EQ(*life->read_file("b"), Bytes(40, 'b')) << "a short write";
  EXPECT_TRUE(life->overwrite_and_sync("a", Bytes(60, 'c')).is_ok()) << "needs no more space";
  ASSERT_TRUE(life->remove_tree("a").is_ok());
  EXPECT_TRUE(life->overwrite_and_sync("b", Bytes(60, 'b')).is_ok());
  EXPECT_EQ(disk.used_bytes(), 60U);
}

TEST(SimDisk, faults_meet_the_calls_that_they_name) {
  SimDisk disk({});
  auto life = disk.start_life();
  disk.fail({.call = DiskCall::sync, .file = FileClass::identity, .nth = 2, .times = 2});
  const std::string path = "identity.1";
  EXPECT_TRUE(life->overwrite_and_sync("other", "x").is_ok());
  EXPECT_TRUE(life->overwrite_and_sync(path, "x").is_ok());
  EXPECT_FALSE(life->overwrite_and_sync(path, "x").is_ok());
  EXPECT_FALSE(life->overwrite_and_sync(path, "x").is_ok());
  EXPECT_TRUE(life->overwrite_and_sync(path, "x").is_ok());
  disk.fail({.kind = FaultKind::no_space, .times = 0});
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(life->overwrite_and_sync("other", "x").is_ok());
  EXPECT_TRUE(life->read_file("other")) << "a full disk can be read";
  disk.clear_faults();
  EXPECT_TRUE(life->overwrite_and_sync("other", "x").is_ok());
  disk.fail({.call = DiskCall::read});
  EXPECT_FALSE(life->read_file("other"));
  EXPECT_TRUE(life->read_file("other"));
}

TEST(SimDisk, a_durable_copy_is_what_a_power_cut_would_leave_and_disturbs_nothing) {
  SimDisk disk({});
  auto life = disk.start_life();
  ASSERT_TRUE(life->overwrite_and_sync("f", "synced").is_ok());
  ASSERT_TRUE(life->sync_directory("").is_ok());
  DiskNodePtr file;
  ASSERT_EQ(disk.open("f", file), DiskError::none);
  ASSERT_EQ(disk.write(file, 6, " and not"), DiskError::none);
  const std::unique_ptr<SimDisk> copy = disk.durable_copy();
  auto other = copy->start_life();
  EXPECT_EQ(*other->read_file("f"), "synced");
  ASSERT_TRUE(other->overwrite_and_sync("f", "SYNCED").is_ok());
  ASSERT_TRUE(other->overwrite_and_sync("g", "new").is_ok());
  EXPECT_EQ(*life->read_file("f"), "synced and not");
  EXPECT_FALSE(life->exists("g"));
}

}  // namespace
}  // namespace synod::sim
