// A delta: a copy that begins as one of the requester's own store, and of which only what differs is replaced.
#include <gtest/gtest.h>

#include <algorithm>

#include "mon/daemon/copy_delta.h"
#include "mon/daemon/local_sync.h"
#include "mon/service/monmap_service.h"
#include "test/sim/home.h"
#include "test/sim/random.h"
#include "test/unit/mon/sync_drivers.h"

namespace synod::test {
namespace {

using Outcome = SyncRequester::Outcome;

// A stopped member, with a store that is at a version of one history.
class Member {
 public:
  // `change` makes the value of a version, from what the versions before have left.
  using Change = std::function<ReplicatedTransaction(uint64_t version)>;

  Member(uint64_t versions, const Change& change) {
    MonitorStore store(std::move(home_.create_store({})->db));
    EXPECT_TRUE(store.initialize(genesis(), monmap_genesis(monmap_of(3))).is_ok());
    EXPECT_TRUE(home_.switch_to("store.1", *read_bound(*store.db().new_iterator())).is_ok());
    engine_.emplace(home_, open(), EngineOptions{});
    for (uint64_t version = 1; version <= versions; ++version) write(change(version));
  }
  void write(const ReplicatedTransaction& change) {
    const LogEntry entry = make_log_entry(position_, pn(1, c), SharedBytes(change.encode()));
    position_ = entry.position();
    std::vector<WriteJob> jobs(1);
    jobs[0].writes = {PutEntry{entry}, ApplyEntry{position_, entry.value}};
    jobs[0].durability = Durability::durable;
    EXPECT_TRUE(engine_->write(jobs).is_ok());
  }
  // As nobody should.
  void damage(const ReplicatedTransaction& change) {
    engine_.reset();
    EXPECT_TRUE(open()->commit_copied(change, Durability::durable).is_ok());
    engine_.emplace(home_, open(), EngineOptions{});
  }
  std::unique_ptr<MonitorStore> open() { return std::make_unique<MonitorStore>(*home_.open_current({})); }
  StoreEngine& engine() { return *engine_; }
  Position position() const { return position_; }
  Digest digest() { return *open()->digest(); }

 private:
  sim::MemoryHome home_;
  std::optional<StoreEngine> engine_;
  Position position_ = genesis();
};

Position at(uint64_t version) { return history(version, pn(1, c)).back().position(); }
Bytes key(uint64_t number) { return fmt::format("key-{:05}", number); }

// Puts of few keys, erasures and erased ranges, small and large.
Member::Change changes_of(uint64_t seed, uint64_t keys) {
  return [=](uint64_t version) {
    sim::SeededRandom random(seed * 1'000'000 + version, "changes");
    ReplicatedTransaction made;
    if (version == 1) {
      for (uint64_t i = 0; i < keys; ++i) made.put(key(i), SharedBytes(Bytes(random.below(60), 'a')));
      return made;
    }
    for (uint64_t i = random.below(8); i > 0; --i) {
      made.put(key(random.below(keys)), SharedBytes(fmt::format("{} of {}", i, version)));
    }
    if (random.chance(30)) made.erase(key(random.below(keys)));
    if (random.chance(10)) {
      const uint64_t begin = random.below(keys);
      made.erase_range(key(begin), key(begin + 1 + random.below(keys / 4 + 1)));
    }
    return made;
  };
}

CoreOptions small_chunks(sim::SeededRandom& random) {
  CoreOptions options;
  options.sync_chunk_bytes = random.between(50, 8000);
  options.sync_chunk_keys = random.between(1, 400);
  options.sync_window = static_cast<uint32_t>(random.between(1, 4));
  return options;
}

// Runs a sync, from one source after the other, each but the last for some chunks.
CopyRecord sync(Member& target, const std::vector<Member*>& sources, sim::SeededRandom& random) {
  std::optional<CopyRecord> copy;
  for (Member* source : sources) {
    const bool is_last = source == sources.back();
    const auto store = source->open();
    LocalSync run(small_chunks(random), {*store, "source"},
                  {target.engine(), target.position(), std::exchange(copy, std::nullopt), true});
    uint64_t left = random.below(4);
    const Result<bool> is_complete = run.run(0, [&](const LocalSync::Progress&) { return is_last || left-- > 0; });
    EXPECT_TRUE(is_complete) << is_complete.error().message();
    copy = run.copy();
    if (is_complete && *is_complete) return *copy;
  }
  ADD_FAILURE() << "no source has completed it";
  return {};
}

TEST(SyncDelta, makes_the_source_of_any_older_store) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    sim::SeededRandom random(seed, "delta");
    const uint64_t keys = random.between(1, 1500);
    const Member::Change changes = changes_of(seed, keys);
    const uint64_t at = random.between(1, 40);
    Member target(at, changes);
    Member source(at + random.below(60), changes);
    // Whatever else it has.
    if (random.chance(30)) target.damage(changes_of(seed + 1000, keys)(2));
    sync(target, {&source}, random);
    EXPECT_EQ(target.digest(), source.digest());
  }
}

