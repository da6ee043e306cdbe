// A sync that was broken off goes on where the copy stands: with the same provider or another one, in the same process
// or after a restart. What the copy has from different snapshots is brought to one version by the log between them.
#include <gtest/gtest.h>

#include "mon/service/monmap_service.h"
#include "test/sim/home.h"
#include "test/unit/mon/monitor_driver.h"
#include "test/unit/mon/sync_drivers.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Outcome = SyncRequester::Outcome;

Position at(uint64_t version) { return history(version, pn(1, c)).back().position(); }

CopyRecord half_a_copy() { return {{at(3), at(3), "m", false, at(3)}, false, 4, 40, 400}; }

// ---------------------------------------------------------------------------------------------- requester

TEST(SyncResumeTest, a_copy_is_gone_on_with_and_neither_marker_nor_store_is_made_again) {
  RequesterDriver driver(history(5, pn(1, c)), {}, half_a_copy(), true);
  EXPECT_TRUE(driver.begun.writes.empty());
  const auto starts = sent_to<SyncStart>(b, driver.marker_durable());
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].resume, half_a_copy().cursor);
  EXPECT_EQ(starts[0].window, driver.options.sync_window);
  driver.receive(driver.chunk(1));
  EXPECT_EQ(driver.count<CreateStoreTask>(), 0U);
  const auto& write = std::get<WriteChunkTask>(driver.tasks.back());
  const Result<CopyRecord> record = CopyRecord::decode(write.record);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->cursor, driver.chunk(1).cursor);
  EXPECT_EQ(record->chunks, 5U) << "what is told of the copy goes on, too";
  EXPECT_EQ(record->keys, 41U);
  EXPECT_EQ(record->bytes, 410U);
  driver.result(ChunkWritten{});
  EXPECT_EQ(driver.requester->progress().chunks, 5U);
}

TEST(SyncResumeTest, of_a_newer_snapshot_it_is_told_before_there_are_keys_of_it) {
  const auto before_of = [](const RequesterDriver& driver) {
    return std::get<WriteChunkTask>(driver.tasks.back()).record_before;
  };
  RequesterDriver driver(history(5, pn(1, c)), {}, half_a_copy(), true);
  driver.marker_durable();
  driver.receive(driver.chunk(1));
  CopyRecord expected = half_a_copy();
  expected.cursor.highest = driver.chunk(1).cursor.highest;
  ASSERT_NE(expected, half_a_copy());
  EXPECT_EQ(before_of(driver), expected.encode());
  driver.receive(driver.chunk(2));
  EXPECT_EQ(before_of(driver), Bytes()) << "it is told already";
  RequesterDriver fresh;
  fresh.marker_durable();
  fresh.receive(fresh.chunk(1));
  EXPECT_EQ(before_of(fresh), Bytes()) << "a copy without a record is not gone on with";
}

TEST(SyncResumeTest, a_failed_sync_leaves_the_copy_as_far_as_it_is_durable) {
  RequesterDriver driver;
  driver.marker_durable();
  driver.receive(driver.chunk(1));
  driver.receive(driver.chunk(2));
  driver.result(StoreCreated{});
  driver.result(ChunkWritten{});
  Output out;
  EXPECT_EQ(driver.requester->on_provider_lost(out), Outcome::running) << "a chunk is still being written";
  EXPECT_TRUE(out.messages.empty());
  const Output last = driver.result(ChunkWritten{});
  EXPECT_EQ(driver.outcome, Outcome::failed);
  EXPECT_TRUE(sent_to<SyncAck>(b, last).empty());
  ASSERT_TRUE(driver.requester->copy());
  EXPECT_EQ(driver.requester->copy()->cursor, driver.chunk(2).cursor);
}

TEST(SyncResumeTest, a_copy_that_is_wrong_or_whose_log_is_gone_is_not_gone_on_with) {
  RequesterDriver wrong;
  wrong.copy_all();
  wrong.result(Verified{wrong.snapshot, Digest{{7}}});
  EXPECT_EQ(wrong.outcome, Outcome::failed);
  EXPECT_FALSE(wrong.requester->copy());
  RequesterDriver trimmed(history(5, pn(1, c)), {}, half_a_copy(), true);
  trimmed.marker_durable();
  trimmed.receive(SyncAbort{cookie, Status(Code::refused, "its log begins at version 90")});
  trimmed.tick();
  EXPECT_FALSE(trimmed.requester->copy());
  RequesterDriver busy(history(5, pn(1, c)), {}, half_a_copy(), true);
  busy.marker_durable();
  busy.receive(SyncAbort{cookie, Status(Code::exhausted, "it serves as many syncs as it may")});
  busy.tick();
  EXPECT_EQ(busy.requester->copy(), half_a_copy());
}

