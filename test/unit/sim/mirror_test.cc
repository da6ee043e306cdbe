// The mirror agrees with LevelDB under HardenedEnv whatever happens to the disk, and tells what a worse store loses.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "store/bound_file.h"
#include "store/leveldb/level_db.h"
#include "store/leveldb/syncing_env.h"
#include "store/twin_file.h"
#include "test/sim/disk/mirror_disk.h"

namespace synod::sim {
namespace {

constexpr DatabaseOptions tiny_buffers{.write_buffer_bytes = 64 << 10, .block_cache_bytes = 64 << 10};

struct Reports {
  std::vector<std::string> sentences;
  StoreMirror::Report sink() {
    return [this](const std::string& what) { sentences.push_back(what); };
  }
  bool has(const std::string& part) const {
    return std::any_of(sentences.begin(), sentences.end(),
                       [&](const std::string& one) { return one.find(part) != std::string::npos; });
  }
};
std::ostream& operator<<(std::ostream& out, const Reports& reports) {
  for (const std::string& sentence : reports.sentences) out << sentence << "\n";
  return out;
}

DbBatch put(const std::string& key, const std::string& value) {
  ReplicatedTransaction puts;
  puts.put(key, SharedBytes::copy_of(value));
  DbBatch batch;
  batch.add(std::move(puts));
  return batch;
}

DbBatch erase_range(const std::string& begin, const std::string& end) {
  ReplicatedTransaction erases;
  erases.erase_range(begin, end);
  DbBatch batch;
  batch.add(std::move(erases));
  return batch;
}

// ---------------------------------------------------------------------------------------------- one store

// A database in memory with a defect.
class DefectiveDb final : public KeyValueDB {
 public:
  enum class Defect { none, drops, fails };
  DefectiveDb(Defect defect, uint64_t nth) : defect_(defect), nth_(nth) {}

  Status commit(const DbBatch& batch, Durability durability) override {
    const bool is_hit = ++commits_ == nth_;
    if (is_hit && defect_ == Defect::fails) return Status(Code::io_error, "planted");
    return db_->commit(is_hit && defect_ == Defect::drops ? DbBatch() : batch, durability);
  }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override { return db_->get(space, key); }
  std::unique_ptr<DbIterator> new_iterator() const override { return db_->new_iterator(); }

 private:
  Defect defect_;
  uint64_t nth_;
  uint64_t commits_ = 0;
  std::unique_ptr<KeyValueDB> db_ = make_memory_db();
};
using Defect = DefectiveDb::Defect;

class OneStore : public testing::Test {
 protected:
  std::unique_ptr<KeyValueDB> open(std::unique_ptr<KeyValueDB> db) {
    auto opened = mirror_->open(std::move(db));
    EXPECT_TRUE(opened) << opened.error().to_string();
    return *std::move(opened);
  }
  // One durable commit, then visible ones.
  void commit_five(Defect defect = Defect::none, uint64_t nth = 0) {
    const auto db = open(std::make_unique<DefectiveDb>(defect, nth));
    for (size_t i = 0; i < five_.size(); ++i) {
      if (!db->commit(five_[i], i == 0 ? Durability::durable : Durability::visible).is_ok()) break;
    }
    mirror_->end_life();
  }
  // A restart that finds the given ones.
  void find(const std::vector<size_t>& kept) {
    auto db = make_memory_db();
    for (const size_t i : kept) ASSERT_TRUE(db->commit(five_[i], Durability::durable).is_ok());
    open(std::move(db));
  }