TEST(SyncDelta, goes_on_with_other_sources_that_are_further) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    sim::SeededRandom random(seed, "delta of several");
    const Member::Change changes = changes_of(seed, random.between(200, 1500));
    Member target(10, changes);
    Member first(random.between(20, 40), changes);
    Member second(random.between(40, 60), changes);
    Member third(random.between(60, 90), changes);
    sync(target, {&first, &second, &third}, random);
    const Digest digest = target.digest();
    EXPECT_TRUE(digest == third.digest() || digest == second.digest() || digest == first.digest());
  }
}

TEST(SyncDelta, moves_what_differs_and_nothing_else) {
  const auto put_all = [](uint64_t version) {
    ReplicatedTransaction made;
    for (uint64_t i = 0; version == 1 && i < 5000; ++i) made.put(key(i), SharedBytes(Bytes(100, 'v')));
    if (version == 2) made.put(key(77), SharedBytes(Bytes(100, 'w')));
    if (version == 2) made.erase(key(4000));
    return made;
  };
  Member target(1, put_all);
  Member source(2, put_all);
  sim::SeededRandom random(1, "one key");
  const CopyRecord copy = sync(target, {&source}, random);
  EXPECT_EQ(copy.keys, 2U) << "the key, and the position";
  EXPECT_EQ(target.digest(), source.digest());
}

TEST(SyncDelta, a_range_in_which_the_copy_has_too_many_keys_is_cleared) {
  ReplicatedTransaction many;
  for (uint64_t i = 0; i < 3 * told_keys_max; ++i) many.put(fmt::format("key-00007-{:06}", i), SharedBytes("x"));
  const Member::Change changes = changes_of(3, 20);
  for (const bool is_behind_the_last : {false, true}) {
    Member target(1, changes);
    if (is_behind_the_last) many.put("zzz", SharedBytes("behind the last key of the source"));
    target.damage(many);
    Member source(5, changes);
    sim::SeededRandom random(1, "many keys");
    const CopyRecord copy = sync(target, {&source}, random);
    EXPECT_LE(copy.keys, 100U);
    EXPECT_EQ(target.digest(), source.digest());
  }
}

// ---------------------------------------------------------------------------------------------- requester

struct DeltaRequester : RequesterDriver {
  explicit DeltaRequester(std::optional<CopyRecord> copy = {})
      : RequesterDriver(history(5, pn(1, c)), {}, std::move(copy), false, true) {}
  void start() {
    marker_durable();
    result(StoreCreated{});
  }
  SyncRanges ranges(uint64_t sequence, Bytes after, std::vector<Bytes> last_keys) const {
    SyncRanges message{cookie, sequence, std::move(after), {}, 0};
    for (Bytes& last_key : last_keys) message.ranges.push_back({std::move(last_key), 1});
    return message;
  }
  SyncChunk answer(uint64_t sequence, uint64_t to, bool is_last = false) const {
    SyncChunk message = chunk(sequence, is_last);
    message.ranges = to;
    return message;
  }
  RangesCompared differing(std::vector<uint32_t> indices) const {
    RangesCompared compared;
    for (const uint32_t index : indices) compared.differing.push_back({index, false, SharedBytes(Bytes(8, 'f'))});
    return compared;
  }
  std::string failure_of(const Message& message) {
    receive(message);
    tick();
    return requester->failure();
  }
};

TEST(SyncDelta, the_copy_is_made_of_the_own_store_when_that_is_marked_and_before_anybody_is_asked) {
  DeltaRequester driver;
  EXPECT_TRUE(driver.tasks.empty()) << "the marker is not durable";
  EXPECT_TRUE(driver.marker_durable().messages.empty());
  ASSERT_EQ(driver.count<CloneStoreTask>(), 1U);
  EXPECT_TRUE(CopyRecord::decode(std::get<CloneStoreTask>(driver.tasks[0]).record)->is_delta);
  const auto starts = sent_to<SyncStart>(b, driver.result(StoreCreated{}));
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_TRUE(starts[0].is_delta);
  EXPECT_FALSE(starts[0].resume);
}

