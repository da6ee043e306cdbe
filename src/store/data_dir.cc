#include "store/data_dir.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "base/mutant.h"
#include "store/dir_lock.h"
#include "store/evidence.h"
#include "store/leveldb/clone.h"
#include "store/leveldb/level_db.h"
#include "store/leveldb/log_check.h"
#include "store/log_reader.h"
#include "store/records.h"
#include "store/scrub_record.h"
#include "store/store_names.h"

namespace synod {
namespace {

struct CurrentStore {
  uint64_t number = 0;
  std::string path;
};

// An error is one that is fit for people.
Result<CurrentStore> find_current_store(FileSystem& files, const std::string& dir) {
  const Result<std::string> name = read_current_store(files, dir);
  if (!name && name.error().code() == Code::not_found) {
    return Status(Code::not_found, fmt::format("{} holds no store: there is no {}/CURRENT_STORE", dir, dir));
  }
  if (!name) return name.error();
  CurrentStore store{*store_number(*name), fmt::format("{}/{}", dir, *name)};
  if (files.is_directory(store.path)) return store;
  return Status(Code::corruption, fmt::format("{}/CURRENT_STORE names {}, which does not exist", dir, *name));
}

// The store that was made, and that nothing has switched to.
Result<std::optional<std::string>> find_unfinished(FileSystem& files, const std::string& dir) {
  const Result<std::string> current = read_current_store(files, dir);
  if (!current && current.error().code() != Code::not_found) return current.error();
  return newest_store_after(files, dir, current ? *current : std::string());
}

TwinFile record_of_copy(FileSystem& files, const std::string& dir, const std::string& store) {
  return {files, fmt::format("{}/{}", dir, store), "copy"};
}

// Removes every store but those `kept`, and what is evidence.
Status keep_only(FileSystem& files, const std::string& dir, const std::vector<std::string>& kept) {
  SYNOD_RETURN_IF_ERROR(settle_evidence(files, dir));
  return remove_stores_except(files, dir, kept);
}

// Verifies that an open store reaches its bound, and lets the bound cover all that it holds.
Status cover(const KeyValueDB& db, const Bound& bound, const std::string& store, BoundFile& bound_file) {
  const Result<Bound> found = read_bound(*db.new_iterator());
  if (!found) return found.error();
  if (!SYNOD_MUTANT("bound-ignored")) SYNOD_RETURN_IF_ERROR(verify_reaches(*found, bound, store));
  // I-11: what was read is durable, since LevelDB has written it to tables, and is said from here on. Twice, so that
  // both files are good, and name this store.
  SYNOD_RETURN_IF_ERROR(bound_file.write(*found));
  return bound_file.write(*found);
}

// Opens the current store for writing, once it is known to hold all that its bound covers. On success the bound covers
// all that it holds.
Result<std::unique_ptr<KeyValueDB>> open_checked(FileSystem& files, const std::string& dir, BoundFile& bound_file,
                                                 const DatabaseOptions& options) {
  const Result<CurrentStore> store = find_current_store(files, dir);
  if (!store) return store.error();
  const Result<Bound> bound = bound_file.read(store->number);
  if (!bound) return bound.error();
  const Result<TornTail> tail =
      SYNOD_MUTANT("log-scan-skipped")
          ? Result<TornTail>(TornTail{})
          : find_torn_tail(files, store->path, SYNOD_MUTANT("bound-ignored") ? 0 : bound->sequence);
  if (!tail) return tail.error();
  if (!tail->cuts.empty()) log(LogLevel::warning, "cuts off what was not synced: {}", tail->description);
  SYNOD_RETURN_IF_ERROR(cut_torn_tail(files, *tail));
  Result<std::unique_ptr<KeyValueDB>> db =
      open_level_db(store->path, options, OpenMode::existing, make_disk_env(files));
  if (!db) return db;
  const Status covered = cover(**db, *bound, store->path, bound_file);
  if (covered.is_ok()) return db;
  files.drain();
  return covered;
}

// What a daemon would cut off. Where it would refuse to start, nothing: a tool reads what can be read.
std::vector<FileCut> honest_cuts(const std::string& dir, const CurrentStore& store) {
  const Result<Bound> bound = BoundFile(posix_files(), dir).read(store.number);
  if (!bound) return {};
  const Result<TornTail> tail = find_torn_tail(posix_files(), store.path, bound->sequence);
  return tail ? tail->cuts : std::vector<FileCut>();
}

// A database that keeps its directory locked.
class LockedDb final : public KeyValueDB {
 public:
  LockedDb(DirLock lock, std::unique_ptr<KeyValueDB> db) : lock_(std::move(lock)), db_(std::move(db)) {}

  Status commit(const DbBatch& batch, Durability durability) override { return db_->commit(batch, durability); }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override { return db_->get(space, key); }
  std::unique_ptr<DbIterator> make_iterator(CacheUse use) const override { return db_->make_iterator(use); }
  std::optional<double> share_before(KeySpace space, ByteView key) const override {
    return db_->share_before(space, key);
  }

