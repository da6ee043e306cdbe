// A store whose logs were damaged: what is cut off, what is refused, and what LevelDB finds afterwards.
#include "store/leveldb/log_check.h"

#include <gtest/gtest.h>

#include "store/leveldb/log_file.h"
#include "store/log_reader.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

class LogCheckTest : public testing::Test {
 protected:
  static constexpr uint64_t batches = 6;

  // Opens the store, writes, and closes it.
  void write(OpenMode mode, uint64_t count = batches) {
    MonitorStore store(test::open_level_db_for_test(path_, mode, 1 << 20));
    for (uint64_t i = 0; i < count; ++i) {
      const StoreWrites writes{PutLocal{"key " + std::to_string(i), SharedBytes("some value")}};
      ASSERT_TRUE(store.commit({&writes}, Durability::durable).is_ok());
    }
  }
  std::string only_log() const {
    std::string found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.path().extension() != ".log") continue;
      EXPECT_EQ(found, "");
      found = entry.path();
    }
    return found;
  }
  std::string manifest() const {
    const std::string current = test::slurp(path_ + "/CURRENT");
    return path_ + "/" + current.substr(0, current.size() - 1);
  }
  // The number of the latest batch after the cuts and an open, or the error.
  std::string open(uint64_t bound) {
    const Result<TornTail> tail = find_torn_tail(posix_files(), path_, bound);
    if (!tail) return tail.error().to_string();
    const Status cut = cut_torn_tail(posix_files(), *tail);
    if (!cut.is_ok()) return cut.to_string();
    const auto db = test::open_level_db_for_test(path_, OpenMode::existing);
    return db ? std::to_string(*read_sequence(*db->new_iterator())) : "not opened";
  }
  void expect_refused(uint64_t bound, const std::string& words) {
    const auto before = test::fingerprint(path_);
    const std::string found = open(bound);
    EXPECT_NE(found.find("corruption: "), std::string::npos) << found;
    EXPECT_NE(found.find(words), std::string::npos) << found;
    EXPECT_EQ(test::fingerprint(path_), before) << "a store that is refused is left as it is";
  }
  // Runs `check` on a copy of the store, for each bound.
  void for_every_bound(const std::function<void(uint64_t)>& check) {
    const std::string original = path_;
    for (uint64_t bound = 0; bound <= batches; ++bound) {
      SCOPED_TRACE(testing::Message() << "bound " << bound);
      path_ = dir_ / "copy";
      std::filesystem::copy(original, path_, std::filesystem::copy_options::recursive);
      check(bound);
      std::filesystem::remove_all(path_);
      path_ = original;
    }
  }

  test::TempDir dir_;
  std::string path_ = dir_ / "db";
};

std::vector<uint64_t> ends_of(const Bytes& log) {
  std::vector<uint64_t> ends{0};
  LogFileReader reader(log);
  while (reader.next()) ends.push_back(reader.end());
  return ends;
}

TEST_F(LogCheckTest, whole_logs_are_left_alone) {
  write(OpenMode::create);
  const auto before = test::fingerprint(path_);
  const Result<TornTail> tail = find_torn_tail(posix_files(), path_, batches);
  ASSERT_TRUE(tail) << tail.error().to_string();
  EXPECT_TRUE(tail->cuts.empty());
  EXPECT_EQ(test::fingerprint(path_), before);
  EXPECT_EQ(open(batches), std::to_string(batches));
}

TEST_F(LogCheckTest, damage_past_the_bound_is_cut_off_and_damage_before_it_is_corruption_for_every_bound) {
  write(OpenMode::create);
  const Bytes log = test::slurp(only_log());
  const std::vector<uint64_t> ends = ends_of(log);
  for (uint64_t damaged = 0; damaged < batches; ++damaged) {
    Bytes flipped = log;
    flipped[ends[damaged] + 9] = static_cast<char>(~flipped[ends[damaged] + 9]);
    Bytes zeroed = log;
    for (size_t i = ends[damaged]; i < log.size(); ++i) zeroed[i] = 0;
    const Bytes torn = log.substr(0, ends[damaged + 1] - 1);
    for (const Bytes& bytes : {flipped, zeroed, torn}) {
      test::spit(only_log(), bytes);
      for_every_bound([&](uint64_t bound) {
        if (bound <= damaged) {
          EXPECT_EQ(open(bound), std::to_string(damaged));
        } else {
          expect_refused(bound, bytes.size() == torn.size() ? "was rolled back" : "is corrupt");
        }
      });
    }
    test::spit(only_log(), log);
  }
}

