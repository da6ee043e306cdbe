#include "store/leveldb/level_db.h"

#include <fmt/format.h>
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "store/leveldb/batch_builder.h"
#include "store/leveldb/hardened_env.h"
#include "store/leveldb/overlay_env.h"
#include "store/leveldb/posix_env.h"
#include "store/leveldb/translate.h"
#include "store/leveldb/unwatched_reads.h"
#include "store/mirrored_db.h"
#include "store/space_key.h"

namespace synod {
namespace {

constexpr int bloom_bits_per_key = 10;

class LevelDbIterator final : public DbIterator {
 public:
  LevelDbIterator(std::unique_ptr<leveldb::Iterator> iterator, std::string path)
      : iterator_(std::move(iterator)), path_(std::move(path)) {}

  void seek_to_first() override {
    const UnwatchedReads unwatched;
    iterator_->SeekToFirst();
    look();
  }
  void seek(KeySpace space, ByteView key) override {
    const Bytes stored = space_key(space, key);
    const UnwatchedReads unwatched;
    iterator_->Seek(stored);
    look();
  }
  bool is_valid() const override { return is_valid_; }
  void next() override {
    SYNOD_ASSERT(is_valid(), "next() of an iterator that is not at a key");
    const UnwatchedReads unwatched;
    iterator_->Next();
    look();
  }
  KeySpace space() const override { return static_cast<KeySpace>(iterator_->key()[0]); }
  ByteView key() const override { return to_view(iterator_->key()).substr(1); }
  ByteView value() const override { return to_view(iterator_->value()); }
  Status status() const override {
    if (!iterator_->status().ok()) return translate(iterator_->status(), "read", path_);
    if (iterator_->Valid() && !is_valid_) {
      return Status(Code::corruption, fmt::format("the store {} holds a key of no known key space", path_));
    }
    return Status::ok();
  }

 private:
  // When LevelDB cannot read a table it goes on over the others: what it is at then may be long overwritten, or erased.
  void look() {
    is_valid_ = iterator_->Valid() && iterator_->status().ok() && is_stored_key(to_view(iterator_->key()));
  }

  std::unique_ptr<leveldb::Iterator> iterator_;
  std::string path_;
  bool is_valid_ = false;
};

class LevelDb final : public KeyValueDB {
 public:
  LevelDb(std::string path, const DatabaseOptions& options, std::shared_ptr<leveldb::Env> env)
      : path_(std::move(path)),
        env_(std::move(env)),
        filter_(leveldb::NewBloomFilterPolicy(bloom_bits_per_key)),
        cache_(leveldb::NewLRUCache(options.block_cache_bytes)),
        write_buffer_bytes_(options.write_buffer_bytes) {}

  Status open(OpenMode mode) {
    leveldb::Options options;
    options.env = env_.get();
    options.create_if_missing = mode == OpenMode::create;
    options.error_if_exists = mode == OpenMode::create;
    options.paranoid_checks = true;
    options.write_buffer_size = write_buffer_bytes_;
    options.block_cache = cache_.get();
    options.filter_policy = filter_.get();
    leveldb::DB* db = nullptr;
    const leveldb::Status opened = leveldb::DB::Open(options, path_, &db);
    db_.reset(db);
    return translate(opened, "open", path_);
  }

  Status commit(const DbBatch& batch, Durability durability) override {
    const std::lock_guard lock(mutex_);
    if (!failure_.is_ok()) {
      return Status(failure_.code(), fmt::format("an earlier write failed, and nothing is written to this store before "
                                                 "a restart: {}",
                                                 failure_.message()));
    }
    failure_ = write(batch, durability);
    return failure_;
  }

  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override {
    Bytes value;
    const Bytes stored = space_key(space, key);
    const leveldb::Status found = [&] {
      const UnwatchedReads unwatched;
      return db_->Get(verified_reads(), stored, &value);
    }();
    if (found.IsNotFound()) return std::optional<Bytes>();
    if (!found.ok()) return translate(found, "read", path_);
    return std::optional<Bytes>(std::move(value));
  }

