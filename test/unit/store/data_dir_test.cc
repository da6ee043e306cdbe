#include "store/data_dir.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "as_nobody.h"
#include "store/records.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::batch_of;
using test::put;

bool mentions(const Status& status, const std::string& text) {
  return status.message().find(text) != std::string::npos;
}

std::unique_ptr<DataDir> open_dir(const std::string& path) {
  Result<std::unique_ptr<DataDir>> dir = DataDir::open(path);
  EXPECT_TRUE(dir) << dir.error().to_string();
  return dir ? *std::move(dir) : nullptr;
}

// Makes a store with one pair and switches to it.
std::string make_current(DataDir& dir, const std::string& value) {
  Result<DataDir::NewStore> made = dir.create_store({});
  EXPECT_TRUE(made) << made.error().to_string();
  Bound bound;
  {
    MonitorStore store(std::move(made->db));
    EXPECT_TRUE(store.initialize(test::genesis(), put("k", value)).is_ok());
    bound = *read_bound(*store.db().new_iterator());
  }
  EXPECT_TRUE(dir.switch_to(made->name, bound).is_ok());
  return made->name;
}

std::string value_in(const KeyValueDB& db) {
  const auto value = db.get(KeySpace::replicated, "k");
  return value ? value->value_or("(none)") : value.error().to_string();
}

std::string current_value(DataDir& dir) {
  const Result<std::unique_ptr<KeyValueDB>> db = dir.open_current({});
  if (!db) return db.error().to_string();
  return value_in(**db);
}

TEST(DataDir, a_missing_directory_is_made_with_its_parents_and_has_no_store) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "a/b/c");
  EXPECT_TRUE(std::filesystem::is_directory(temp / "a/b/c"));
  EXPECT_FALSE(dir->has_store());
  const auto db = dir->open_current({});
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code(), Code::not_found);
  EXPECT_TRUE(mentions(db.error(), temp / "a/b/c")) << db.error().message();
}

TEST(DataDir, an_identity_is_kept_and_replaced) {
  const test::TempDir temp;
  {
    const auto dir = open_dir(temp / "d");
    EXPECT_FALSE(dir->read_identity()->has_value());
    ASSERT_TRUE(dir->write_identity("one").is_ok());
    ASSERT_TRUE(dir->write_identity("two").is_ok());
  }
  EXPECT_EQ(*open_dir(temp / "d")->read_identity(), "two");
  EXPECT_TRUE(std::filesystem::exists(temp / "d/identity.1"));
  EXPECT_TRUE(std::filesystem::exists(temp / "d/identity.2"));
}

TEST(DataDir, a_directory_in_use_names_the_process_that_has_it) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "d");
  make_current(*dir, "v");
  const std::string pid = std::to_string(::getpid());
  const auto again = DataDir::open(temp / "d");
  ASSERT_FALSE(again);
  for (const Status& status :
       {again.error(), open_read_only(temp / "d").error(), open_for_repair(temp / "d").error()}) {
    EXPECT_EQ(status.code(), Code::in_use);
    EXPECT_TRUE(mentions(status, temp / "d")) << status.message();
    EXPECT_TRUE(mentions(status, "process " + pid)) << status.message();
  }
}

TEST(DataDir, another_process_is_kept_out_too_and_failed_attempts_do_not_drop_the_lock) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "d");
  make_current(*dir, "v");
  EXPECT_FALSE(DataDir::open(temp / "d"));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto taken = DataDir::open(temp / "d");
    ::_exit(!taken && taken.error().code() == Code::in_use ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(DataDir, a_closed_directory_can_be_opened_again) {
  const test::TempDir temp;
  for (int i = 0; i < 3; ++i) open_dir(temp / "d");
  EXPECT_EQ(test::slurp(temp / "d/lock"), "");
}

TEST(DataDir, the_pid_of_a_process_that_is_gone_is_not_named) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "d");
  test::spit(temp / "d/lock", "999999999\n");
  const auto again = DataDir::open(temp / "d");
  ASSERT_FALSE(again);
  EXPECT_TRUE(mentions(again.error(), "another process")) << again.error().message();
}