TEST_F(LogCheckTest, the_sentence_names_file_offset_and_batches) {
  write(OpenMode::create);
  const Bytes log = test::slurp(only_log());
  const std::vector<uint64_t> ends = ends_of(log);
  Bytes flipped = log;
  flipped[ends[3]] = static_cast<char>(~flipped[ends[3]]);
  test::spit(only_log(), flipped);
  expect_refused(5, only_log() + " at byte " + std::to_string(ends[3]));
  expect_refused(5, "behind batch 3, and batches up to 5 were synced");
  const Result<TornTail> tail = find_torn_tail(posix_files(), path_, 3);
  ASSERT_TRUE(tail);
  EXPECT_NE(tail->description.find(std::to_string(log.size() - ends[3]) + " bytes"), std::string::npos);
}

TEST_F(LogCheckTest, a_first_batch_that_is_torn_is_judged_by_what_the_tables_hold) {
  write(OpenMode::create);
  write(OpenMode::existing, 1);  // the only batch of the log; those before are in a table
  const Bytes log = test::slurp(only_log());
  for (const Bytes& torn : {log.substr(0, 10), Bytes(log.size(), '\0')}) {
    test::spit(only_log(), torn);
    expect_refused(batches + 1, "batch " + std::to_string(batches));
  }
  EXPECT_EQ(open(batches), std::to_string(batches));
}

TEST_F(LogCheckTest, a_log_that_is_missing_is_corruption) {
  write(OpenMode::create);
  const std::string log = only_log();
  std::filesystem::remove(log);
  expect_refused(0, log + " is missing");
}

TEST_F(LogCheckTest, a_log_that_is_out_of_use_is_not_looked_at) {
  write(OpenMode::create);
  write(OpenMode::existing);
  test::spit(path_ + "/000001.log", "not removed before the power was cut");
  EXPECT_EQ(open(2 * batches), std::to_string(2 * batches));
}

TEST_F(LogCheckTest, a_torn_tail_goes_with_all_later_logs) {
  write(OpenMode::create);
  const Bytes log = test::slurp(only_log());
  test::spit(only_log(), log.substr(0, log.size() - 1));
  const std::string later = path_ + "/000099.log";
  test::spit(later, log);
  expect_refused(batches, "is corrupt");
  EXPECT_EQ(open(batches - 1), std::to_string(batches - 1));
}

TEST_F(LogCheckTest, the_torn_tail_of_a_manifest_is_cut_off_if_nothing_is_lost_by_it) {
  write(OpenMode::create);
  write(OpenMode::existing);
  const Bytes whole = test::slurp(manifest());
  test::spit(manifest(), whole + Bytes(20, '\0'));
  EXPECT_EQ(open(2 * batches), std::to_string(2 * batches));
}

TEST_F(LogCheckTest, a_manifest_that_lost_an_edit_which_counts_is_refused_before_leveldb_removes_its_tables) {
  write(OpenMode::create);
  write(OpenMode::existing);
  const Bytes whole = test::slurp(manifest());
  std::string table;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    if (entry.path().extension() == ".ldb") table = entry.path();
  }
  for (size_t length = 0; length < whole.size(); ++length) {
    SCOPED_TRACE(length);
    test::spit(manifest(), whole.substr(0, length));
    const Result<TornTail> tail = find_torn_tail(posix_files(), path_, 2 * batches);
    // At the end of a record nothing is to be seen. What is left then is no state of a database, which LevelDB knows.
    EXPECT_FALSE(tail && open_level_db(path_, {}, OpenMode::existing, make_disk_env()));
    EXPECT_TRUE(std::filesystem::exists(table));
  }
}

TEST_F(LogCheckTest, cutting_twice_is_cutting_once) {
  write(OpenMode::create);
  const Bytes log = test::slurp(only_log());
  test::spit(only_log(), log.substr(0, log.size() - 3));
  test::spit(path_ + "/000098.log", log);
  test::spit(path_ + "/000099.log", log);
  const Result<TornTail> tail = find_torn_tail(posix_files(), path_, batches - 1);
  ASSERT_TRUE(tail);
  ASSERT_EQ(tail->cuts.size(), 3U);
  // A crash after each of the cuts.
  for (const FileCut& cut : tail->cuts) {
    ASSERT_TRUE(posix_files().truncate_and_sync(cut.path, cut.length).is_ok());
    const Result<TornTail> again = find_torn_tail(posix_files(), path_, batches - 1);
    EXPECT_TRUE(again) << again.error().to_string();
  }
  EXPECT_EQ(open(batches - 1), std::to_string(batches - 1));
}

}  // namespace
}  // namespace synod