TEST(SyncResumeTest, a_provider_that_sends_more_than_the_window_or_ends_too_early_is_given_up) {
  RequesterDriver flooded;
  flooded.marker_durable();
  for (uint64_t sequence = 1; sequence <= flooded.options.sync_window + 1; ++sequence) {
    flooded.receive(flooded.chunk(sequence));
  }
  EXPECT_EQ(flooded.count<WriteChunkTask>(), flooded.options.sync_window);
  RequesterDriver early;
  early.marker_durable();
  SyncChunk last = early.chunk(1, true);
  last.cursor.replayed = at(1);
  early.receive(last);
  early.tick();
  EXPECT_EQ(early.outcome, Outcome::failed);
  EXPECT_NE(early.requester->failure().find("complete"), std::string::npos);
}

TEST(SyncResumeTest, a_provider_that_reads_what_the_copy_has_is_not_silent) {
  RequesterDriver driver(history(5, pn(1, c)), {}, half_a_copy(), true);
  driver.marker_durable();
  for (int i = 0; i < 5; ++i) {
    driver.now += driver.options.sync_timeout - milliseconds(1);
    driver.tick();
    SyncChunk only_read;
    only_read.cookie = cookie;
    driver.receive(only_read);
  }
  EXPECT_EQ(driver.outcome, Outcome::running);
  EXPECT_TRUE(driver.tasks.empty());
}

// ---------------------------------------------------------------------------------------------- provider

TEST(SyncResumeTest, the_log_is_held_from_where_the_copy_needs_it) {
  ProviderDriver driver;
  driver.resume = half_a_copy().cursor;
  const auto holds = sent_to<HoldTrim>(c, driver.start());
  ASSERT_EQ(holds.size(), 1U);
  EXPECT_EQ(holds[0].version, Version(4));
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(4));
  driver.hold_granted(Version(9));  // the leader need not have what this member's own log has
  ASSERT_EQ(driver.count<OpenSnapshotTask>(), 1U);
  EXPECT_EQ(std::get<OpenSnapshotTask>(driver.tasks[0].second).resume, driver.resume);
}

TEST(SyncResumeTest, a_copy_that_is_ahead_or_whose_log_is_gone_is_refused) {
  ProviderDriver behind;
  behind.resume = half_a_copy().cursor;
  behind.resume->highest.version = Version(11);
  EXPECT_EQ(sent_to<SyncAbort>(b, behind.start()).at(0).reason.code(), Code::unavailable);
  ProviderDriver trimmed;
  trimmed.resume = half_a_copy().cursor;
  trimmed.view.first = Version(5);
  const auto aborts = sent_to<SyncAbort>(b, trimmed.start());
  ASSERT_EQ(aborts.size(), 1U);
  EXPECT_EQ(aborts[0].reason, Status(Code::refused, "its log begins at version 5, past 4 which the copy needs"));
  EXPECT_EQ(trimmed.provider.session_count(), 0U);
}

TEST(SyncResumeTest, what_is_only_read_is_told_and_not_counted) {
  ProviderDriver driver;
  driver.resume = half_a_copy().cursor;
  driver.open();
  ChunkRead skipped;
  skipped.is_skipped = true;
  for (int i = 0; i < 3; ++i) {
    const auto told = sent_to<SyncChunk>(b, driver.result(skipped));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].sequence, 0U);
  }
  EXPECT_EQ(sent_to<SyncChunk>(b, driver.result(a_chunk())).at(0).sequence, 1U);
}

// ---------------------------------------------------------------------------------------------- choice of provider

// A marked member a, at version 5, with a copy of versions 6 to 8.
struct WithCopy : MonitorDriver {
  WithCopy() : MonitorDriver(made_with_copy({{at_b(6), at_b(8), "m", false, at_b(6)}, false, 4, 40, 400})) {}
  static Position at_b(uint64_t version) { return history(version, pn(1, b)).back().position(); }
  std::vector<SyncStart> after(Duration time) { return sent<SyncStart>(tick(time)); }
};