TEST(DataDir, a_directory_that_cannot_be_made_or_written_says_so_with_path_and_reason) {
  const test::TempDir temp;
  test::spit(temp / "file", "");
  const auto below_a_file = DataDir::open(temp / "file/d");
  ASSERT_FALSE(below_a_file);
  EXPECT_EQ(below_a_file.error().code(), Code::io_error);
  EXPECT_TRUE(mentions(below_a_file.error(), temp / "file/d")) << below_a_file.error().message();
  EXPECT_TRUE(mentions(below_a_file.error(), "Not a directory")) << below_a_file.error().message();

  std::filesystem::create_directory(temp / "ro");
  std::filesystem::permissions(temp.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(temp / "ro", std::filesystem::perms(0555));
  const auto [unwritable, uncreatable] = [&] {
    const test::AsNobody nobody;
    return std::pair(DataDir::open(temp / "ro"), DataDir::open(temp / "ro/d"));
  }();
  ASSERT_FALSE(unwritable);
  EXPECT_EQ(unwritable.error().code(), Code::io_error);
  EXPECT_TRUE(mentions(unwritable.error(), temp / "ro")) << unwritable.error().message();
  EXPECT_TRUE(mentions(unwritable.error(), "Permission denied")) << unwritable.error().message();
  ASSERT_FALSE(uncreatable);
  EXPECT_TRUE(mentions(uncreatable.error(), "cannot create the data directory " + (temp / "ro/d")));
}

TEST(DataDir, switching_makes_the_new_store_current_and_removes_the_old_one) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "d");
  const std::string first = make_current(*dir, "one");
  EXPECT_EQ(test::slurp(temp / "d/CURRENT_STORE"), first + "\n");
  EXPECT_EQ(current_value(*dir), "one");
  const std::string second = make_current(*dir, "two");
  EXPECT_NE(first, second);
  EXPECT_EQ(current_value(*dir), "two");
  EXPECT_FALSE(std::filesystem::exists(temp / "d" / std::filesystem::path(first)));
  EXPECT_FALSE(std::filesystem::exists(temp / "d/CURRENT_STORE.tmp"));
}

TEST(DataDir, a_new_store_takes_the_place_of_an_unfinished_one_and_leaves_the_current_one) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "d");
  make_current(*dir, "current");
  const auto current = dir->open_current({});
  ASSERT_TRUE(current);
  for (int i = 0; i < 2; ++i) {
    Result<DataDir::NewStore> unfinished = dir->create_store({});
    ASSERT_TRUE(unfinished) << unfinished.error().to_string();
    EXPECT_TRUE(test::dump(*unfinished->db).empty());
    ASSERT_TRUE(unfinished->db->commit(batch_of(put("k", "half")), Durability::durable).is_ok());
  }
  EXPECT_EQ(value_in(**current), "current");
}

TEST(DataDir, opening_removes_leftovers_but_neither_the_current_store_nor_the_newest_after_it) {
  const test::TempDir temp;
  {
    const auto dir = open_dir(temp / "d");
    make_current(*dir, "old");
    make_current(*dir, "current");
    ASSERT_TRUE(dir->create_store({}));
    for (const char* const name : {"d/store.1", "d/store.98", "d/store.99", "d/store.corrupt"}) {
      std::filesystem::create_directory(temp / name);
    }
    test::spit(temp / "d/store.98/CURRENT", "MANIFEST-000001\n");
    test::spit(temp / "d/store.100", "a file");
  }
  const auto dir = open_dir(temp / "d");
  EXPECT_EQ(current_value(*dir), "current");
  EXPECT_FALSE(std::filesystem::exists(temp / "d/store.1"));
  EXPECT_FALSE(std::filesystem::exists(temp / "d/store.3"));
  EXPECT_TRUE(std::filesystem::exists(temp / "d/store.98"));
  EXPECT_FALSE(std::filesystem::exists(temp / "d/store.99")) << "without LevelDB's CURRENT it is no store";
  EXPECT_FALSE(std::filesystem::exists(temp / "d/store.100"));
  EXPECT_TRUE(std::filesystem::exists(temp / "d/store.corrupt")) << "only names of the form store.N are ours";
  EXPECT_FALSE(dir->open_unfinished({})) << "it is damaged";
  EXPECT_EQ(current_value(*dir), "current");
  ASSERT_TRUE(dir->remove_unfinished().is_ok());
  EXPECT_FALSE(std::filesystem::exists(temp / "d/store.98"));
  const auto none = dir->open_unfinished({});
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
}