  const std::vector<DbBatch> five_{put("a", "1"), put("b", "2"), put("c", "3"), erase_range("b", "c"), put("a", "4")};
  Reports reports_;
  std::shared_ptr<StoreMirror> mirror_ = std::make_shared<StoreMirror>("store.1", reports_.sink());
};

TEST_F(OneStore, holds_all_after_a_kill) {
  commit_five();
  find({0, 1, 2, 3, 4});
  EXPECT_TRUE(reports_.sentences.empty()) << reports_;
}

TEST_F(OneStore, that_lost_a_commit_in_a_kill_is_told) {
  commit_five();
  find({0, 1, 2, 3});
  ASSERT_EQ(reports_.sentences.size(), 1U);
  EXPECT_EQ(reports_.sentences[0],
            "store.1 was opened and holds not all of the 4 commits since the last durable one; it holds the first 3 of "
            "them");
}

TEST_F(OneStore, holds_a_prefix_after_a_power_cut) {
  for (const size_t count : {1, 2, 3, 4, 5}) {
    mirror_ = std::make_shared<StoreMirror>("store.1", reports_.sink());
    commit_five();
    mirror_->lose_volatile();
    std::vector<size_t> kept{0, 1, 2, 3, 4};
    kept.resize(count);
    find(kept);
    EXPECT_TRUE(reports_.sentences.empty()) << count << ": " << reports_;
  }
}

TEST_F(OneStore, that_lost_a_durable_commit_is_told) {
  commit_five();
  mirror_->lose_volatile();
  find({});
  ASSERT_EQ(reports_.sentences.size(), 1U);
  EXPECT_EQ(reports_.sentences[0],
            "store.1 was opened and holds not a prefix of the 4 commits since the last durable one; closest to the "
            "first 0 of them, from which 1 keys differ: replicated key 'a' is nothing, not '1'");
}

TEST_F(OneStore, that_has_a_gap_is_told) {
  commit_five();
  mirror_->lose_volatile();
  find({0, 4});
  EXPECT_EQ(reports_.sentences.size(), 1U);
  EXPECT_TRUE(reports_.has("replicated key")) << reports_;
}

TEST_F(OneStore, may_hold_a_commit_that_failed_but_not_what_came_after_it) {
  for (const bool is_kept : {false, true}) {
    mirror_ = std::make_shared<StoreMirror>("store.1", reports_.sink());
    commit_five(Defect::fails, 3);
    find(is_kept ? std::vector<size_t>{0, 1, 2} : std::vector<size_t>{0, 1});
    EXPECT_TRUE(reports_.sentences.empty()) << reports_;
  }
  mirror_ = std::make_shared<StoreMirror>("store.1", reports_.sink());
  commit_five(Defect::fails, 3);
  find({0, 1, 4});
  EXPECT_TRUE(reports_.has("with or without the one that failed")) << reports_;
}

TEST_F(OneStore, that_takes_a_commit_after_one_that_failed_is_told) {
  const auto db = open(std::make_unique<DefectiveDb>(Defect::fails, 1));
  EXPECT_FALSE(db->commit(five_[0], Durability::visible).is_ok());
  EXPECT_TRUE(db->commit(five_[1], Durability::visible).is_ok());
  EXPECT_TRUE(reports_.has("took a commit after one that failed")) << reports_;
}

TEST_F(OneStore, is_durable_once_it_was_opened) {
  commit_five();
  find({0, 1, 2, 3, 4});
  mirror_->lose_volatile();
  find({0});
  EXPECT_TRUE(reports_.has("'a' is '1', not '4'")) << reports_;
}

TEST_F(OneStore, that_drops_a_put_is_told_by_a_get_and_by_an_iterator) {
  const auto db = open(std::make_unique<DefectiveDb>(Defect::drops, 2));
  for (const DbBatch& batch : {five_[0], five_[1], five_[2]}) {
    ASSERT_TRUE(db->commit(batch, Durability::durable).is_ok());
  }
  EXPECT_TRUE(db->get(KeySpace::replicated, "a"));
  EXPECT_TRUE(reports_.sentences.empty()) << reports_;
  EXPECT_TRUE(db->get(KeySpace::replicated, "b"));
  const std::string told = "store.1 reads nothing for the replicated key 'b', where '2' was committed";
  EXPECT_EQ(reports_.sentences, std::vector<std::string>{told});
  const auto at = db->new_iterator(KeySpace::replicated);
  at->seek_to_first();
  EXPECT_EQ(reports_.sentences.size(), 1U);
  for (; at->is_valid(); at->next()) {
  }
  EXPECT_EQ(reports_.sentences, std::vector<std::string>(2, told)) << "an iterator tells its first difference only";
}

TEST_F(OneStore, that_keeps_what_was_erased_is_told) {
  const auto db = open(std::make_unique<DefectiveDb>(Defect::drops, 2));
  ASSERT_TRUE(db->commit(put("z", "1"), Durability::durable).is_ok());
  ASSERT_TRUE(db->commit(erase_range("", ""), Durability::durable).is_ok());
  const auto at = db->new_iterator();
  at->seek(KeySpace::replicated, "y");
  EXPECT_TRUE(reports_.has("reads '1' for the replicated key 'z', where nothing was committed")) << reports_;
}

TEST_F(OneStore, iterators_are_compared_with_the_state_they_were_made_of) {
  const auto db = open(std::make_unique<DefectiveDb>(Defect::none, 0));
  ASSERT_TRUE(db->commit(five_[0], Durability::durable).is_ok());
  const auto at = db->new_iterator();
  ASSERT_TRUE(db->commit(put("a", "later"), Durability::durable).is_ok());
  at->seek_to_first();
  EXPECT_EQ(at->value(), "1");
  EXPECT_TRUE(reports_.sentences.empty()) << reports_;
}

TEST_F(OneStore, what_a_life_does_after_its_end_does_not_count) {
  const auto db = open(make_memory_db());
  ASSERT_TRUE(db->commit(five_[0], Durability::durable).is_ok());
  mirror_->end_life();
  ASSERT_TRUE(db->commit(five_[1], Durability::durable).is_ok());
  find({0});
  EXPECT_TRUE(reports_.sentences.empty()) << reports_;
}

// The harness is proven: the same cuts without HardenedEnv are told, and with it there is nothing to tell.
TEST(MirrorOfLevelDb, tells_what_a_plain_env_loses) {
  for (const bool is_hardened : {false, true}) {
    Reports reports;
    for (uint64_t n = 1; n <= 400; n += 9) {
      SimDisk disk({.seed = n});
      const auto mirror = std::make_shared<StoreMirror>("db", reports.sink());
      auto life = disk.start_life();
      auto open = [&](OpenMode mode) {
        std::shared_ptr<leveldb::Env> env = make_disk_env(*life);
        if (!is_hardened) env = life->new_env();
        auto db = mirror->open(with_drain(life, *open_level_db("db", tiny_buffers, mode, env)));
        EXPECT_TRUE(db) << db.error().to_string();
        return *std::move(db);
      };
      std::unique_ptr<KeyValueDB> db = open(OpenMode::create);
      ASSERT_TRUE(life->sync_directory("").is_ok());
      disk.freeze_at_call(disk.changes() + n);
      SeededRandom random(n);
      for (int i = 0; i < 400; ++i) {
        Bytes value;
        while (value.size() < 1200) value += std::to_string(random.next());
        const Durability durability = i % 3 == 0 ? Durability::durable : Durability::visible;
        if (!db->commit(put(std::to_string(i % 40), value), durability).is_ok()) break;
      }
      ASSERT_TRUE(disk.is_frozen());
      disk.cut_power(PowerCut::all_lost, random);
      mirror->end_life();
      mirror->lose_volatile();
      db.reset();
      life = disk.start_life();
      open(OpenMode::existing);
    }
    EXPECT_EQ(reports.sentences.empty(), is_hardened) << reports;
  }
}

// ---------------------------------------------------------------------------------------------- the whole disk

// A member's life: an identity, a store if there is none, commits and reads, and once a store in place of the first.
class MirroredLife {
 public:
  explicit MirroredLife(MemberDisk& disk) : home_(disk.start_life()) {}