 private:
  DirLock lock_;  // given up after the database is closed
  std::unique_ptr<KeyValueDB> db_;
};

// The same for a repair: numbers each batch, and moves the bound.
class RepairDb final : public KeyValueDB {
 public:
  RepairDb(DirLock lock, std::string dir) : lock_(std::move(lock)), dir_(std::move(dir)), bound_(posix_files(), dir_) {}
  Status open() {
    Result<std::unique_ptr<KeyValueDB>> db = open_checked(posix_files(), dir_, bound_, DatabaseOptions{});
    if (db) db_ = *std::move(db);
    return db.status();
  }

  Status commit(const DbBatch& batch, Durability /*durability*/) override {
    const Result<uint64_t> last = read_sequence(*db_->new_iterator());
    if (!last) return last.error();
    DbBatch numbered = batch;
    add_sequence(numbered, *last + 1);
    numbered.add(erase_scrub_record());  // they are of what the store held before
    SYNOD_RETURN_IF_ERROR(db_->commit(numbered, Durability::durable));
    const Result<Bound> bound = read_bound(*db_->new_iterator());
    // A log that is no log any more is the daemon's to refuse; the bound before stays true.
    return bound ? bound_.write(*bound) : Status::ok();
  }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override { return db_->get(space, key); }
  std::unique_ptr<DbIterator> make_iterator(CacheUse use) const override { return db_->make_iterator(use); }