TEST(SyncResumeTest, who_can_go_on_with_the_copy_is_asked_before_others) {
  WithCopy member;
  member.hear(b, 8, 9);  // its log does not reach back
  member.hear(c, 7, 8, MemberState::leader);
  const auto starts = member.after(CoreOptions().lease);
  ASSERT_EQ(starts.size(), 1U);
  ASSERT_TRUE(starts[0].resume);
  EXPECT_EQ(starts[0].resume->highest.version, Version(8));
}

TEST(SyncResumeTest, a_copy_that_nobody_can_go_on_with_is_given_up_after_a_wait) {
  for (const bool is_behind : {true, false}) {
    WithCopy member;
    member.hear(b, is_behind ? 1 : 8, is_behind ? 7 : 9);
    EXPECT_TRUE(member.after(CoreOptions().lease).empty()) << "somebody better may be heard";
    member.hear(b, is_behind ? 1 : 8, is_behind ? 7 : 9);
    const Output out = member.tick(2 * CoreOptions().lease);
    ASSERT_EQ(out.tasks.size(), 1U) << "so that two of three come back";
    EXPECT_TRUE(std::holds_alternative<CloneStoreTask>(out.tasks[0].task)) << "it begins from the start";
  }
}

// ---------------------------------------------------------------------------------------------- the copy itself

// A store whose versions put, overwrite and erase keys, also by ranges.
class Source {
 public:
  explicit Source(uint64_t versions) {
    MonitorStore store(std::move(home_.create_store({})->db));
    EXPECT_TRUE(store.initialize(genesis(), monmap_genesis(monmap_of(3))).is_ok());
    EXPECT_TRUE(home_.switch_to("store.1", *read_bound(*store.db().new_iterator())).is_ok());
    engine_.emplace(home_, std::make_unique<MonitorStore>(*home_.open_current({})), EngineOptions{});
    Position position = genesis();
    for (uint64_t version = 1; version <= versions; ++version) {
      const LogEntry entry = make_log_entry(position, pn(1, c), SharedBytes(changes(version).encode()));
      position = entry.position();
      std::vector<WriteJob> jobs(1);
      jobs[0].writes = {PutEntry{entry}, ApplyEntry{position, entry.value}};
      jobs[0].durability = Durability::durable;
      EXPECT_TRUE(engine_->write(jobs).is_ok());
    }
  }
  // The chunks that the copy lacks, as many as wanted.
  std::vector<ChunkRead> read(const std::optional<SyncCursor>& resume, size_t most) {
    EXPECT_TRUE(engine_->run(OpenSnapshotTask{cookie, resume}));
    std::vector<ChunkRead> chunks;
    while (chunks.size() < most && (chunks.empty() || !chunks.back().is_last)) {
      auto chunk = std::get<ChunkRead>(*engine_->run(ReadChunkTask{cookie, 40, 3}));
      if (!chunk.is_skipped) chunks.push_back(std::move(chunk));
    }
    return chunks;
  }
  StoreEngine& engine() { return *engine_; }
  Digest digest() { return *MonitorStore(*home_.open_current({})).digest(); }

 private:
  static ReplicatedTransaction changes(uint64_t version) {
    ReplicatedTransaction made;
    auto key = [](uint64_t number) { return fmt::format("key-{:02}", number % 40); };
    made.put(key(version * 7), SharedBytes(fmt::format("value {}", version)));
    made.put(key(version * 11), SharedBytes(fmt::format("value {}", version)));
    if (version % 3 == 0) made.erase(key(version * 5));
    if (version % 10 == 9) made.erase_range(key(version), key(version) + "~");
    if (version % 16 == 15) made.erase_range("key-10", "key-15");
    return made;
  }

  sim::MemoryHome home_;
  std::optional<StoreEngine> engine_;
};