  const Status& failure() const { return failure_; }
  StoreHome& home() { return **home_; }
  MonitorStore& store() { return *store_; }

  // To the end, or to the first failure.
  void go(int commits, uint64_t seed) { failure_ = try_to(commits, seed); }

 private:
  Status try_to(int commits, uint64_t seed) {
    SeededRandom random(seed);
    if (!home_) return home_.error();
    const Result<std::optional<Bytes>> identity = home().read_identity();
    if (!identity) return identity.error();
    SYNOD_RETURN_IF_ERROR(home().write_identity("identity " + std::to_string(seed)));
    if (!home().has_store()) SYNOD_RETURN_IF_ERROR(make_store(0));
    SYNOD_RETURN_IF_ERROR(open());
    SYNOD_RETURN_IF_ERROR(work(commits / 2, random));
    const Result<uint64_t> last = store_->last_sequence();
    if (!last) return last.error();
    SYNOD_RETURN_IF_ERROR(make_store(*last));
    SYNOD_RETURN_IF_ERROR(open());
    return work(commits / 2, random);
  }
  Status make_store(uint64_t after) {
    Result<StoreHome::NewStore> made = home().create_store(tiny_buffers);
    if (!made) return made.error();
    MonitorStore filled(std::move(made->db));
    if (after > 0) filled.continue_after(after);
    SYNOD_RETURN_IF_ERROR(filled.initialize({}, {}));
    const Result<Bound> bound = read_bound(*filled.db().new_iterator());
    if (!bound) return bound.error();
    store_.reset();
    { const MonitorStore closed = std::move(filled); }
    return home().switch_to(made->name, *bound);
  }
  Status open() {
    Result<std::unique_ptr<KeyValueDB>> db = home().open_current(tiny_buffers);
    if (db) store_ = std::make_unique<MonitorStore>(*std::move(db));
    return db.status();
  }
  Status work(int commits, SeededRandom& random) {
    for (int i = 0; i < commits; ++i) {
      const bool is_durable = i % 3 == 0;
      Bytes value;
      while (value.size() < 3000) value += std::to_string(random.next());
      const Bytes key = "k" + std::to_string(random.below(20));
      StoreWrites writes{PutLocal{key, SharedBytes(value)}, EraseLocal{"k" + std::to_string(random.below(20))}};
      SYNOD_RETURN_IF_ERROR(store_->commit({&writes}, is_durable ? Durability::durable : Durability::visible));
      const Result<std::optional<Bytes>> read = store_->get_local(key);
      if (!read) return read.error();
      const auto at = store_->db().new_iterator();
      for (at->seek_to_first(); at->is_valid(); at->next()) {
      }
      SYNOD_RETURN_IF_ERROR(at->status());
      if (!is_durable) continue;
      const Result<Bound> bound = read_bound(*store_->db().new_iterator());
      if (!bound) return bound.error();
      SYNOD_RETURN_IF_ERROR(home().write_bound(*bound));
    }
    return Status::ok();
  }