TEST(SyncDelta, a_copy_that_was_begun_as_one_is_gone_on_with_as_one) {
  CopyRecord copy{{at(3), at(3), "m", false, at(3)}, true, 4, 40, 400};
  RequesterDriver driver(history(5, pn(1, c)), {}, copy, true, false);
  const auto starts = sent_to<SyncStart>(b, driver.marker_durable());
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_TRUE(starts[0].is_delta);
  EXPECT_EQ(starts[0].resume, copy.cursor);
  EXPECT_EQ(driver.count<CloneStoreTask>(), 0U);
}

TEST(SyncDelta, what_differs_is_answered_in_order_and_written_with_the_chunk_that_answers_it) {
  DeltaRequester driver;
  driver.start();
  driver.receive(driver.ranges(1, "", {"c", "f"}));
  driver.receive(driver.ranges(2, "f", {"k"}));
  driver.receive(driver.ranges(2, "f", {"k"}));  // it came twice
  EXPECT_EQ(driver.count<CompareRangesTask>(), 2U);
  const auto first = sent_to<SyncDiffering>(b, driver.result(driver.differing({1})));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].sequence, 1U);
  EXPECT_EQ(first[0].ranges.at(0).index, 1U);
  EXPECT_EQ(sent_to<SyncDiffering>(b, driver.result(driver.differing({}))).at(0).sequence, 2U);
  SyncChunk chunk = driver.answer(1, 1);
  chunk.erased = {0};
  driver.receive(chunk);
  const auto& write = std::get<WriteChunkTask>(driver.tasks.back());
  ASSERT_EQ(write.compared.size(), 1U);
  EXPECT_EQ(write.compared[0].after, "c");
  EXPECT_EQ(write.compared[0].last_key, "f");
  EXPECT_EQ(write.erased, chunk.erased);
  EXPECT_TRUE(write.cleared.empty());
  EXPECT_EQ(sent_to<SyncAck>(b, driver.result(ChunkWritten{})).at(0).sequence, 1U);
}

TEST(SyncDelta, ranges_and_chunks_that_may_not_come_end_the_session) {
  const auto started = [] {
    auto driver = std::make_unique<DeltaRequester>();
    driver->start();
    return driver;
  };
  EXPECT_NE(started()->failure_of(DeltaRequester().ranges(1, "b", {"c"})).find("do not follow"), std::string::npos);
  EXPECT_NE(started()->failure_of(DeltaRequester().ranges(1, "", {"c", "c"})).find("do not follow"), std::string::npos);
  EXPECT_NE(started()->failure_of(DeltaRequester().ranges(1, "", {"", "c"})).find("do not follow"), std::string::npos);
  EXPECT_NE(started()->failure_of(DeltaRequester().ranges(1, "", {})).find("do not follow"), std::string::npos);
  EXPECT_NE(started()->failure_of(DeltaRequester().answer(1, 1)).find("not asked for"), std::string::npos);
  EXPECT_NE(started()->failure_of(DeltaRequester().answer(1, 0)).find("not asked for"), std::string::npos);
  auto twice = started();
  twice->receive(twice->ranges(1, "", {""}));
  twice->result(twice->differing({}));
  EXPECT_NE(twice->failure_of(twice->ranges(2, "", {"c"})).find("do not follow"), std::string::npos)
      << "behind the last range of all";
  auto flooded = started();
  for (uint64_t i = 1; i <= flooded->options.sync_window + 1; ++i) {
    flooded->receive(flooded->ranges(i, i == 1 ? "" : std::to_string(i - 1), {std::to_string(i)}));
  }
  EXPECT_EQ(flooded->count<CompareRangesTask>(), flooded->options.sync_window);
  EXPECT_NE(flooded->requester->failure().find("more than a window"), std::string::npos);
  RequesterDriver full;
  full.marker_durable();
  full.receive(DeltaRequester().ranges(1, "", {"c"}));
  EXPECT_NE(full.requester->failure().find("nothing to compare"), std::string::npos);
}