TEST(DataDir, an_unfinished_store_is_found_again_and_can_become_the_current_one) {
  const test::TempDir temp;
  std::string name;
  {
    const auto dir = open_dir(temp / "d");
    make_current(*dir, "current");
    Result<DataDir::NewStore> made = dir->create_store({});
    ASSERT_TRUE(made);
    name = made->name;
    MonitorStore store(std::move(made->db));
    ASSERT_TRUE(store.initialize(test::genesis(), put("k", "half")).is_ok());
  }
  const auto dir = open_dir(temp / "d");
  EXPECT_EQ(current_value(*dir), "current");
  {
    auto unfinished = dir->open_unfinished({});
    ASSERT_TRUE(unfinished);
    ASSERT_TRUE(unfinished->has_value());
    EXPECT_EQ((*unfinished)->name, name);
    EXPECT_EQ(value_in(*(*unfinished)->db), "half");
    MonitorStore store(std::move((*unfinished)->db));
    ASSERT_TRUE(store.commit_chunk(put("k", "whole"), Durability::durable).is_ok());
    ASSERT_TRUE(dir->switch_to(name, *read_bound(*store.db().new_iterator())).is_ok());
  }
  EXPECT_EQ(current_value(*dir), "whole");
  EXPECT_FALSE(dir->open_unfinished({})->has_value());
}

TEST(DataDir, a_clone_has_what_the_current_store_had_and_neither_sees_what_the_other_does_then) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "d");
  make_current(*dir, "old");
  {  // a table, and a log
    MonitorStore current(*dir->open_current({}));
    ASSERT_TRUE(current.commit_copied(put("in the log", "1"), Durability::visible).is_ok());
  }
  auto clone = dir->clone_current({});
  ASSERT_TRUE(clone) << clone.error().to_string();
  EXPECT_EQ(clone->name, "store.2");
  {
    MonitorStore current(*dir->open_current({}));
    MonitorStore cloned(std::move(clone->db));
    EXPECT_EQ(test::dump(cloned.db()), test::dump(current.db()));
    ASSERT_TRUE(current.commit_copied(put("k", "of the current one"), Durability::durable).is_ok());
    ASSERT_TRUE(cloned.commit_copied(put("k", "of the clone"), Durability::durable).is_ok());
    EXPECT_EQ(value_in(current.db()), "of the current one");
    EXPECT_EQ(value_in(cloned.db()), "of the clone");
  }
  EXPECT_EQ(value_in(*(*dir->open_unfinished({}))->db), "of the clone");
  EXPECT_EQ(current_value(*dir), "of the current one");
  ASSERT_TRUE(dir->remove_unfinished().is_ok());
  EXPECT_EQ(current_value(*dir), "of the current one") << "whose tables had two names";
}

TEST(DataDir, without_a_good_pointer_no_store_is_removed) {
  for (const std::string pointer : {"", "nonsense\n", "store.7\n"}) {
    SCOPED_TRACE(pointer);
    const test::TempDir temp;
    { make_current(*open_dir(temp / "d"), "data"); }
    if (pointer.empty()) {
      std::filesystem::remove(temp / "d/CURRENT_STORE");
    } else {
      test::spit(temp / "d/CURRENT_STORE", pointer);
    }
    const auto dir = open_dir(temp / "d");
    EXPECT_EQ(dir->has_store(), !pointer.empty());
    const auto db = dir->open_current({});
    ASSERT_FALSE(db);
    EXPECT_EQ(db.error().code(), pointer.empty() ? Code::not_found : Code::corruption);
    EXPECT_TRUE(std::filesystem::exists(temp / "d/store.1"));
  }
}