  Result<std::unique_ptr<StoreHome>> home_;
  std::unique_ptr<MonitorStore> store_;
  Status failure_;
};

constexpr int commits = 60;

TEST(MirroredDisk, agrees_over_power_cuts_at_any_call_and_of_any_mode) {
  for (const bool is_strict : {false, true}) {
    for (const PowerCut mode : every_power_cut) {
      bool was_cut = true;
      for (uint64_t call = 1; was_cut; call += 7) {
        Reports reports;
        MirrorDisk disk({.is_strict = is_strict, .seed = call}, reports.sink());
        SeededRandom random(call);
        // A second cut, most of which come while the store is opened again.
        for (const uint64_t n : {call, call % 40 + 1}) {
          disk.freeze_at_call(disk.changes() + n);
          MirroredLife life(disk);
          life.go(commits, call);
          was_cut = was_cut && disk.is_frozen();
          disk.cut_power(mode, random);
        }
        MirroredLife after(disk);
        after.go(commits, call);
        disk.end_life();
        ASSERT_TRUE(after.failure().is_ok() && reports.sentences.empty())
            << "strict " << is_strict << ", mode " << static_cast<int>(mode) << ", call " << call << ": "
            << after.failure().to_string() << " " << reports;
        ASSERT_LT(call, 10000U);
      }
    }
  }
}

TEST(MirroredDisk, agrees_over_failures_of_any_call_followed_by_a_kill_or_a_power_cut) {
  int met = 0;
  for (uint64_t call = 1; call < 700; call += 3) {
    Reports reports;
    MirrorDisk disk({.is_strict = false, .seed = call}, reports.sink());
    SeededRandom random(call);
    const bool is_of_a_sync = call % 2 == 0;
    FaultSpec fault{.nth = is_of_a_sync ? call / 4 : call};
    if (is_of_a_sync) fault.call = DiskCall::sync;
    disk.fail(fault);
    {
      MirroredLife life(disk);
      life.go(commits, call);
      if (!life.failure().is_ok()) ++met;
      disk.end_life();
    }
    disk.clear_faults();
    if (call % 3 == 0) disk.cut_power(PowerCut::random_cut, random);
    MirroredLife after(disk);
    after.go(commits, call);
    disk.end_life();
    ASSERT_TRUE(reports.sentences.empty()) << "call " << call << ": " << reports;
  }
  EXPECT_GT(met, 50) << "many failures end a life";
}

class ChangedBehindItsBack : public testing::Test {
 protected:
  void SetUp() override {
    MirroredLife life(disk_);
    life.go(commits, 1);
    ASSERT_TRUE(life.failure().is_ok()) << life.failure().to_string();
    disk_.end_life();
    ASSERT_TRUE(reports_.sentences.empty()) << reports_;
  }
  // Does it to the files, and starts a member.
  void change(const std::function<void(const std::shared_ptr<DiskLife>&)>& how) {
    {
      const std::shared_ptr<DiskLife> files = disk_.real().disk().start_life();
      how(files);
      disk_.real().end_life();
    }
    MirroredLife life(disk_);
    life.go(2, 2);
    disk_.end_life();
  }