TEST(SyncDelta, a_failed_sync_waits_for_what_it_clones_and_compares) {
  DeltaRequester cloning;
  cloning.marker_durable();
  Output out;
  EXPECT_EQ(cloning.requester->on_provider_lost(out), Outcome::running);
  cloning.result(StoreCreated{});
  EXPECT_EQ(cloning.outcome, Outcome::failed);
  ASSERT_TRUE(cloning.requester->copy()) << "the next sync goes on with the clone";
  EXPECT_FALSE(cloning.requester->copy()->has_begun());
  DeltaRequester comparing;
  comparing.start();
  comparing.receive(comparing.ranges(1, "", {"c"}));
  EXPECT_EQ(comparing.requester->on_provider_lost(out), Outcome::running);
  comparing.result(comparing.differing({0}));
  EXPECT_EQ(comparing.outcome, Outcome::failed);
}

TEST(SyncDelta, what_cannot_be_read_or_is_not_right_in_the_end_refutes_it) {
  DeltaRequester unreadable;
  unreadable.start();
  unreadable.receive(unreadable.ranges(1, "", {"c"}));
  unreadable.result(RangesCompared{Status(Code::corruption, "a block does not have its checksum"), {}});
  EXPECT_EQ(unreadable.outcome, Outcome::failed);
  EXPECT_TRUE(unreadable.requester->has_refuted_delta());
  EXPECT_FALSE(unreadable.requester->copy());
  DeltaRequester wrong;
  wrong.start();
  wrong.receive(wrong.ranges(1, "", {""}));
  wrong.result(wrong.differing({0}));
  wrong.receive(wrong.answer(1, 1, true));
  wrong.result(ChunkWritten{});
  wrong.result(Verified{wrong.snapshot, Digest{{7}}});
  EXPECT_TRUE(wrong.requester->has_refuted_delta());
  DeltaRequester lost;
  lost.start();
  Output out;
  EXPECT_EQ(lost.requester->on_provider_lost(out), Outcome::failed);
  EXPECT_FALSE(lost.requester->has_refuted_delta());
}

// ---------------------------------------------------------------------------------------------- provider

struct DeltaProvider : ProviderDriver {
  explicit DeltaProvider(uint32_t with_window = 1) {
    window = with_window;
    options.sync_window = with_window;
    is_delta = true;
    open();
    tick();
  }
  static RangesRead ranges(bool is_last = false) {
    RangesRead read;
    read.ranges = {{is_last ? "" : "c", 1}};
    read.is_last = is_last;
    return read;
  }
  static ChunkRead settled(uint64_t sequence, bool differs) {
    ChunkRead chunk = a_chunk();
    chunk.ranges = sequence;
    chunk.is_skipped = !differs;
    return chunk;
  }
};

TEST(SyncDelta, a_provider_reads_ranges_and_then_what_the_requester_says_of_them) {
  DeltaProvider driver;
  ASSERT_EQ(driver.count<ReadRangesTask>(), 1U);
  EXPECT_EQ(driver.count<ReadChunkTask>(), 0U);
  const auto sent = sent_to<SyncRanges>(b, driver.result(DeltaProvider::ranges()));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].cookie, cookie);
  EXPECT_EQ(sent[0].sequence, 1U);
  driver.tick();
  EXPECT_EQ(driver.count<ReadRangesTask>(), 1U) << "a window of one";
  driver.receive(c, SyncDiffering{cookie, 1, {}});  // of somebody else
  driver.receive(b, SyncDiffering{cookie, 2, {}});  // of ranges that were not sent
  EXPECT_EQ(driver.count<SettleRangesTask>(), 0U);
  driver.receive(b, SyncDiffering{cookie, 1, {{0, false, SharedBytes(Bytes(8, 'f'))}}});
  driver.receive(b, SyncDiffering{cookie, 1, {}});  // again
  ASSERT_EQ(driver.count<SettleRangesTask>(), 1U);
  EXPECT_EQ(std::get<SettleRangesTask>(driver.tasks.back().second).differing.size(), 1U);
  const auto chunks = sent_to<SyncChunk>(b, driver.result(DeltaProvider::settled(1, true)));
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].ranges, 1U);
  EXPECT_EQ(driver.count<ReadRangesTask>(), 1U) << "the chunk fills the window";
  driver.receive(b, SyncAck{cookie, 1});
  EXPECT_EQ(driver.count<ReadRangesTask>(), 2U);
}