TEST(DataDir, switching_to_what_is_no_store_is_refused) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "d");
  make_current(*dir, "v");
  for (const std::string name : {"store.9", "lock", "../d/store.1", ""}) {
    EXPECT_EQ(dir->switch_to(name, Bound{}).code(), Code::invalid_argument);
  }
  EXPECT_EQ(current_value(*dir), "v");
}

TEST(DataDir, a_store_that_nothing_has_switched_to_is_found_where_there_is_no_other) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "d");
  EXPECT_FALSE(dir->open_unfinished({})->has_value());
  EXPECT_TRUE(dir->remove_unfinished().is_ok());
  { ASSERT_TRUE(dir->create_store({})->db->commit(batch_of(put("k", "v")), Durability::durable).is_ok()); }
  {
    const auto unfinished = dir->open_unfinished({});
    ASSERT_TRUE(unfinished && *unfinished);
    EXPECT_EQ((*unfinished)->name, "store.1");
  }
  ASSERT_TRUE(dir->remove_unfinished().is_ok());
  EXPECT_FALSE(dir->open_unfinished({})->has_value());
}

TEST(DataDir, a_directory_without_current_is_no_unfinished_store) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "d");
  { ASSERT_TRUE(dir->create_store({})->db->commit(batch_of(put("k", "v")), Durability::durable).is_ok()); }
  std::filesystem::remove(temp / "d/store.1/CURRENT");
  const auto none = dir->open_unfinished({});
  ASSERT_TRUE(none) << none.error().to_string();
  EXPECT_FALSE(none->has_value());
  {
    const auto made = dir->create_store({});
    ASSERT_TRUE(made) << made.error().to_string();
    EXPECT_EQ(made->name, "store.1");
    EXPECT_TRUE(test::dump(*made->db).empty());
  }
  std::filesystem::remove(temp / "d/store.1/CURRENT");
  ASSERT_TRUE(dir->remove_unfinished().is_ok());
  EXPECT_FALSE(std::filesystem::exists(temp / "d/store.1"));
}

TEST(DataDir, the_record_of_an_unfinished_store_is_the_last_and_goes_with_the_store) {
  const test::TempDir temp;
  EXPECT_FALSE(read_copy_record(temp / "none"));
  {
    const auto dir = open_dir(temp / "d");
    EXPECT_FALSE(read_copy_record(temp / "d")->has_value());
    make_current(*dir, "v");
    auto made = dir->create_store({});
    EXPECT_FALSE(read_copy_record(temp / "d")->has_value()) << "none was written yet";
    for (const char* const record : {"first", "second", "third"}) {
      ASSERT_TRUE(dir->write_copy_record(record).is_ok());
      EXPECT_EQ(**read_copy_record(temp / "d"), record);
    }
  }
  {
    const auto dir = open_dir(temp / "d");
    const auto before = test::fingerprint(temp / "d");
    EXPECT_EQ(**read_copy_record(temp / "d"), "third");
    EXPECT_EQ(test::fingerprint(temp / "d"), before);
    EXPECT_EQ((*dir->open_unfinished({}))->record, "third");
    ASSERT_TRUE(dir->write_copy_record("fourth").is_ok());
    // As after a torn write of the next one.
    for (const std::string copy : {"/copy.1", "/copy.2"}) {
      const std::string path = temp / "d/store.2" + copy;
      const Bytes whole = test::slurp(path);
      test::spit(path, "torn");
      EXPECT_EQ(**read_copy_record(temp / "d"), whole.find("fourth") == Bytes::npos ? "fourth" : "third");
      test::spit(path, whole);
    }
    auto again = dir->create_store({});
    EXPECT_EQ(again->name, "store.2");
    EXPECT_FALSE(read_copy_record(temp / "d")->has_value()) << "that was another store's";
    ASSERT_TRUE(dir->write_copy_record("fifth").is_ok());
    MonitorStore store(std::move(again->db));
    ASSERT_TRUE(store.initialize(test::genesis(), put("k", "w")).is_ok());
    ASSERT_TRUE(dir->switch_to(again->name, *read_bound(*store.db().new_iterator())).is_ok());
  }
  EXPECT_FALSE(std::filesystem::exists(temp / "d/store.2/copy.1"));
  EXPECT_FALSE(std::filesystem::exists(temp / "d/store.2/copy.2"));
  EXPECT_EQ(current_value(*open_dir(temp / "d")), "w");
}