  Reports reports_;
  MirrorDisk disk_{{}, reports_.sink()};
};

TEST_F(ChangedBehindItsBack, nothing_is_told_of_nothing) {
  change([](const auto&) {});
  EXPECT_TRUE(reports_.sentences.empty()) << reports_;
}

TEST_F(ChangedBehindItsBack, another_key_is_told) {
  change([](const auto& files) {
    MonitorStore store(
        with_drain(files, *open_level_db("data/store.2", tiny_buffers, OpenMode::existing, make_disk_env(*files))));
    StoreWrites planted{PutLocal{"a", SharedBytes(Bytes("planted"))}};
    ASSERT_TRUE(store.commit({&planted}, Durability::durable).is_ok());
  });
  EXPECT_TRUE(reports_.has("store.2 was opened and holds not all of")) << reports_;
  EXPECT_TRUE(reports_.has("local key 'a' is 'planted', not nothing")) << reports_;
}

TEST_F(ChangedBehindItsBack, another_identity_is_told) {
  change([](const auto& files) { ASSERT_TRUE(TwinFile(*files, "data", "identity").write("planted").is_ok()); });
  EXPECT_TRUE(reports_.has("the identity is not the one that was written last")) << reports_;
}

TEST_F(ChangedBehindItsBack, another_bound_is_told) {
  change([](const auto& files) {
    BoundFile bound(*files, "data");
    ASSERT_TRUE(bound.read(2));
    ASSERT_TRUE(bound.write(Bound{7, {}, {}}).is_ok());
  });
  EXPECT_TRUE(reports_.has("the bound of store.2 is at batch 7, and was written at ")) << reports_;
}

TEST_F(ChangedBehindItsBack, another_current_store_is_told) {
  change([](const auto& files) { ASSERT_TRUE(files->overwrite_and_sync("data/CURRENT_STORE", "store.1\n").is_ok()); });
  EXPECT_TRUE(reports_.has("the current store is store.1, and was store.2")) << reports_;
}

TEST(MirroredDisk, a_durable_copy_is_held_to_the_same_promises) {
  Reports reports;
  MirrorDisk disk({}, reports.sink());
  MirroredLife life(disk);
  life.go(commits, 1);
  ASSERT_TRUE(life.failure().is_ok());
  StoreWrites writes{PutLocal{"volatile", SharedBytes(Bytes("1"))}};
  ASSERT_TRUE(life.store().commit({&writes}, Durability::visible).is_ok());
  {
    const std::unique_ptr<MemberDisk> copy = disk.durable_copy();
    MirroredLife other(*copy);
    other.go(2, 2);
    EXPECT_TRUE(other.failure().is_ok()) << other.failure().to_string();
    copy->end_life();
  }
  EXPECT_TRUE(reports.sentences.empty()) << reports;
  const std::unique_ptr<MemberDisk> copy = disk.durable_copy();
  ASSERT_TRUE(TwinFile(*dynamic_cast<MirrorDisk&>(*copy).real().disk().start_life(), "data", "identity")
                  .write("planted")
                  .is_ok());
  const Result<std::unique_ptr<StoreHome>> home = copy->start_life();
  EXPECT_TRUE(reports.has("the identity is not the one")) << reports;
}

}  // namespace
}  // namespace synod::sim
