// What the engine does for a scrub: it is opened exactly behind the version that it is of, read in pieces, and its
// segments are kept.
#include <gtest/gtest.h>

#include <map>

#include "mon/daemon/store_engine.h"
#include "mon/service/monmap_service.h"
#include "store/scrub_record.h"
#include "test/sim/home.h"
#include "test/unit/mon/builders.h"

namespace synod::test {
namespace {

// A member's engine on a store in memory.
struct ScrubbedStore {
  ScrubbedStore() {
    Result<StoreHome::NewStore> made = home.create_store({});
    MonitorStore store(std::move(made->db));
    EXPECT_TRUE(store.initialize(genesis(), monmap_genesis(monmap_of(3))).is_ok());
    EXPECT_TRUE(home.switch_to(made->name, *read_bound(*store.db().new_iterator())).is_ok());
    engine.emplace(home, open(), EngineOptions{});
  }
  std::unique_ptr<MonitorStore> open() { return std::make_unique<MonitorStore>(*home.open_current({})); }

  // The next version puts `count` keys, and is a scrub point if it is to be.
  StoreWrites version(uint64_t count, bool is_scrub_point) {
    ReplicatedTransaction change;
    for (uint64_t i = 0; i < count; ++i) {
      change.put(fmt::format("key-{:05}", i), SharedBytes(fmt::format("of {}", top.version.value() + 1)));
    }
    const LogEntry entry = make_log_entry(top, pn(1, c), SharedBytes(change.encode()));
    top = entry.position();
    StoreWrites writes{PutEntry{entry}, ApplyEntry{top, entry.value}};
    if (is_scrub_point) writes.push_back(OpenScrub{top});
    return writes;
  }
  Status write(std::vector<StoreWrites> steps, Durability durability = Durability::durable) {
    std::vector<WriteJob> jobs(steps.size());
    for (size_t i = 0; i < steps.size(); ++i) jobs[i].writes = std::move(steps[i]);
    jobs.back().durability = durability;
    return engine->write(jobs);
  }
  template <class T>
  T run(const Task& task) {
    const Result<TaskResult> result = engine->run(task);
    EXPECT_TRUE(result) << result.error().message();
    return std::get<T>(*result);
  }
  // All of it, in pieces.
  ScrubRead read(Version version, size_t piece = 1000) {
    for (int pieces = 0; pieces < 100'000; ++pieces) {
      const auto read = run<ScrubRead>(ReadScrubTask{version, piece});
      EXPECT_EQ(read.version, version);
      if (read.is_last || !read.failure.is_ok()) return read;
      EXPECT_LT(read.bytes, piece + 200);
    }
    return {};
  }
  std::optional<ScrubRecord> kept() { return *read_scrub_record(*open()->db().new_iterator()); }

