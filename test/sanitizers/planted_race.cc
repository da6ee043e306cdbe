// planted_race DEFECT: a race that ThreadSanitizer must report, with the project's suppressions.
//   transaction     two threads use one object of the project that is not thread safe
//   below_leveldb   an Env below LevelDB counts without a lock, on the writer and on LevelDB's own thread
#include <leveldb/env.h>

#include <string>
#include <string_view>
#include <thread>

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

class CountingEnv final : public leveldb::EnvWrapper {
 public:
  explicit CountingEnv(std::shared_ptr<leveldb::Env> base, bool is_racy)
      : EnvWrapper(base.get()), base_(std::move(base)), is_racy_(is_racy) {}
  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** file) override {
    if (is_racy_) ++racy_count_;
    return EnvWrapper::NewWritableFile(name, file);
  }
  leveldb::Status GetChildren(const std::string& dir, std::vector<std::string>* names) override {
    if (is_racy_) ++racy_count_;
    return EnvWrapper::GetChildren(dir, names);
  }

 private:
  std::shared_ptr<leveldb::Env> base_;
  const bool is_racy_;
  int racy_count_ = 0;
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
