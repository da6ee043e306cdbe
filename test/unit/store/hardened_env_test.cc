#include "store/leveldb/hardened_env.h"

#include <gtest/gtest.h>

#include "counting_env.h"
#include "store/leveldb/level_db.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

using test::batch_of;
using test::CountingEnv;
using test::EnvCall;

std::string key_of(int i) { return std::to_string(100000 + i); }

// Writes unsynced batches over one rotation of the log, then a durable one, while the table of the first log is not yet
// written; cuts the power; returns how many of the batches before the durable one are there after a restart.
int survivors_of(bool is_hardened, int batches, int sync_every) {
  const test::TempDir dir;
  auto counting = std::make_shared<CountingEnv>();
  std::shared_ptr<leveldb::Env> env = counting;
  if (is_hardened) env = std::make_shared<HardenedEnv>(counting);
  DatabaseOptions options;
  options.write_buffer_bytes = 64 << 10;
  auto db = open_level_db(dir / "db", options, OpenMode::create, env);
  EXPECT_TRUE(db);
  counting->hold_background_work();
  for (int i = 0; i < batches; ++i) {
    const Durability durability = sync_every != 0 && i % sync_every == 0 ? Durability::durable : Durability::visible;
    EXPECT_TRUE((*db)->commit(batch_of(test::put(key_of(i), std::string(1000, 'x'))), durability).is_ok());
  }
  EXPECT_TRUE((*db)->commit(batch_of(test::put("last", "durable")), Durability::durable).is_ok());
  EXPECT_EQ(counting->count(EnvCall::create, ".log"), 2) << "one rotation is what this is about";
  counting->copy_synced(dir / "db", dir / "after");
  counting->release_background_work();
  const auto after = test::open_level_db_for_test(dir / "after", OpenMode::existing);
  EXPECT_NE(after, nullptr);
  if (after == nullptr) return -1;
  const std::unique_ptr<DbIterator> iterator = after->new_iterator(KeySpace::replicated);
  int found = 0;
  bool has_last = false;
  for (iterator->seek_to_first(); iterator->is_valid(); iterator->next()) {
    if (iterator->key() == "last") {
      has_last = true;
    } else {
      ++found;
    }
  }
  EXPECT_TRUE(has_last);
  return found;
}

TEST(HardenedEnv, a_durable_commit_makes_unsynced_ones_before_a_log_rotation_durable) {
  EXPECT_EQ(survivors_of(true, 90, 0), 90);
}

TEST(HardenedEnv, mixed_synced_and_unsynced_commits_keep_their_order_over_a_rotation) {
  EXPECT_EQ(survivors_of(true, 90, 13), 90);
}

TEST(HardenedEnv, a_plain_env_loses_them_so_the_test_above_can_fail) {
  const int found = survivors_of(false, 90, 0);
  EXPECT_GE(found, 0);
  EXPECT_LT(found, 90);
}

class HardenedFiles : public testing::Test {
 protected:
  std::unique_ptr<leveldb::WritableFile> make(const std::string& name) {
    leveldb::WritableFile* file = nullptr;
    EXPECT_TRUE(env_->NewWritableFile(dir_ / name, &file).ok());
    return std::unique_ptr<leveldb::WritableFile>(file);
  }
  void fail_on(EnvCall failing, const std::string& end = "") {
    counting_->set_fault([=](EnvCall call, const std::string& name) {
      return call == failing && name.ends_with(end) ? leveldb::Status::IOError("injected") : leveldb::Status::OK();
    });
  }
  void expect_all_writing_refused() {
    counting_->set_fault(nullptr);
    const size_t calls = counting_->history().size();
    leveldb::WritableFile* file = nullptr;
    EXPECT_TRUE(env_->NewWritableFile(dir_ / "more.log", &file).IsIOError());
    EXPECT_EQ(file, nullptr);
    EXPECT_TRUE(env_->RenameFile(dir_ / "a", dir_ / "CURRENT").IsIOError());
    EXPECT_TRUE(env_->RemoveFile(dir_ / "a").IsIOError());
    EXPECT_TRUE(env_->SyncDir(dir_.path()).IsIOError());
    EXPECT_NE(env_->failure().ToString().find("injected"), std::string::npos);
    EXPECT_EQ(counting_->history().size(), calls) << "nothing reaches the disk any more";
  }