  sim::MemoryHome home;
  std::optional<StoreEngine> engine;
  Position top = genesis();
};

// The digest of a store that was written up to this version and no further.
Digest digest_at(uint64_t versions, uint64_t keys) {
  ScrubbedStore store;
  for (uint64_t i = 0; i < versions; ++i) EXPECT_TRUE(store.write({store.version(keys, false)}).is_ok());
  return *store.open()->digest();
}

TEST(ScrubEngine, reads_the_store_as_its_version_left_it_wherever_that_stands_in_a_batch) {
  const Digest at_two = digest_at(2, 100);
  for (const bool is_one_step : {false, true}) {
    ScrubbedStore store;
    std::vector<StoreWrites> steps;
    for (uint64_t version = 1; version <= 4; ++version) {
      StoreWrites writes = store.version(100, version == 2);
      if (is_one_step && !steps.empty()) {
        steps.back().insert(steps.back().end(), writes.begin(), writes.end());
      } else {
        steps.push_back(std::move(writes));
      }
    }
    ASSERT_TRUE(store.write(std::move(steps)).is_ok());
    ASSERT_TRUE(store.write({store.version(100, false)}).is_ok()) << "and later";
    const ScrubRead read = store.read(Version(2));
    EXPECT_TRUE(read.is_last);
    EXPECT_EQ(read.digest, at_two);
    EXPECT_EQ(store.open()->applied()->version, Version(5));
  }
}

TEST(ScrubEngine, a_batch_that_was_ended_is_as_durable_as_it_was_to_be) {
  for (const bool is_last : {false, true}) {  // the point is the last write of its batch, or not
    ScrubbedStore store;
    std::vector<StoreWrites> steps{store.version(3, is_last)};
    steps.insert(steps.begin(), StoreWrites());
    if (!is_last) steps[1].push_back(PutLocal{"local", SharedBytes("x")});
    if (!is_last) steps[1].insert(steps[1].begin() + 2, OpenScrub{store.top});
    ASSERT_TRUE(store.write(std::move(steps)).is_ok());
    store.engine.reset();
    sim::SeededRandom random(1, "cut");
    store.home.cut_power(random);
    const auto left = store.open();
    EXPECT_EQ(left->applied()->version, Version(1));
    EXPECT_EQ(left->get_local("local")->has_value(), !is_last);
  }
}

TEST(ScrubEngine, several_points_in_one_batch_leave_the_last_one_open) {
  ScrubbedStore store;
  ASSERT_TRUE(store.write({store.version(10, true), store.version(10, true), store.version(10, false)}).is_ok());
  EXPECT_EQ(store.read(Version(1)).failure.code(), Code::not_found);
  EXPECT_EQ(store.read(Version(2)).digest, digest_at(2, 10));
}

TEST(ScrubEngine, keeps_the_segments_that_it_has_read) {
  ScrubbedStore store;
  ASSERT_TRUE(store.write({store.version(5000, true)}).is_ok());
  const Position point = store.top;
  const ScrubRead read = store.read(point.version, 777);
  EXPECT_FALSE(store.kept()) << "they are kept when that is asked for";
  store.run<SegmentsKept>(KeepSegmentsTask{point.version});
  const auto kept = store.kept();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->point, point);
  EXPECT_EQ(digest_of(kept->segments), read.digest);
  EXPECT_GT(kept->segments.size(), 2U);
  EXPECT_GE(kept->keys, 5000U);
  EXPECT_EQ(read.digest, *store.open()->digest());
  // The next scrub's take their place.
  ASSERT_TRUE(store.write({store.version(1, true)}).is_ok());
  store.read(store.top.version);
  store.run<SegmentsKept>(KeepSegmentsTask{store.top.version});
  EXPECT_EQ(store.kept()->point, store.top);
}

TEST(ScrubEngine, a_clone_has_none_of_the_segments_of_the_store_that_it_was_made_of) {
  ScrubbedStore store;
  ASSERT_TRUE(store.write({store.version(50, true)}).is_ok());
  store.read(store.top.version);
  store.run<SegmentsKept>(KeepSegmentsTask{store.top.version});
  store.run<StoreCreated>(CloneStoreTask{"record"});
  EXPECT_TRUE(store.kept());
  auto unfinished = store.home.open_unfinished({});
  ASSERT_TRUE(unfinished && *unfinished);
  EXPECT_FALSE(*read_scrub_record(*(*unfinished)->db->new_iterator()));
  EXPECT_EQ(store.read(store.top.version).failure.code(), Code::not_found) << "the store was closed meanwhile";
}

TEST(ScrubEngine, what_is_over_or_was_never_open_is_told_so) {
  ScrubbedStore store;
  const auto is_gone = [&](Version version) {
    EXPECT_EQ(store.run<ScrubRead>(ReadScrubTask{version, 10}).failure.code(), Code::not_found);
    EXPECT_EQ(store.run<ScrubSegments>(ReadSegmentsTask{version, "", 10}).failure.code(), Code::not_found);
    EXPECT_EQ(store.run<ScrubPairs>(ReadPairsTask{version, {}, 10}).failure.code(), Code::not_found);
    EXPECT_EQ(store.run<SegmentsCompared>(CompareSegmentsTask{{version, "", {}, {}, true}}).failure.code(),
              Code::not_found);
    EXPECT_EQ(store.run<PairsCompared>(ComparePairsTask{{}, {version, "", {}, {}, true}, 10}).failure.code(),
              Code::not_found);
    store.run<SegmentsKept>(KeepSegmentsTask{version});
    EXPECT_FALSE(store.kept());
  };
  is_gone(Version(1));
  ASSERT_TRUE(store.write({store.version(10, true)}).is_ok());
  is_gone(Version(2));
  store.run<ScrubClosed>(CloseScrubTask{Version(2)});
  store.read(Version(1));
  store.run<ScrubClosed>(CloseScrubTask{Version(1)});
  is_gone(Version(1));
}

// ---------------------------------------------------------------------------------------------- where two differ

// Two stores, of which the second was changed behind its back.
struct TwoStores {
  explicit TwoStores(uint64_t keys, const ReplicatedTransaction& damage) {
    EXPECT_TRUE(b.write({b.version(keys, false)}).is_ok());
    b.engine.reset();
    EXPECT_TRUE(b.open()->commit_copied(damage, Durability::durable).is_ok());
    b.engine.emplace(b.home, b.open(), EngineOptions{});
    EXPECT_TRUE(a.write({a.version(keys, false)}).is_ok());
    for (ScrubbedStore* store : {&a, &b}) {
      EXPECT_TRUE(store->write({store->version(1, true)}).is_ok());
      store->read(Version(2));
      store->run<SegmentsKept>(KeepSegmentsTask{Version(2)});
    }
  }
  // b asks a, in pieces of this size.
  std::vector<Bytes> named(size_t bytes) {
    std::vector<KeyRange> ranges;
    Bytes after;
    for (bool is_last = false; !is_last;) {
      const auto told = a.run<ScrubSegments>(ReadSegmentsTask{Version(2), after, bytes});
      const auto compared = b.run<SegmentsCompared>(CompareSegmentsTask{told});
      EXPECT_TRUE(compared.failure.is_ok()) << compared.failure.message();
      is_last = told.is_last;
      if (is_last) ranges = compared.ranges;
      if (!told.segments.empty()) after = told.segments.back().last_key;
    }
    std::vector<Bytes> keys;
    for (KeyRange range : ranges) {
      for (bool is_last = false; !is_last;) {
        const auto told = a.run<ScrubPairs>(ReadPairsTask{Version(2), range, bytes});
        const auto compared = b.run<PairsCompared>(ComparePairsTask{range, told, 1000});
        EXPECT_TRUE(compared.failure.is_ok()) << compared.failure.message();
        EXPECT_EQ(compared.count, compared.keys.size());
        keys.insert(keys.end(), compared.keys.begin(), compared.keys.end());
        is_last = told.is_last;
        if (!told.pairs.empty()) range.after = told.pairs.back().key;
      }
    }
    return keys;
  }