 private:
  DirLock lock_;  // given up after the database is closed
  std::string dir_;
  BoundFile bound_;
  std::unique_ptr<KeyValueDB> db_;
};

Result<std::unique_ptr<KeyValueDB>> with_lock(DirLock lock, Result<std::unique_ptr<KeyValueDB>> db) {
  if (!db) return db;
  return std::unique_ptr<KeyValueDB>(std::make_unique<LockedDb>(std::move(lock), *std::move(db)));
}

}  // namespace

DataDir::DataDir(FileSystem& files, std::string path, std::unique_ptr<FileSystem::Lock> lock)
    : files_(files),
      path_(std::move(path)),
      lock_(std::move(lock)),
      identity_(files, path_, "identity"),
      bound_(files, path_) {}

Result<std::unique_ptr<DataDir>> DataDir::open(const std::string& path, FileSystem& files) {
  SYNOD_RETURN_IF_ERROR(files.make_directories(path));
  Result<std::unique_ptr<FileSystem::Lock>> lock = files.lock_directory(path);
  if (!lock) return lock.error();
  // The pointer may be one that only the page cache knows: a switch that was killed, or whose sync failed. From here on
  // the store that it left, and then that one's bound, go away.
  SYNOD_RETURN_IF_ERROR(files.sync_directory(path));
  SYNOD_RETURN_IF_ERROR(settle_evidence(files, path));
  const Result<std::string> current = read_current_store(files, path);
  if (current && files.is_directory(fmt::format("{}/{}", path, *current))) {
    const Result<std::optional<std::string>> unfinished = newest_store_after(files, path, *current);
    if (!unfinished) return unfinished.error();
    SYNOD_RETURN_IF_ERROR(remove_stores_except(files, path, {*current, unfinished->value_or(*current)}));
  }
  return std::unique_ptr<DataDir>(new DataDir(files, path, *std::move(lock)));
}

bool DataDir::has_store() const { return files_.exists(path_ + "/CURRENT_STORE"); }

Result<std::optional<Bytes>> DataDir::read_identity() const { return identity_.read(); }

Status DataDir::write_identity(ByteView record) { return identity_.write(record); }

Result<std::unique_ptr<KeyValueDB>> DataDir::open_current(const DatabaseOptions& options) {
  return open_checked(files_, path_, bound_, options);
}

Status DataDir::write_bound(const Bound& bound) { return bound_.write(bound); }

Result<std::string> DataDir::make_room() const {
  const Result<std::string> current = read_current_store(files_, path_);
  if (!current && current.error().code() != Code::not_found) return current.error();
  SYNOD_RETURN_IF_ERROR(keep_only(files_, path_, {current ? *current : std::string()}));
  return fmt::format("store.{}", current ? *store_number(*current) + 1 : 1);
}

Result<DataDir::NewStore> DataDir::keep_made(const std::string& name, Result<std::unique_ptr<KeyValueDB>> db) {
  if (!db) return db.error();
  copy_record_.emplace(record_of_copy(files_, path_, name));
  const Status synced = files_.sync_directory(path_);
  if (synced.is_ok()) return NewStore{name, *std::move(db)};
  files_.drain();
  return synced;
}

Result<DataDir::NewStore> DataDir::create_store(const DatabaseOptions& options) {
  const Result<std::string> name = make_room();
  if (!name) return name.error();
  const std::string path = fmt::format("{}/{}", path_, *name);
  // LevelDB would not tell why it cannot.
  SYNOD_RETURN_IF_ERROR(files_.make_directories(path));
  return keep_made(*name, open_level_db(path, options, OpenMode::create, make_disk_env(files_)));
}

Result<DataDir::NewStore> DataDir::clone_current(const DatabaseOptions& options) {
  const Result<CurrentStore> current = find_current_store(files_, path_);
  if (!current) return current.error();
  const Result<std::string> name = make_room();
  if (!name) return name.error();
  const std::string path = fmt::format("{}/{}", path_, *name);
  SYNOD_RETURN_IF_ERROR(clone_level_db(files_, current->path, path));
  return keep_made(*name, open_level_db(path, options, OpenMode::existing, make_disk_env(files_)));
}

Result<std::optional<DataDir::NewStore>> DataDir::open_unfinished(const DatabaseOptions& options) {
  const Result<std::optional<std::string>> name = find_unfinished(files_, path_);
  if (!name) return name.error();
  if (!*name) return std::optional<NewStore>();
  const std::string path = fmt::format("{}/{}", path_, **name);
  // No bound says how much of it was synced, and none needs to: it is read back as a whole before it counts.
  const Result<TornTail> tail = find_torn_tail(files_, path, 0);
  if (!tail) return tail.error();
  SYNOD_RETURN_IF_ERROR(cut_torn_tail(files_, *tail));
  Result<std::unique_ptr<KeyValueDB>> db = open_level_db(path, options, OpenMode::existing, make_disk_env(files_));
  if (!db) return db.error();
  copy_record_.emplace(record_of_copy(files_, path_, **name));
  Result<std::optional<Bytes>> record = copy_record_->read();
  if (record) return std::optional<NewStore>(NewStore{**name, *std::move(db), *std::move(record)});
  files_.drain();
  return record.error();
}

Status DataDir::write_copy_record(ByteView record) {
  SYNOD_ASSERT(copy_record_.has_value(), "a copy's record is written while there is one");
  return copy_record_->write_once(record);
}

Status DataDir::remove_unfinished() {
  const Result<std::string> current = read_current_store(files_, path_);
  if (!current && current.error().code() != Code::not_found) return current.error();
  SYNOD_RETURN_IF_ERROR(keep_only(files_, path_, {current ? *current : std::string()}));
  return files_.sync_directory(path_);
}

Status DataDir::keep_evidence() {
  const Result<std::string> current = read_current_store(files_, path_);
  if (!current) return current.error();
  return want_evidence(files_, path_, *current);
}

Status DataDir::switch_to(const std::string& name, const Bound& bound) {
  if (!store_number(name) || !files_.is_directory(fmt::format("{}/{}", path_, name))) {
    return Status(Code::invalid_argument, fmt::format("{} is no store of {}", name, path_));
  }
  // First the bound, beside the one of the store that is still current: before the pointer has moved that one counts,
  // and then this one.
  if (SYNOD_MUTANT("pointer-before-bound")) SYNOD_RETURN_IF_ERROR(write_current_store(files_, path_, name));
  SYNOD_RETURN_IF_ERROR(bound_.write(*store_number(name), bound));
  SYNOD_RETURN_IF_ERROR(write_current_store(files_, path_, name));
  // The switch is done and durable; what could not be kept or removed now is so at the next open.
  Status left = keep_only(files_, path_, {name});
  // Nobody asks the current store how far it is copied.
  if (left.is_ok()) left = record_of_copy(files_, path_, name).remove();
  if (!left.is_ok()) log(LogLevel::warning, "{}", left.message());
  return Status::ok();
}

Result<std::unique_ptr<KeyValueDB>> open_read_only(const std::string& dir) {
  if (!posix_files().is_directory(dir)) return Status(Code::not_found, fmt::format("{} is not a directory", dir));
  Result<DirLock> lock = DirLock::take_shared(dir);
  if (!lock) return lock.error();
  if (is_bare_store(posix_files(), dir)) return open_level_db_read_only(dir, DatabaseOptions{}, {});
  const Result<CurrentStore> store = find_current_store(posix_files(), dir);
  if (!store) return store.error();
  return with_lock(*std::move(lock), open_level_db_read_only(store->path, DatabaseOptions{}, honest_cuts(dir, *store)));
}

Result<std::optional<Bytes>> read_copy_record(const std::string& dir) {
  const Result<std::optional<std::string>> name = find_unfinished(posix_files(), dir);
  if (!name) return name.error();
  if (!*name) return std::optional<Bytes>();
  return record_of_copy(posix_files(), dir, **name).read();
}

Result<std::unique_ptr<KeyValueDB>> open_for_repair(const std::string& dir) {
  if (!posix_files().is_directory(dir)) return Status(Code::not_found, fmt::format("{} is not a directory", dir));
  // Before the lock, which makes a file: this may not be a data directory at all.
  SYNOD_RETURN_IF_ERROR(find_current_store(posix_files(), dir).status());
  Result<DirLock> lock = DirLock::take_exclusive(dir);
  if (!lock) return lock.error();
  auto db = std::make_unique<RepairDb>(*std::move(lock), dir);
  SYNOD_RETURN_IF_ERROR(db->open());
  return std::unique_ptr<KeyValueDB>(std::move(db));
}

}  // namespace synod
