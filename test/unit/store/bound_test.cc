// What the bound says of a log, and a directory that is opened below it or in the middle of a switch.
#include "store/bound.h"

#include <gtest/gtest.h>

#include "store/data_dir.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::put;

// The files of the operating system until a number of calls have changed something, and nothing after that.
class CutFiles final : public FileSystem {
 public:
  Result<Bytes> read_file(const std::string& path) override { return posix_files().read_file(path); }
  Status overwrite_and_sync(const std::string& path, ByteView bytes) override {
    return pass([&] { return posix_files().overwrite_and_sync(path, bytes); });
  }
  Status rewrite_and_sync(const std::string& path, ByteView bytes) override {
    return pass([&] { return posix_files().rewrite_and_sync(path, bytes); });
  }
  Status truncate_and_sync(const std::string& path, uint64_t size) override {
    return pass([&] { return posix_files().truncate_and_sync(path, size); });
  }
  Status rename_file(const std::string& from, const std::string& to) override {
    return pass([&] { return posix_files().rename_file(from, to); });
  }
  Status link_file(const std::string& existing, const std::string& name) override {
    return pass([&] { return posix_files().link_file(existing, name); });
  }
  Status sync_directory(const std::string& dir) override {
    return pass([&] { return posix_files().sync_directory(dir); });
  }
  bool exists(const std::string& path) override { return posix_files().exists(path); }
  bool is_directory(const std::string& path) override { return posix_files().is_directory(path); }
  Result<std::vector<std::string>> list(const std::string& dir) override { return posix_files().list(dir); }
  Status make_directories(const std::string& path) override { return posix_files().make_directories(path); }
  Status remove_tree(const std::string& path) override {
    return pass([&] { return posix_files().remove_tree(path); });
  }
  Result<std::unique_ptr<Lock>> lock_directory(const std::string& dir) override {
    return posix_files().lock_directory(dir);
  }
  std::shared_ptr<SyncingEnv> new_env() override { return posix_files().new_env(); }

  size_t calls_left = SIZE_MAX;

 private:
  Status pass(const std::function<Status()>& call) {
    if (calls_left == 0) return Status(Code::io_error, "the power is cut");
    --calls_left;
    return call();
  }
};

Bound bound_in(const MonitorStore& store) { return *read_bound(*store.db().new_iterator()); }

// Makes a store of this history, whose batches go on after `sequence`, and returns its bound.
Result<Bound> fill(DataDir& dir, const test::History& history, uint64_t versions, uint64_t sequence,
                   std::string& name) {
  Result<DataDir::NewStore> made = dir.create_store({});
  if (!made) return made.error();
  name = made->name;
  MonitorStore store(std::move(made->db));
  store.continue_after(sequence);
  EXPECT_TRUE(store.initialize(test::genesis(), {}).is_ok());
  history.apply(store, 0, versions);
  return bound_in(store);
}

class BoundTest : public testing::Test {
 protected:
  BoundTest() {
    for (int i = 1; i <= 5; ++i) history_.add(put("k" + std::to_string(i), "v"));
    make_current(2, 0);
  }
  void make_current(uint64_t versions, uint64_t sequence) {
    const auto dir = *DataDir::open(path_);
    std::string name;
    const Result<Bound> bound = fill(*dir, history_, versions, sequence, name);
    ASSERT_TRUE(bound && dir->switch_to(name, *bound).is_ok());
  }
  // As a member does: the store, then its bound.
  void write(StoreWrites writes, bool moves_bound = true) {
    const auto dir = *DataDir::open(path_);
    Result<std::unique_ptr<KeyValueDB>> db = dir->open_current({});
    ASSERT_TRUE(db) << db.error().to_string();
    MonitorStore store(*std::move(db));
    ASSERT_TRUE(store.commit({&writes}, Durability::durable).is_ok());
    if (!moves_bound) return;
    ASSERT_TRUE(dir->write_bound(bound_in(store)).is_ok());
  }
  // The applied version, or the error.
  std::string open() {
    const auto dir = *DataDir::open(path_);
    Result<std::unique_ptr<KeyValueDB>> db = dir->open_current({});
    if (!db) return db.error().to_string();
    return std::to_string(MonitorStore(*std::move(db)).applied()->version.value());
  }
  void expect_refused(const std::string& words) {
    const std::string found = open();
    EXPECT_NE(found.find(words), std::string::npos) << found;
  }
  ApplyEntry apply(uint64_t version) { return {history_.at(version).position(), history_.at(version).value}; }

  test::TempDir dir_;
  const std::string path_ = dir_ / "d";
  test::History history_;
};

TEST_F(BoundTest, the_end_of_a_log_follows_every_write) {
  MonitorStore store(make_memory_db());
  ASSERT_TRUE(store.initialize(test::genesis(), {}).is_ok());
  LogEnd end(*store.load_log());
  LogEntry again = history_.at(3);
  again.pn = {9, MemberId(1)};
  const std::vector<StoreWrites> steps{
      {PutEntry{history_.at(1)}},
      {PutEntry{history_.at(2)}, PutEntry{history_.at(3)}},
      {PutEntry{again}},
      {apply(1)},
      {PutLocal{"key", test::shared("value")}},
      {EraseEntries{Version(3), Version(4)}},
      {apply(2), EraseEntries{Version(1), Version(2)}},
      {EraseEntries{Version(2), Version(2)}, EraseLocal{"key"}},
      {PutEntry{history_.at(3)}, PutEntry{history_.at(4)}, apply(3), EraseEntries{Version(4), Version(5)}},
      {PutEntry{history_.at(4)}, apply(4), PutEntry{history_.at(5)}},
  };
  uint64_t sequence = 1;
  for (const StoreWrites& writes : steps) {
    ASSERT_TRUE(store.commit({&writes}, Durability::durable).is_ok());
    for (const StoreWrite& write : writes) end.add(write);
    EXPECT_EQ(*store.last_sequence(), ++sequence);
    EXPECT_EQ(end.bound(sequence), bound_in(store)) << sequence;
    EXPECT_EQ(LogEnd(*store.load_log()).bound(sequence), bound_in(store));
  }
}