TEST(DataDir, a_record_of_which_both_copies_are_damaged_makes_the_unfinished_store_useless) {
  const test::TempDir temp;
  const auto dir = open_dir(temp / "d");
  ASSERT_TRUE(dir->create_store({}));
  ASSERT_TRUE(dir->write_copy_record("first").is_ok());
  ASSERT_TRUE(dir->write_copy_record("second").is_ok());
  for (const std::string copy : {"/copy.1", "/copy.2"}) test::spit(temp / "d/store.1" + copy, "damaged");
  EXPECT_EQ(dir->open_unfinished({}).error().code(), Code::corruption);
  ASSERT_TRUE(dir->remove_unfinished().is_ok());
  EXPECT_FALSE(dir->open_unfinished({})->has_value());
}

TEST(DataDir, reading_only_changes_nothing_and_keeps_daemons_out_while_it_lasts) {
  const test::TempDir temp;
  { make_current(*open_dir(temp / "d"), "v"); }
  const auto before = test::fingerprint(temp / "d");
  {
    const auto reader = open_read_only(temp / "d");
    ASSERT_TRUE(reader) << reader.error().to_string();
    const auto second = open_read_only(temp / "d");
    ASSERT_TRUE(second) << second.error().to_string();
    EXPECT_EQ(value_in(**reader), "v");
    EXPECT_TRUE((*reader)->share_before(KeySpace::replicated, "z").has_value());
    const auto daemon = DataDir::open(temp / "d");
    ASSERT_FALSE(daemon);
    EXPECT_EQ(daemon.error().code(), Code::in_use);
  }
  EXPECT_EQ(test::fingerprint(temp / "d"), before);
  EXPECT_NE(open_dir(temp / "d"), nullptr);
}

TEST(DataDir, reading_works_on_a_copy_without_a_lock_file_and_makes_none) {
  const test::TempDir temp;
  { make_current(*open_dir(temp / "d"), "v"); }
  std::filesystem::remove(temp / "d/lock");
  const auto before = test::fingerprint(temp / "d");
  EXPECT_TRUE(open_read_only(temp / "d"));
  EXPECT_EQ(test::fingerprint(temp / "d"), before);
}

TEST(DataDir, tools_say_when_a_path_is_no_data_directory_and_leave_it_alone) {
  const test::TempDir temp;
  std::filesystem::create_directory(temp / "empty");
  for (const std::string& path : {temp / "missing", temp / "empty"}) {
    for (const Status& status : {open_read_only(path).error(), open_for_repair(path).error()}) {
      EXPECT_EQ(status.code(), Code::not_found);
      EXPECT_TRUE(mentions(status, path)) << status.message();
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(temp / "empty"));
}

TEST(DataDir, repair_writes_and_excludes_everyone) {
  const test::TempDir temp;
  { make_current(*open_dir(temp / "d"), "v"); }
  {
    const auto repair = open_for_repair(temp / "d");
    ASSERT_TRUE(repair) << repair.error().to_string();
    ASSERT_TRUE((*repair)->commit(batch_of(put("k", "repaired")), Durability::durable).is_ok());
    EXPECT_EQ(open_read_only(temp / "d").error().code(), Code::in_use);
    EXPECT_EQ(DataDir::open(temp / "d").error().code(), Code::in_use);
  }
  EXPECT_EQ(current_value(*open_dir(temp / "d")), "repaired");
}

}  // namespace
}  // namespace synod