  test::TempDir dir_;
  std::shared_ptr<CountingEnv> counting_ = std::make_shared<CountingEnv>();
  std::shared_ptr<HardenedEnv> env_ = std::make_shared<HardenedEnv>(counting_);
};

TEST_F(HardenedFiles, a_log_with_unsynced_bytes_is_synced_when_destroyed) {
  {
    const auto log = make("1.log");
    ASSERT_TRUE(log->Append("x").ok());
  }
  EXPECT_EQ(counting_->count(EnvCall::sync, "1.log"), 1);
}

TEST_F(HardenedFiles, a_log_with_unsynced_bytes_is_synced_once_when_closed) {
  {
    const auto log = make("1.log");
    ASSERT_TRUE(log->Append("x").ok());
    ASSERT_TRUE(log->Close().ok());
  }
  EXPECT_EQ(counting_->count(EnvCall::sync, "1.log"), 1);
}

TEST_F(HardenedFiles, nothing_is_synced_that_needs_no_sync) {
  {
    const auto log = make("1.log");
    ASSERT_TRUE(log->Append("x").ok());
    ASSERT_TRUE(log->Sync().ok());
    const auto table = make("2.ldb");
    ASSERT_TRUE(table->Append("x").ok());
  }
  EXPECT_EQ(counting_->count(EnvCall::sync, "1.log"), 1);
  EXPECT_EQ(counting_->count(EnvCall::sync, "2.ldb"), 0);
}

TEST_F(HardenedFiles, a_flush_reaches_a_log_and_not_a_table_which_is_read_only_when_it_is_synced) {
  for (const char* const name : {"1.log", "2.ldb", "MANIFEST-000003"}) {
    const auto file = make(name);
    ASSERT_TRUE(file->Append("x").ok());
    ASSERT_TRUE(file->Flush().ok());
    ASSERT_TRUE(file->Sync().ok());
    EXPECT_EQ(counting_->count(EnvCall::flush, name), std::string(name).ends_with(".ldb") ? 0 : 1);
    EXPECT_EQ(counting_->count(EnvCall::sync, name), 1);
  }
}

TEST_F(HardenedFiles, each_failing_call_on_a_file_stops_all_writing) {
  for (const EnvCall call : {EnvCall::append, EnvCall::flush, EnvCall::sync, EnvCall::close}) {
    SCOPED_TRACE(static_cast<int>(call));
    counting_ = std::make_shared<CountingEnv>();
    env_ = std::make_shared<HardenedEnv>(counting_);
    const auto log = make("1.log");
    const auto table = make("2.ldb");
    ASSERT_TRUE(log->Append("x").ok());
    fail_on(call, ".log");
    leveldb::Status status;
    switch (call) {
      case EnvCall::append: status = log->Append("y"); break;
      case EnvCall::flush: status = log->Flush(); break;
      case EnvCall::sync: status = log->Sync(); break;
      default: status = log->Close(); break;
    }
    EXPECT_TRUE(status.IsIOError());
    expect_all_writing_refused();
    EXPECT_TRUE(log->Append("y").IsIOError());
    EXPECT_TRUE(log->Sync().IsIOError());
    EXPECT_TRUE(table->Append("y").IsIOError());
    EXPECT_TRUE(table->Flush().IsIOError());
    EXPECT_TRUE(table->Close().IsIOError());
  }
}

TEST_F(HardenedFiles, a_sync_that_fails_in_the_destructor_stops_all_writing) {
  {
    const auto log = make("1.log");
    ASSERT_TRUE(log->Append("x").ok());
    fail_on(EnvCall::sync);
  }
  expect_all_writing_refused();
}

TEST_F(HardenedFiles, a_failing_directory_sync_fails_the_creation_of_a_log) {
  fail_on(EnvCall::sync_dir);
  leveldb::WritableFile* file = nullptr;
  EXPECT_TRUE(env_->NewWritableFile(dir_ / "1.log", &file).IsIOError());
  EXPECT_EQ(file, nullptr);
  expect_all_writing_refused();
}