  std::optional<double> share_before(KeySpace space, ByteView key) const override {
    const Bytes begin = space_key(space, {});
    const Bytes at = space_key(space, key);
    const Bytes end = space_range_end(space, {});
    const std::array<leveldb::Range, 2> ranges{leveldb::Range(begin, at), leveldb::Range(begin, end)};
    std::array<uint64_t, 2> bytes{};
    const UnwatchedReads unwatched;
    db_->GetApproximateSizes(ranges.data(), static_cast<int>(ranges.size()), bytes.data());
    if (bytes[1] == 0) return std::nullopt;
    return std::min(1.0, static_cast<double>(bytes[0]) / static_cast<double>(bytes[1]));
  }
  std::unique_ptr<DbIterator> make_iterator(CacheUse use) const override {
    return std::make_unique<LevelDbIterator>(new_scan(use), path_);
  }

 private:
  static leveldb::ReadOptions verified_reads() {
    leveldb::ReadOptions options;
    options.verify_checksums = true;
    return options;
  }
  std::unique_ptr<leveldb::Iterator> new_scan(CacheUse use) const {
    leveldb::ReadOptions options = verified_reads();
    options.fill_cache = use == CacheUse::fill;
    return std::unique_ptr<leveldb::Iterator>(db_->NewIterator(options));
  }

  Status write(const DbBatch& batch, Durability durability) {
    BatchBuilder builder([this] { return new_scan(CacheUse::bypass); });
    const leveldb::Status built = builder.add(batch);
    if (!built.ok()) return translate(built, "read", path_);
    leveldb::WriteOptions options;
    options.sync = durability == Durability::durable && !SYNOD_MUTANT("skip-commit-fsync");
    return translate(db_->Write(options, &builder.batch()), "write to", path_);
  }

  const std::string path_;
  const std::shared_ptr<leveldb::Env> env_;
  const std::unique_ptr<const leveldb::FilterPolicy> filter_;
  const std::unique_ptr<leveldb::Cache> cache_;
  const size_t write_buffer_bytes_;
  std::unique_ptr<leveldb::DB> db_;  // destroyed first: it uses all of the above
  std::mutex mutex_;                 // one commit at a time: an erase_range reads what the commit before has written
  Status failure_;
};

class ReadOnlyLevelDb final : public KeyValueDB {
 public:
  ReadOnlyLevelDb(std::string path, std::shared_ptr<OverlayEnv> overlay, std::unique_ptr<KeyValueDB> db)
      : path_(std::move(path)), overlay_(std::move(overlay)), db_(std::move(db)) {}
  ~ReadOnlyLevelDb() override {
    overlay_->end_background_work();  // LevelDB waits for it when it closes
    db_.reset();
  }

  Status commit(const DbBatch& /*batch*/, Durability /*durability*/) override {
    return Status(Code::refused, fmt::format("the store {} is open for reading only", path_));
  }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override { return db_->get(space, key); }
  std::unique_ptr<DbIterator> make_iterator(CacheUse use) const override { return db_->make_iterator(use); }
  std::optional<double> share_before(KeySpace space, ByteView key) const override {
    return db_->share_before(space, key);
  }

 private:
  std::string path_;
  std::shared_ptr<OverlayEnv> overlay_;
  std::unique_ptr<KeyValueDB> db_;
};

}  // namespace

std::shared_ptr<leveldb::Env> make_disk_env(FileSystem& files) {
  return std::make_shared<HardenedEnv>(files.new_env());
}

std::shared_ptr<SyncingEnv> new_posix_env() { return std::make_shared<PosixEnv>(); }

Result<std::unique_ptr<KeyValueDB>> open_level_db(const std::string& path, const DatabaseOptions& options,
                                                  OpenMode mode, std::shared_ptr<leveldb::Env> env) {
  auto db = std::make_unique<LevelDb>(path, options, std::move(env));
  SYNOD_RETURN_IF_ERROR(db->open(mode));
  if (options.mirror) return mirror_in_memory(std::move(db));
  return std::unique_ptr<KeyValueDB>(std::move(db));
}

Result<std::unique_ptr<KeyValueDB>> open_level_db_read_only(const std::string& path, const DatabaseOptions& options,
                                                            const std::vector<FileCut>& cuts, FileSystem& files) {
  auto overlay = std::make_shared<OverlayEnv>(files.new_env());
  for (const FileCut& cut : cuts) {
    SYNOD_RETURN_IF_ERROR(translate(overlay->cut(cut.path, cut.length), "read", cut.path));
  }
  Result<std::unique_ptr<KeyValueDB>> db = open_level_db(path, options, OpenMode::existing, overlay);
  if (!db) return db.error();
  return std::unique_ptr<KeyValueDB>(std::make_unique<ReadOnlyLevelDb>(path, std::move(overlay), *std::move(db)));
}

}  // namespace synod