TEST(SyncDelta, ranges_that_do_not_differ_make_room_without_a_chunk) {
  DeltaProvider driver;
  driver.result(DeltaProvider::ranges());
  driver.receive(b, SyncDiffering{cookie, 1, {}});
  EXPECT_TRUE(sent_to<SyncChunk>(b, driver.result(DeltaProvider::settled(1, false))).empty());
  EXPECT_EQ(driver.count<ReadRangesTask>(), 2U);
}

TEST(SyncDelta, after_the_last_ranges_comes_the_log) {
  DeltaProvider driver;
  driver.result(DeltaProvider::ranges(true));
  driver.tick();
  EXPECT_EQ(driver.count<ReadRangesTask>(), 1U);
  EXPECT_EQ(driver.count<ReadChunkTask>(), 0U) << "the requester has not said what differs";
  driver.receive(b, SyncDiffering{cookie, 1, {}});
  driver.result(DeltaProvider::settled(1, true));
  driver.receive(b, SyncAck{cookie, 1});
  EXPECT_EQ(driver.count<ReadChunkTask>(), 1U);
}

TEST(SyncDelta, an_answer_to_an_unknown_session_is_told_so_and_a_wrong_one_ends_the_session) {
  DeltaProvider driver;
  EXPECT_EQ(sent_to<SyncAbort>(b, driver.receive(b, SyncDiffering{99, 1, {}})).at(0).reason.code(), Code::not_found);
  driver.result(DeltaProvider::ranges());
  driver.receive(b, SyncDiffering{cookie, 1, {{7, false, {}}}});
  const auto aborts = sent_to<SyncAbort>(b, driver.result(Status(Code::invalid_argument, "no such range")));
  ASSERT_EQ(aborts.size(), 1U);
  EXPECT_EQ(driver.provider.session_count(), 0U);
}

TEST(SyncDelta, a_copy_that_has_all_keys_is_not_compared_again) {
  ProviderDriver driver;
  driver.is_delta = true;
  driver.resume = SyncCursor{at(3), at(5), "z", true, at(3)};
  driver.open();
  driver.tick();
  EXPECT_EQ(driver.count<ReadRangesTask>(), 0U);
  EXPECT_EQ(driver.count<ReadChunkTask>(), 1U);
}

TEST(SyncDelta, a_snapshot_refuses_answers_that_do_not_fit) {
  const Member::Change changes = changes_of(1, 500);
  Member source(3, changes);
  const auto store = source.open();
  const SharedBytes one(Bytes(8, 'f'));
  for (const std::vector<DifferingRange>& wrong : std::vector<std::vector<DifferingRange>>{
           {{9999, false, one}}, {{1, false, one}, {0, false, one}}, {{1, false, one}, {1, true, {}}}}) {
    auto reader = *SnapshotReader::open(*store, {}, false);
    ASSERT_TRUE(reader->next_ranges(1 << 20, 10'000));
    EXPECT_EQ(reader->settle(wrong).error().code(), Code::invalid_argument);
  }
}

// ---------------------------------------------------------------------------------------------- in a cluster

struct DeltaCluster : LaggingCluster, sim::Observer {
  explicit DeltaCluster(uint64_t seed) : LaggingCluster(seed) { cluster.add_observer(this); }
  void on_ran(const std::string& member, const Task& task, const Result<TaskResult>&) override {
    if (member != lagging) return;
    cloned += std::holds_alternative<CloneStoreTask>(task);
    created += std::holds_alternative<CreateStoreTask>(task);
    const auto* chunk = std::get_if<WriteChunkTask>(&task);
    if (chunk != nullptr) bytes += chunk->transaction.size();
  }
  size_t cloned = 0;
  size_t created = 0;
  size_t bytes = 0;
};

TEST(SyncDelta, a_member_that_was_away_gets_what_differs) {
  DeltaCluster lagging(5);
  lagging.start_and_wait_for_sync();
  ASSERT_TRUE(lagging.wait_for_quorum());
  lagging.cluster.kill(lagging.lagging);
  lagging.bytes = lagging.cloned = 0;
  for (int i = 0; i < 40; ++i) lagging.put(7, 1);  // past the trim floor
  ASSERT_TRUE(lagging.start_and_wait_for_sync());
  ASSERT_TRUE(lagging.wait_for_quorum());
  EXPECT_EQ(lagging.cloned, 1U);
  EXPECT_EQ(lagging.created, 0U);
  EXPECT_LT(lagging.bytes, 2000U) << "one value of 300 bytes, and what belongs to the log";
  EXPECT_EQ(lagging.cluster.differences(), "");
}

}  // namespace
}  // namespace synod::test