TEST_F(HardenedFiles, a_file_that_cannot_be_made_stops_all_writing) {
  fail_on(EnvCall::create);
  leveldb::WritableFile* file = nullptr;
  EXPECT_TRUE(env_->NewWritableFile(dir_ / "1.ldb", &file).IsIOError());
  expect_all_writing_refused();
}

TEST_F(HardenedFiles, the_directory_is_synced_after_a_log_is_made_and_not_for_a_table) {
  make("1.log");
  EXPECT_EQ(counting_->dir_syncs(), 1);
  make("2.ldb");
  EXPECT_EQ(counting_->dir_syncs(), 1);
}

// Once for each edit: its parts are appended one by one, and then it is synced.
TEST_F(HardenedFiles, the_directory_is_synced_before_an_edit_is_appended_to_a_manifest) {
  const std::string name = dir_ / "MANIFEST-000001";
  const auto manifest = make("MANIFEST-000001");
  for (int edit = 1; edit <= 2; ++edit) {
    ASSERT_TRUE(manifest->Append("head").ok());
    ASSERT_TRUE(manifest->Append("edit").ok());
    ASSERT_TRUE(manifest->Sync().ok());
    const auto history = counting_->history();
    ASSERT_GE(history.size(), 4u);
    EXPECT_EQ(history[history.size() - 4].first, EnvCall::sync_dir);
    EXPECT_EQ(history[history.size() - 3], std::pair(EnvCall::append, name));
    EXPECT_EQ(history[history.size() - 2], std::pair(EnvCall::append, name));
    EXPECT_EQ(history.back(), std::pair(EnvCall::sync, name));
    EXPECT_EQ(counting_->dir_syncs(), edit);
  }
}

TEST_F(HardenedFiles, the_directory_is_synced_after_a_rename_to_current_only) {
  { make("a.dbtmp")->Close(); }
  ASSERT_TRUE(env_->RenameFile(dir_ / "a.dbtmp", dir_ / "CURRENT").ok());
  EXPECT_EQ(counting_->dir_syncs(), 1);
  EXPECT_EQ(counting_->history().back().first, EnvCall::sync_dir);
  { make("LOG")->Close(); }
  ASSERT_TRUE(env_->RenameFile(dir_ / "LOG", dir_ / "LOG.old").ok());
  EXPECT_EQ(counting_->dir_syncs(), 1);
}

TEST_F(HardenedFiles, a_missing_information_log_is_no_failure) {
  EXPECT_FALSE(env_->RenameFile(dir_ / "LOG", dir_ / "LOG.old").ok());
  EXPECT_FALSE(env_->RemoveFile(dir_ / "nothing").ok());
  EXPECT_TRUE(env_->failure().ok());
}

TEST(HardenedEnv, reads_go_on_after_a_failure_and_a_failed_rotation_is_final) {
  const test::TempDir dir;
  auto counting = std::make_shared<CountingEnv>();
  auto hardened = std::make_shared<HardenedEnv>(counting);
  DatabaseOptions options;
  options.write_buffer_bytes = 64 << 10;
  auto db = open_level_db(dir / "db", options, OpenMode::create, hardened);
  ASSERT_TRUE(db);
  // Fails no write that is waited for: only the sync of the closed log.
  counting->set_fault([](EnvCall call, const std::string& name) {
    return call == EnvCall::sync && name.ends_with(".log") ? leveldb::Status::IOError("injected")
                                                           : leveldb::Status::OK();
  });
  int done = 0;
  while (done < 200 &&
         (*db)->commit(batch_of(test::put(key_of(done), std::string(1000, 'x'))), Durability::visible).is_ok()) {
    ++done;
  }
  EXPECT_GT(done, 30);
  EXPECT_LT(done, 200) << "the commit that rotates the log is the first to fail";
  counting->set_fault(nullptr);
  EXPECT_FALSE((*db)->commit(batch_of(test::put("k", "v")), Durability::durable).is_ok());
  EXPECT_EQ(test::dump(**db).size(), static_cast<size_t>(done));
}

}  // namespace
}  // namespace synod
