#include "test/sim/disk/level_db_disk.h"

#include <utility>

#include "store/data_dir.h"

namespace synod::sim {
namespace {

class DrainedDb final : public KeyValueDB {
 public:
  DrainedDb(std::shared_ptr<DiskLife> life, std::unique_ptr<KeyValueDB> db)
      : life_(std::move(life)), db_(std::move(db)) {
    life_->drain();
  }
  ~DrainedDb() override { life_->drain(); }

  Status commit(const DbBatch& batch, Durability durability) override {
    // What the last commit and reads have scheduled. Not behind the commit: while a table is being written, LevelDB
    // goes on, and what was acknowledged meanwhile is in two logs.
    life_->drain();
    return db_->commit(batch, durability);
  }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override { return db_->get(space, key); }
  std::unique_ptr<DbIterator> make_iterator(CacheUse use) const override { return db_->make_iterator(use); }

 private:
  std::shared_ptr<DiskLife> life_;
  std::unique_ptr<KeyValueDB> db_;  // destroyed first, and after the drain
};

// The real data directory, with databases that never wait.
class SimHome final : public StoreHome {
 public:
  SimHome(std::shared_ptr<DiskLife> life, std::unique_ptr<DataDir> dir)
      : life_(std::move(life)), dir_(std::move(dir)) {}

  bool has_store() const override { return dir_->has_store(); }
  Result<std::optional<Bytes>> read_identity() const override { return dir_->read_identity(); }
  Status write_identity(ByteView record) override { return dir_->write_identity(record); }
  Result<std::unique_ptr<KeyValueDB>> open_current(const DatabaseOptions& options) override {
    Result<std::unique_ptr<KeyValueDB>> db = dir_->open_current(options);
    if (!db) return db;
    return with_drain(life_, *std::move(db));
  }
  Result<NewStore> create_store(const DatabaseOptions& options) override {
    Result<NewStore> made = dir_->create_store(options);
    if (made) made->db = with_drain(life_, std::move(made->db));
    return made;
  }
  Result<NewStore> clone_current(const DatabaseOptions& options) override {
    Result<NewStore> made = dir_->clone_current(options);
    if (made) made->db = with_drain(life_, std::move(made->db));
    return made;
  }
  Result<std::optional<NewStore>> open_unfinished(const DatabaseOptions& options) override {
    Result<std::optional<NewStore>> found = dir_->open_unfinished(options);
    if (found && *found) (*found)->db = with_drain(life_, std::move((*found)->db));
    return found;
  }
  Status write_copy_record(ByteView record) override { return dir_->write_copy_record(record); }
  Status remove_unfinished() override { return dir_->remove_unfinished(); }
  Status keep_evidence() override { return dir_->keep_evidence(); }
  Status switch_to(const std::string& name, const Bound& bound) override { return dir_->switch_to(name, bound); }
  Status write_bound(const Bound& bound) override { return dir_->write_bound(bound); }

 private:
  std::shared_ptr<DiskLife> life_;
  std::unique_ptr<DataDir> dir_;
};

}  // namespace

std::unique_ptr<KeyValueDB> with_drain(std::shared_ptr<DiskLife> life, std::unique_ptr<KeyValueDB> db) {
  return std::make_unique<DrainedDb>(std::move(life), std::move(db));
}

Result<std::unique_ptr<StoreHome>> LevelDbDisk::start_life() {
  std::shared_ptr<DiskLife> life = disk_->start_life();
  Result<std::unique_ptr<DataDir>> dir = DataDir::open(path, *life);
  if (!dir) return dir.error();
  return std::unique_ptr<StoreHome>(std::make_unique<SimHome>(std::move(life), *std::move(dir)));
}

std::unique_ptr<MemberDisk> LevelDbDisk::durable_copy() const {
  return std::make_unique<LevelDbDisk>(disk_->durable_copy());
}

}  // namespace synod::sim