  ScrubbedStore a;
  ScrubbedStore b;
};

TEST(ScrubEngine, the_keys_in_which_two_stores_differ_are_found_in_pieces_of_any_size) {
  ReplicatedTransaction damage;
  damage.put("key-00777", SharedBytes("another value"));
  damage.erase("key-01500");
  damage.put("key-02000x", SharedBytes("only here"));
  damage.put("zzz", SharedBytes("behind the last key"));
  damage.erase("key-02999");
  TwoStores stores(3000, damage);
  const std::vector<Bytes> all{"key-00777", "key-01500", "key-02000x", "key-02999", "zzz"};
  for (const size_t bytes : {1, 100, 5000, 1 << 20}) EXPECT_EQ(stores.named(bytes), all) << bytes;
}

TEST(ScrubEngine, stores_that_are_the_same_have_no_range_that_differs) {
  TwoStores stores(3000, {});
  EXPECT_TRUE(stores.named(1000).empty());
}

TEST(ScrubEngine, an_answer_that_does_not_fit_is_refused) {
  TwoStores stores(3000, {});
  const Digest digest;
  const auto compare = [&](ScrubSegments told) {
    told.version = Version(2);
    return stores.b.run<SegmentsCompared>(CompareSegmentsTask{std::move(told)}).failure.code();
  };
  EXPECT_EQ(compare({{}, "x", {}, {{"y", digest}}, true}), Code::corruption) << "nothing was told before";
  EXPECT_EQ(compare({{}, "", {}, {{"y", digest}, {"x", digest}}, true}), Code::corruption);
  EXPECT_EQ(compare({{}, "", {}, {{"", digest}}, true}), Code::corruption);
  EXPECT_EQ(compare({{}, "", {}, {{"x", digest}}, false}), Code::ok);
  EXPECT_EQ(compare({{}, "w", {}, {{"y", digest}}, true}), Code::corruption) << "it does not go on from there";
  const auto pairs = [&](ScrubPairs told) {
    told.version = Version(2);
    const KeyRange range{told.after, ""};
    return stores.b.run<PairsCompared>(ComparePairsTask{range, std::move(told), 10}).failure.code();
  };
  EXPECT_EQ(pairs({{}, "k", {}, {{"key", 1}, {"key", 2}}, true}), Code::corruption);
  EXPECT_EQ(pairs({{}, "k", {}, {{"a", 1}}, true}), Code::corruption);
  EXPECT_EQ(pairs({{}, "k", {}, {}, false}), Code::corruption);
  EXPECT_EQ(pairs({{}, "k", {}, {}, true}), Code::ok);
}

TEST(ScrubEngine, more_keys_than_are_named_are_counted) {
  ReplicatedTransaction damage;
  for (int i = 0; i < 300; ++i) damage.put(fmt::format("key-{:05}", i), SharedBytes("x"));
  TwoStores stores(1000, damage);
  const auto told = stores.a.run<ScrubPairs>(ReadPairsTask{Version(2), {}, 1 << 20});
  const auto compared = stores.b.run<PairsCompared>(ComparePairsTask{{}, told, 7});
  EXPECT_EQ(compared.keys.size(), 7U);
  EXPECT_EQ(compared.count, 299U) << "one of them was put again by the next version";
}

}  // namespace
}  // namespace synod::test
