// planted_race DEFECT: a race that ThreadSanitizer must report, with the project's suppressions.
//   transaction     two threads use one object of the project that is not thread safe
//   below_leveldb   files below LevelDB count without a lock, on the writer and on LevelDB's own thread
#include <leveldb/env.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "store/leveldb/level_db.h"
#include "store/transaction.h"
#include "test/unit/store/temp_dir.h"

namespace synod {
namespace {

void race_on_a_transaction() {
  Transaction shared;
  std::thread first([&] { shared.erase("a"); });
  std::thread second([&] { shared.erase("b"); });
  first.join();
  second.join();
}

// What is appended to all files, by whoever does it. The atomics are relaxed, so that they order nothing.
struct Counts {
  bool is_racy = false;
  int racy = 0;
  std::atomic<int> tables_begun{0};
  std::atomic<int> appended_to_logs{0};
  std::atomic<int> appended_to_tables{0};
};

// Waits for the other thread, but not for ever. A sleep orders nothing either.
void wait_for_change(const std::atomic<int>& count, int from) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (count.load(std::memory_order_relaxed) == from && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

class CountingFile final : public leveldb::WritableFile {
 public:
  CountingFile(std::unique_ptr<leveldb::WritableFile> file, const std::string& name, Counts& counts)
      : file_(std::move(file)), is_log_(name.ends_with(".log")), is_table_(name.ends_with(".ldb")), counts_(counts) {}
  leveldb::Status Append(const leveldb::Slice& bytes) override {
    // A machine that runs one thread after the other would hide the race, and so would a lock that either takes next: a
    // new log is written to while the table of the one before is made, and its writer goes on when that is written to.
    const bool is_first = is_log_ && std::exchange(is_after_another_, false);
    if (is_first) wait_for_change(counts_.tables_begun, tables_begun_);
    if (counts_.is_racy) ++counts_.racy;
    if (is_log_) {
      const int appended = counts_.appended_to_tables.load(std::memory_order_relaxed);
      counts_.appended_to_logs.fetch_add(1, std::memory_order_relaxed);
      if (is_first) wait_for_change(counts_.appended_to_tables, appended);
    } else if (is_table_) {
      counts_.appended_to_tables.fetch_add(1, std::memory_order_relaxed);
    }
    return file_->Append(bytes);
  }
  leveldb::Status Close() override { return file_->Close(); }
  leveldb::Status Flush() override { return file_->Flush(); }
  leveldb::Status Sync() override { return file_->Sync(); }

 private:
  const std::unique_ptr<leveldb::WritableFile> file_;
  const bool is_log_;
  const bool is_table_;
  Counts& counts_;
  const int tables_begun_ = counts_.tables_begun.load(std::memory_order_relaxed);
  bool is_after_another_ = counts_.appended_to_logs.load(std::memory_order_relaxed) > 0;  // there is a table to make
};

class CountingEnv final : public leveldb::EnvWrapper {
 public:
  CountingEnv(std::shared_ptr<leveldb::Env> base, bool is_racy) : EnvWrapper(base.get()), base_(std::move(base)) {
    counts_.is_racy = is_racy;
  }
  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** file) override {
    if (name.ends_with(".ldb")) {
      const int appended = counts_.appended_to_logs.load(std::memory_order_relaxed);
      counts_.tables_begun.fetch_add(1, std::memory_order_relaxed);
      wait_for_change(counts_.appended_to_logs, appended);
    }
    leveldb::Status status = EnvWrapper::NewWritableFile(name, file);
    if (status.ok()) *file = new CountingFile(std::unique_ptr<leveldb::WritableFile>(*file), name, counts_);
    return status;
  }

 private:
  const std::shared_ptr<leveldb::Env> base_;
  Counts counts_;
};

// Enough writes that LevelDB starts log files on the writer's thread, and tables and compactions on its own.
void work_on_leveldb(bool is_racy) {
  const test::TempDir dir;
  DatabaseOptions options;
  options.write_buffer_bytes = 64 << 10;
  auto db =
      open_level_db(dir / "db", options, OpenMode::create, std::make_shared<CountingEnv>(make_disk_env(), is_racy));
  SYNOD_ASSERT(db.has_value(), "the database is made");
  for (int i = 0; i < 200; ++i) {
    ReplicatedTransaction put;
    put.put("key " + std::to_string(i), SharedBytes(Bytes(4000, 'v')));
    DbBatch batch;
    batch.add(std::move(put));
    SYNOD_ASSERT((*db)->commit(batch, Durability::visible).is_ok(), "the batch is written");
    SYNOD_ASSERT((*db)->get(KeySpace::replicated, "key 0").has_value(), "it is read");
  }
}

}  // namespace
}  // namespace synod

int main(int argc, char** argv) {
  const std::string_view defect = argc > 1 ? argv[1] : "none";
  if (defect == "transaction") synod::race_on_a_transaction();
  synod::work_on_leveldb(defect == "below_leveldb");
  return 0;
}