TEST(SyncResumeTest, a_copy_of_any_number_of_snapshots_is_the_last_one) {
  // Each list: the versions of the providers, one after the other, which each give some chunks.
  for (const std::vector<uint64_t>& providers : std::vector<std::vector<uint64_t>>{
           {20}, {20, 20}, {20, 60}, {20, 35, 61}, {20, 21, 45, 60, 80}, {60, 70, 70, 71}}) {
    for (size_t chunks_each = 1; chunks_each < 12; ++chunks_each) {
      Source copy(1);
      ASSERT_TRUE(copy.engine().run(CreateStoreTask{}));
      std::optional<SyncCursor> cursor;
      for (size_t i = 0; i < providers.size(); ++i) {
        const bool is_last = i + 1 == providers.size();
        Source provider(providers[i]);
        for (const ChunkRead& chunk : provider.read(cursor, is_last ? SIZE_MAX : chunks_each)) {
          cursor = chunk.cursor;
          EXPECT_EQ(chunk.cursor.is_complete(), chunk.is_last);
          EXPECT_TRUE(copy.engine().run(WriteChunkTask{chunk.transaction, "record"}));
          if (!chunk.is_last) continue;
          const auto verified = std::get<Verified>(*copy.engine().run(VerifyTask{}));
          EXPECT_EQ(verified.digest, provider.digest()) << providers.size() << " providers, " << chunks_each;
          EXPECT_EQ(verified.digest, chunk.digest);
          EXPECT_EQ(verified.position, chunk.cursor.highest);
        }
      }
      EXPECT_TRUE(cursor && cursor->is_complete());
    }
  }
}

// The power fails behind the data of a session's last chunk, and before its record.
TEST(SyncResumeTest, keys_that_the_record_does_not_tell_of_are_brought_to_the_last_version_too) {
  for (const std::vector<uint64_t>& providers :
       std::vector<std::vector<uint64_t>>{{20, 20}, {20, 60}, {20, 35, 61}, {20, 21, 45, 60, 80}, {60, 70, 70, 71}}) {
    for (size_t chunks_each = 1; chunks_each < 12; ++chunks_each) {
      Source copy(1);
      std::optional<SyncCursor> cursor;
      for (size_t i = 0; i < providers.size(); ++i) {
        if (!cursor) {
          ASSERT_TRUE(copy.engine().run(CreateStoreTask{}));
        }
        const bool is_last = i + 1 == providers.size();
        Source provider(providers[i]);
        const std::vector<ChunkRead> chunks = provider.read(cursor, is_last ? SIZE_MAX : chunks_each);
        for (const ChunkRead& chunk : chunks) {
          EXPECT_TRUE(copy.engine().run(WriteChunkTask{chunk.transaction, "record"}));
          if (is_last || &chunk != &chunks.back()) {
            cursor = chunk.cursor;
          } else if (cursor) {
            cursor->highest = chunk.cursor.highest;  // record_before
          }
        }
        if (!is_last) continue;
        const auto verified = std::get<Verified>(*copy.engine().run(VerifyTask{}));
        EXPECT_EQ(verified.digest, provider.digest()) << providers.size() << " providers, " << chunks_each;
        EXPECT_EQ(verified.position, cursor->highest);
      }
    }
  }
}

TEST(SyncResumeTest, sessions_that_end_after_one_chunk_come_to_an_end_of_the_copy) {
  std::optional<SyncCursor> cursor;
  for (const ChunkRead& chunk : Source(20).read(cursor, 3)) cursor = chunk.cursor;
  Source provider(60);
  size_t sessions = 0;
  for (; sessions < 100 && !cursor->is_complete(); ++sessions) cursor = provider.read(cursor, 1).front().cursor;
  EXPECT_TRUE(cursor->is_complete()) << sessions << " sessions";
}

TEST(SyncResumeTest, a_provider_whose_log_is_of_another_history_or_trimmed_refuses_the_copy) {
  Source provider(40);
  SyncCursor elsewhere{at(20), at(20), "key-05", true, at(20)};
  ASSERT_TRUE(provider.engine().run(OpenSnapshotTask{cookie, elsewhere}));
  Result<TaskResult> result = provider.engine().run(ReadChunkTask{cookie, 1 << 20, 1000});
  while (result && !std::holds_alternative<Status>(*result)) {
    result = provider.engine().run(ReadChunkTask{cookie, 1 << 20, 1000});
  }
  ASSERT_TRUE(result);
  EXPECT_EQ(std::get<Status>(*result).code(), Code::refused);
}

