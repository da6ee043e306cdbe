// A run of commits on a database, of which it can be said afterwards how many are there.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "store/leveldb/level_db.h"
#include "store/log_reader.h"
#include "store/records.h"
#include "test/sim/disk/level_db_disk.h"
#include "test/sim/disk/model_disk.h"

namespace synod::sim {

// The smallest that LevelDB takes, so that its log rotates and its tables are merged in a short run.
inline constexpr DatabaseOptions small_buffers{.write_buffer_bytes = 64 << 10, .block_cache_bytes = 64 << 10};

class CommitRun {
 public:
  CommitRun(uint64_t commits, uint64_t value_bytes) : commits_(commits), value_bytes_(value_bytes) {}

  // Commits until the end or the first failure. Every third commit is durable, and then covered by the bound, if there
  // is a home.
  void go(KeyValueDB& db, StoreHome* home = nullptr) {
    for (uint64_t i = done_ + 1; i <= commits_ && failure_.is_ok(); ++i) {
      const bool is_durable = i % 3 == 0;
      DbBatch numbered = batch(i);
      const Result<uint64_t> last = read_sequence(*db.new_iterator());
      failure_ = last.status();
      if (!last) return;
      add_sequence(numbered, *last + 1);
      failure_ = db.commit(numbered, is_durable ? Durability::durable : Durability::visible);
      ++tried_;
      if (failure_.is_ok() && is_durable && home != nullptr) {
        const Result<Bound> bound = read_bound(*db.new_iterator());
        failure_ = bound ? home->write_bound(*bound) : bound.error();
        has_bound_failed_ = !failure_.is_ok();
      }
      if (!failure_.is_ok()) return;
      done_ = i;
      if (is_durable) durable_ = i;
    }
  }
  uint64_t tried() const { return tried_; }
  uint64_t done() const { return done_; }
  uint64_t durable() const { return durable_; }
  const Status& failure() const { return failure_; }
  bool has_bound_failed() const { return has_bound_failed_; }  // and not a commit

  // The number of commits that make what the database holds; fails the test if it is no prefix of the run.
  uint64_t commits_in(const KeyValueDB& db) const {
    std::map<Bytes, Bytes> found;
    const std::unique_ptr<DbIterator> at = db.new_iterator(KeySpace::replicated);
    for (at->seek_to_first(); at->is_valid(); at->next()) found.emplace(at->key(), at->value());
    EXPECT_TRUE(at->status().is_ok()) << at->status().to_string();
    found.erase(Bytes(applied_key));
    const auto last = found.find("last");
    const uint64_t count = last == found.end() ? 0 : std::stoull(last->second);
    std::map<Bytes, Bytes> expected;
    for (uint64_t i = count > kept ? count - kept + 1 : 1; i <= count; ++i) expected.emplace(key(i), value(i));
    if (count > 0) expected.emplace("last", std::to_string(count));
    EXPECT_EQ(found.size(), expected.size()) << "up to " << count;
    EXPECT_TRUE(found == expected) << "not a prefix of the run, up to " << count;
    return count;
  }

 private:
  static constexpr uint64_t kept = 20;

  static Bytes key(uint64_t i) { return "k" + std::to_string(100000 + i); }
  // Does not compress.
  Bytes value(uint64_t i) const {
    SeededRandom random(i);
    Bytes bytes;
    while (bytes.size() < value_bytes_) bytes += std::to_string(random.next());
    return bytes;
  }
  DbBatch batch(uint64_t i) const {
    ReplicatedTransaction puts;
    puts.put(key(i), SharedBytes(value(i)));
    if (i > kept) puts.erase(key(i - kept));
    puts.put("last", SharedBytes(std::to_string(i)));
    DbBatch one;
    one.add(std::move(puts));
    return one;
  }

  uint64_t commits_;
  uint64_t value_bytes_;
  uint64_t tried_ = 0;
  uint64_t done_ = 0;
  uint64_t durable_ = 0;
  Status failure_;
  bool has_bound_failed_ = false;
};

enum class DiskKind { model, lenient, strict };
inline const char* kind_name(DiskKind kind) {
  return kind == DiskKind::model ? "model" : kind == DiskKind::lenient ? "lenient" : "strict";
}
inline std::unique_ptr<MemberDisk> make_disk(DiskKind kind, uint64_t seed) {
  if (kind == DiskKind::model) return std::make_unique<ModelDisk>(seed);
  return std::make_unique<LevelDbDisk>(SimDisk::Options{.is_strict = kind == DiskKind::strict, .seed = seed});
}

// One life with an open store, made if there is none. Objects end in the right order.
class Life {
 public:
  explicit Life(MemberDisk& disk) : disk_(disk), home_(disk.start_life()) {
    if (!home_) status_ = home_.error();
  }
  ~Life() { end(); }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  StoreHome& home() { return **home_; }
  KeyValueDB& db() { return *db_; }
  const Status& status() const { return status_; }

  void make_store() {
    Result<StoreHome::NewStore> made = home().create_store(small_buffers);
    status_ = made.status();
    if (!made) return;
    Bound bound;
    {
      MonitorStore store(std::move(made->db));
      status_ = store.initialize({}, {});
      if (!status_.is_ok()) return;
      bound = *read_bound(*store.db().new_iterator());
    }
    status_ = home().switch_to(made->name, bound);
  }
  void open_store() {
    if (!status_.is_ok()) return;
    Result<std::unique_ptr<KeyValueDB>> db = home().open_current(small_buffers);
    status_ = db.status();
    if (db) db_ = *std::move(db);
  }
  void end() {
    if (is_over_) return;
    is_over_ = true;
    disk_.end_life();
  }
  // Before this object is destroyed.
  void cut_power(PowerCut mode, SeededRandom& random) {
    is_over_ = true;
    disk_.cut_power(mode, random);
  }

 private:
  MemberDisk& disk_;
  Result<std::unique_ptr<StoreHome>> home_;
  std::unique_ptr<KeyValueDB> db_;
  Status status_;
  bool is_over_ = false;
};

}  // namespace synod::sim