TEST_F(BoundTest, a_store_at_or_past_its_bound_opens_and_is_covered_then) {
  EXPECT_EQ(open(), "2");
  write({PutEntry{history_.at(3)}, apply(3)}, false);
  EXPECT_EQ(open(), "3");
  const Result<Bound> bound = BoundFile(posix_files(), path_).read(1);
  ASSERT_TRUE(bound);
  EXPECT_EQ(bound->last, history_.at(3).position());
}

TEST_F(BoundTest, a_store_that_was_put_back_is_rolled_back) {
  std::filesystem::copy(dir_ / "d/store.1", dir_ / "old", std::filesystem::copy_options::recursive);
  write({PutEntry{history_.at(3)}});
  std::filesystem::remove_all(dir_ / "d/store.1");
  std::filesystem::copy(dir_ / "old", dir_ / "d/store.1", std::filesystem::copy_options::recursive);
  expect_refused("store.1 was rolled back: it ends with batch 2, and its durable bound is batch 3");
}

TEST_F(BoundTest, another_store_of_the_same_number_of_batches_is_noticed) {
  std::filesystem::copy(dir_ / "d", dir_ / "e", std::filesystem::copy_options::recursive);
  write({PutEntry{history_.at(3)}});
  LogEntry other = history_.at(3);
  other.pn = {9, MemberId(1)};
  {
    const auto dir = *DataDir::open(dir_ / "e");
    MonitorStore store(*dir->open_current({}));
    const StoreWrites writes{PutEntry{other}};
    ASSERT_TRUE(store.commit({&writes}, Durability::durable).is_ok());
  }
  std::filesystem::remove_all(dir_ / "d/store.1");
  std::filesystem::copy(dir_ / "e/store.1", dir_ / "d/store.1", std::filesystem::copy_options::recursive);
  expect_refused("is not the store that its durable bound was written for");
}

TEST_F(BoundTest, a_bound_that_is_missing_or_damaged_is_refused) {
  test::spit(dir_ / "d/bound.1", "bad");
  EXPECT_EQ(open(), "2");
  test::spit(dir_ / "d/bound.1", "bad");
  test::spit(dir_ / "d/bound.2", "bad");
  expect_refused("are damaged");
  std::filesystem::remove(dir_ / "d/bound.1");
  std::filesystem::remove(dir_ / "d/bound.2");
  expect_refused("are missing");
}

TEST_F(BoundTest, a_switch_that_is_cut_after_any_call_leaves_the_old_store_or_the_new_one_in_good_order) {
  bool is_finished = false;
  std::string before = "2";
  for (size_t calls = 0; !is_finished; ++calls) {
    ASSERT_LT(calls, 100U);
    SCOPED_TRACE(calls);
    {
      CutFiles files;
      const auto dir = *DataDir::open(path_, files);
      ASSERT_EQ(MonitorStore(*dir->open_current({})).applied()->version.value(), std::stoull(before));
      std::string name;
      const uint64_t old_sequence = *MonitorStore(*dir->open_current({})).last_sequence();
      const uint64_t versions = before == "2" ? 4 : 2;
      const Result<Bound> bound = fill(*dir, history_, versions, old_sequence, name);
      ASSERT_TRUE(bound);
      files.calls_left = calls;
      is_finished = dir->switch_to(name, *bound).is_ok() && dir->open_current({});
      const std::string after = std::to_string(versions);
      files.calls_left = 0;
      const std::string pointer = test::slurp(dir_ / "d/CURRENT_STORE");
      if (pointer == name + "\n") before = after;
    }
    EXPECT_EQ(open(), before);
    // Whichever it is, it goes on, and its bound moves.
    write({PutLocal{"key", test::shared("value")}});
    EXPECT_EQ(open(), before);
  }
}

TEST_F(BoundTest, a_tool_reads_a_store_with_a_torn_tail_and_changes_nothing) {
  write({PutLocal{"key", test::shared("first")}});
  write({PutLocal{"key", test::shared("second")}}, false);
  std::string log;
  for (const auto& entry : std::filesystem::directory_iterator(dir_ / "d/store.1")) {
    if (entry.path().extension() == ".log") log = entry.path();
  }
  const Bytes bytes = test::slurp(log);
  test::spit(log, bytes.substr(0, bytes.size() - 20) + Bytes(20, '\0'));
  const auto before = test::fingerprint(path_);
  const auto db = open_read_only(path_);
  ASSERT_TRUE(db) << db.error().to_string();
  EXPECT_EQ(*(*db)->get(KeySpace::local, "key"), "first");
  EXPECT_EQ(test::fingerprint(path_), before);
}

TEST_F(BoundTest, a_repair_numbers_its_batch_and_moves_the_bound) {
  const uint64_t sequence = BoundFile(posix_files(), path_).read(1)->sequence;
  {
    const auto repair = open_for_repair(path_);
    ASSERT_TRUE(repair) << repair.error().to_string();
    ASSERT_TRUE((*repair)->commit(test::batch_of(put("k", "repaired")), Durability::visible).is_ok());
  }
  EXPECT_EQ(BoundFile(posix_files(), path_).read(1)->sequence, sequence + 1);
  EXPECT_EQ(open(), "2");
}

}  // namespace
}  // namespace synod