TEST(SyncResumeTest, the_record_of_a_copy_is_read_as_it_was_written_and_damage_is_found) {
  const CopyRecord record = half_a_copy();
  const Result<CopyRecord> decoded = CopyRecord::decode(record.encode());
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, record);
  const Bytes encoded = record.encode();
  for (size_t length = 0; length < encoded.size(); ++length) {
    EXPECT_FALSE(CopyRecord::decode(ByteView(encoded).substr(0, length))) << length;
  }
  EXPECT_FALSE(CopyRecord::decode(encoded + "x"));
}

// ---------------------------------------------------------------------------------------------- in a cluster

// Counts the chunks that the lagging member writes.
struct ResumingCluster : LaggingCluster, sim::Observer {
  explicit ResumingCluster(uint64_t seed) : LaggingCluster(seed, 300) {
    cluster.add_observer(this);
    EXPECT_TRUE(start_and_wait_for_sync());
  }
  void on_ran(const std::string& member, const Task& task, const Result<TaskResult>&) override {
    if (member == lagging && std::holds_alternative<WriteChunkTask>(task)) written += 1;
    if (member == lagging && std::holds_alternative<CloneStoreTask>(task)) stores_made += 1;
  }
  // Until it has this many chunks of a copy.
  void copy_some(uint64_t count) {
    EXPECT_TRUE(cluster.run_until([&] { return progress().chunks >= count; }, seconds(60)));
    EXPECT_TRUE(cluster.monitor(lagging).is_syncing()) << "more was to come";
  }
  uint64_t written = 0;
  uint64_t stores_made = 0;
};

TEST(SyncResumeCluster, another_provider_goes_on_when_the_first_one_dies) {
  ResumingCluster lagging(2);
  ASSERT_EQ(lagging.progress().provider, lagging.third);
  lagging.copy_some(40);
  lagging.put(1000, 5);
  lagging.cluster.cut_power(lagging.third);
  ASSERT_TRUE(lagging.cluster.run_until(
      [&] { return !lagging.cluster.monitor(lagging.lagging).is_marked() && lagging.cluster.has_quorum(2); },
      seconds(60)));
  EXPECT_EQ(lagging.stores_made, 1U);
  EXPECT_TRUE(lagging.cluster.get(lagging.lagging, "key-0299").has_value());
  EXPECT_TRUE(lagging.cluster.get(lagging.lagging, "key-1004").has_value());
}

TEST(SyncResumeCluster, a_requester_that_was_killed_or_lost_its_power_goes_on_where_its_copy_stands) {
  for (const bool is_power_cut : {false, true}) {
    ResumingCluster lagging(3);
    uint64_t had = 0;
    for (int times = 1; times <= 3; ++times) {
      lagging.copy_some(had + 20);
      had = lagging.progress().chunks;
      if (is_power_cut) {
        lagging.cluster.cut_power(lagging.lagging);
      } else {
        lagging.cluster.kill(lagging.lagging);
      }
      lagging.put(1000 * times, 5);
      ASSERT_TRUE(lagging.start_and_wait_for_sync());
      EXPECT_GE(lagging.progress().chunks, had) << "as it has told of it";
    }
    ASSERT_TRUE(lagging.wait_for_quorum());
    EXPECT_EQ(lagging.stores_made, 1U);
    EXPECT_EQ(lagging.cluster.differences(), "");
  }
}

TEST(SyncResumeCluster, a_copy_whose_log_is_trimmed_meanwhile_is_begun_again_and_says_why) {
  ResumingCluster lagging(4);
  lagging.copy_some(40);
  lagging.cluster.kill(lagging.lagging);
  lagging.cluster.run_for(seconds(70));  // holds have lapsed
  lagging.put(1000, 60);
  ASSERT_TRUE(lagging.start_and_wait_for_sync());
  ClientRequest request;
  request.timeout_ms = 1000;
  request.body = StatusRequest{};
  const ClientReply reply = lagging.cluster.call(lagging.lagging, request);
  EXPECT_NE(std::get<StatusReply>(reply.body).detail.find("which the copy needs"), std::string::npos)
      << std::get<StatusReply>(reply.body).detail;
  ASSERT_TRUE(lagging.wait_for_quorum());
  EXPECT_EQ(lagging.stores_made, 2U);
  EXPECT_EQ(lagging.cluster.differences(), "");
}

}  // namespace
}  // namespace synod::test
