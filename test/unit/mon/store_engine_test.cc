// The engine in a real data directory, on LevelDB: what it does to the store, and what a restart finds.
#include "mon/daemon/store_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "mon/core/identity.h"
#include "mon/core/sync/requester.h"
#include "mon/service/monmap_service.h"
#include "store/bound_file.h"
#include "store/data_dir.h"
#include "test/unit/mon/builders.h"
#include "test/unit/store/temp_dir.h"

namespace synod {
namespace {

using test::a;
using test::c;
using test::genesis;
using test::history;
using test::pn;

constexpr uint64_t cookie = 42;

Bytes identity_record(FormationState state) {
  return Identity{a, "a", 1, state, test::monmap_of(3).encode(), {}}.encode();
}

WriteChunkTask write_of(const ChunkRead& chunk) {
  WriteChunkTask write{chunk.transaction, "record"};
  write.is_compressed = chunk.is_compressed;
  return write;
}

// A member's directory with the engine on it.
struct Home {
  explicit Home(std::string path) : path_(std::move(path)) { open(); }

  void open() {
    Result<std::unique_ptr<DataDir>> opened = DataDir::open(path_);
    ASSERT_TRUE(opened) << opened.error().to_string();
    dir = *std::move(opened);
    std::unique_ptr<MonitorStore> store;
    if (dir->has_store()) {
      auto db = dir->open_current({});
      ASSERT_TRUE(db) << db.error().to_string();
      store = std::make_unique<MonitorStore>(*std::move(db));
    }
    engine.emplace(*dir, std::move(store), EngineOptions{});
  }
  void restart() {
    engine.reset();
    dir.reset();
    open();
  }
  TaskResult run(const Task& task) {
    Result<TaskResult> result = engine->run(task);
    EXPECT_TRUE(result) << (result ? "" : result.error().to_string());
    return result ? *std::move(result) : TaskResult(Status(Code::io_error, "failed"));
  }
  LogState form() {
    const TaskResult done =
        run(FormTask{identity_record(FormationState::formed), genesis(), test::monmap_of(3).encode()});
    return std::get<Formed>(done).log;
  }
  void write(StoreWrites writes, Durability durability = Durability::durable, std::optional<Bytes> identity = {}) {
    std::vector<WriteJob> jobs;
    jobs.push_back({std::move(identity), std::move(writes), durability});
    EXPECT_TRUE(engine->write(jobs).is_ok());
  }
  void apply(const std::vector<LogEntry>& entries) {
    for (const LogEntry& entry : entries) write({PutEntry{entry}, ApplyEntry{entry.position(), entry.value}});
  }
  void copy_from(Home& provider) {
    provider.run(OpenSnapshotTask{cookie, {}, true});
    run(CreateStoreTask{});
    for (bool is_last = false; !is_last;) {
      const auto chunk = std::get<ChunkRead>(provider.run(ReadChunkTask{cookie, 100, 1}));
      EXPECT_EQ(chunk.checksum, checksum64(chunk.transaction.view()));
      EXPECT_TRUE(std::holds_alternative<ChunkWritten>(run(write_of(chunk))));
      is_last = chunk.is_last;
      if (is_last) digest = chunk.digest;
    }
    provider.run(CloseSnapshotTask{cookie});
  }
  // What a start finds, in a store of its own.
  LogState stored_log() {
    engine.reset();
    const MonitorStore store(*dir->open_current({}));
    Result<LogState> log = store.load_log();
    EXPECT_TRUE(log);
    return *log;
  }

  std::string path_;
  std::unique_ptr<DataDir> dir;
  std::optional<StoreEngine> engine;
  Digest digest;
};

TEST(StoreEngineTest, a_formed_member_has_a_store_and_then_an_identity_that_says_so) {
  const test::TempDir temp;
  Home home(temp / "d");
  ASSERT_TRUE(home.dir->write_identity(identity_record(FormationState::prepared)).is_ok());
  EXPECT_EQ(home.form().applied, genesis());
  home.restart();
  EXPECT_EQ(Identity::decode(**home.dir->read_identity())->formation, FormationState::formed);
  const MonitorStore store(*[&] {
    home.engine.reset();
    return home.dir->open_current({});
  }());
  EXPECT_EQ(Monmap::decode(**store.new_reader()->get(monmap_key))->members.size(), 3U);
}

TEST(StoreEngineTest, a_formation_that_ended_between_store_and_identity_is_done_again) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  ASSERT_TRUE(home.dir->write_identity(identity_record(FormationState::prepared)).is_ok());  // as before
  home.restart();
  EXPECT_EQ(home.form().applied, genesis());
  home.apply(history(1, pn(1, c)));
  EXPECT_EQ(home.stored_log().applied.version, Version(1));
}

TEST(StoreEngineTest, jobs_of_several_steps_are_one_batch_in_their_order) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  const std::vector<LogEntry> entries = history(3, pn(1, c));
  const Bytes identity = identity_record(FormationState::formed);
  std::vector<WriteJob> jobs;
  jobs.push_back({identity, {PutEntry{entries[0]}, PutEntry{entries[1]}}, Durability::durable});
  jobs.push_back({{}, {EraseEntries{Version(2), Version(3)}}, Durability::visible});
  jobs.push_back({{}, {ApplyEntry{entries[0].position(), entries[0].value}}, Durability::visible});
  ASSERT_TRUE(home.engine->write(jobs).is_ok());
  const LogState log = home.stored_log();
  EXPECT_EQ(log.applied, entries[0].position());
  EXPECT_TRUE(log.accepted.empty());
}

// What DIR/bound says of a store.
Bound bound_of(const Home& home, uint64_t store = 1) { return *BoundFile(posix_files(), home.path_).read(store); }

TEST(StoreEngineTest, a_durable_write_is_covered_by_the_bound_when_it_is_reported_and_a_visible_one_is_not) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  EXPECT_EQ(bound_of(home), (Bound{1, genesis(), {}}));
  const std::vector<LogEntry> entries = history(4, pn(1, c));
  home.write({PutEntry{entries[0]}});
  EXPECT_EQ(bound_of(home), (Bound{2, entries[0].position(), pn(1, c)}));
  home.write({PutEntry{entries[1]}, PutEntry{entries[2]}}, Durability::visible);
  home.write({ApplyEntry{entries[0].position(), entries[0].value}}, Durability::visible);
  EXPECT_EQ(bound_of(home).sequence, 2U);
  home.write({PutEntry{test::under(entries[1], pn(4, a))}});
  EXPECT_EQ(bound_of(home), (Bound{5, entries[2].position(), pn(1, c)})) << "and all that was visible before";
  home.write({EraseEntries{Version(3), Version(4)}});
  EXPECT_EQ(bound_of(home), (Bound{6, entries[1].position(), pn(4, a)}));
  home.write({ApplyEntry{entries[1].position(), entries[1].value}, EraseEntries{Version(1), Version(2)}});
  EXPECT_EQ(bound_of(home), (Bound{7, entries[1].position(), {}}));
  home.write({PutLocal{Bytes("key"), SharedBytes(Bytes("x"))}});
  EXPECT_EQ(bound_of(home), (Bound{8, entries[1].position(), {}}));
  home.write({}, Durability::durable, identity_record(FormationState::formed));
  EXPECT_EQ(bound_of(home).sequence, 8U) << "no batch";
}

TEST(StoreEngineTest, jobs_that_are_merged_share_one_bound) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  const std::vector<LogEntry> entries = history(2, pn(1, c));
  std::vector<WriteJob> jobs;
  jobs.push_back({{}, {PutEntry{entries[0]}}, Durability::visible});
  jobs.push_back({{}, {PutEntry{entries[1]}}, Durability::durable});
  ASSERT_TRUE(home.engine->write(jobs).is_ok());
  EXPECT_EQ(bound_of(home), (Bound{2, entries[1].position(), pn(1, c)}));
}

TEST(StoreEngineTest, after_a_restart_the_bound_covers_what_was_only_visible_and_batches_go_on) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  const std::vector<LogEntry> entries = history(3, pn(1, c));
  home.write({PutEntry{entries[0]}, PutEntry{entries[1]}}, Durability::visible);
  home.restart();
  EXPECT_EQ(bound_of(home), (Bound{2, entries[1].position(), pn(1, c)}));
  home.write({PutEntry{entries[2]}});
  EXPECT_EQ(bound_of(home), (Bound{3, entries[2].position(), pn(1, c)}));
}

TEST(StoreEngineTest, batches_go_on_in_a_new_store_and_the_bound_moves_to_it_with_the_switch) {
  const test::TempDir temp;
  Home provider(temp / "p");
  provider.form();
  const std::vector<LogEntry> entries = history(6, pn(1, c));
  provider.apply({entries.begin(), entries.begin() + 5});
  Home requester(temp / "r");
  requester.form();
  requester.write({PutLocal{Bytes(synchronizing_key), SharedBytes(Bytes("x"))}});
  const Bound before = bound_of(requester);
  requester.copy_from(provider);
  EXPECT_EQ(bound_of(requester), before) << "a chunk does not move it";
  requester.copy_from(provider);  // once more, from the beginning
  requester.run(VerifyTask{});
  requester.run(SwitchTask{{entries[5]}});
  const Bound after = bound_of(requester, 2);
  EXPECT_EQ(after.sequence, before.sequence + 1) << "the end of the sync: chunks have no numbers";
  EXPECT_EQ(after.last, entries[5].position());
  requester.write({PutLocal{Bytes("key"), SharedBytes(Bytes("x"))}});
  EXPECT_EQ(bound_of(requester, 2).sequence, after.sequence + 1);
  requester.restart();
  EXPECT_EQ(requester.stored_log().accepted, std::vector<LogEntry>{entries[5]});
}

TEST(StoreEngineTest, a_bound_that_cannot_be_written_fails_the_write) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  for (const char* const name : {"d/bound.1", "d/bound.2"}) {
    std::filesystem::remove(temp / name);
    std::filesystem::create_directory(temp / name);
  }
  std::vector<WriteJob> jobs;
  jobs.push_back({{}, {PutEntry{history(1, pn(1, c))[0]}}, Durability::durable});
  EXPECT_EQ(home.engine->write(jobs).code(), Code::io_error);
  EXPECT_EQ(home.engine->write({{Bytes("a record"), {}, Durability::durable}}).code(), Code::io_error) << "it is final";
  EXPECT_NE(**home.dir->read_identity(), "a record");
}

TEST(StoreEngineTest, a_job_of_an_identity_alone_writes_it_and_needs_no_store) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.write({}, Durability::visible, Bytes("a record"));
  EXPECT_EQ(**home.dir->read_identity(), "a record");
}

TEST(StoreEngineTest, accepted_entries_and_their_pns_are_found_after_a_restart) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  std::vector<LogEntry> entries = history(2, pn(1, c));
  home.write({PutEntry{entries[0]}, PutEntry{entries[1]}});
  home.write({PutEntry{test::under(entries[0], pn(4, a))}});
  const LogState log = home.stored_log();
  ASSERT_EQ(log.accepted.size(), 2U);
  EXPECT_EQ(log.accepted[0].pn, pn(4, a));
  EXPECT_EQ(log.accepted[1].pn, pn(1, c));
}

TEST(StoreEngineTest, requests_are_evaluated_and_ranges_read_on_what_is_applied) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  EvaluateTask task{1, Version(1), Version(0), {}, {}};
  task.requests.push_back(WriteRequest{{{WriteOp::Type::put, "k", SharedBytes(Bytes("v"))}}});
  const auto evaluated = std::get<Evaluated>(home.run(task));
  EXPECT_TRUE(std::get<RangeDone>(home.run(RangeTask{})).reply.items.empty()) << "not applied yet";
  const LogEntry entry = make_log_entry(genesis(), pn(1, c), evaluated.value);
  home.write({PutEntry{entry}, ApplyEntry{entry.position(), entry.value}}, Durability::visible);
  const RangeReply reply = std::get<RangeDone>(home.run(RangeTask{})).reply;
  ASSERT_EQ(reply.items.size(), 1U);
  EXPECT_EQ(reply.items[0].key, "k");
  EXPECT_EQ(std::get<ReadLogDone>(home.run(ReadLogTask{Version(1), Version(1), 100})).entries,
            std::vector<LogEntry>{entry});
}

TEST(StoreEngineTest, a_trimmed_version_reads_as_nothing) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  home.apply(history(4, pn(1, c)));
  home.write({EraseEntries{Version(1), Version(3)}});
  EXPECT_TRUE(std::get<ReadLogDone>(home.run(ReadLogTask{Version(2), Version(4), 1000})).entries.empty());
  EXPECT_EQ(std::get<ReadLogDone>(home.run(ReadLogTask{Version(3), Version(4), 1000})).entries.size(), 2U);
}

TEST(StoreEngineTest, a_chunk_of_a_closed_snapshot_is_a_failure_of_the_session_and_not_of_the_disk) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  home.run(OpenSnapshotTask{cookie, {}});
  home.run(CloseSnapshotTask{cookie});
  EXPECT_EQ(std::get<Status>(home.run(ReadChunkTask{cookie, 100, 1})).code(), Code::not_found);
}

TEST(StoreEngineTest, a_chunk_that_does_not_decode_is_refused_with_those_behind_it_and_those_before_it_are_written) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  home.run(CreateStoreTask{});
  const WriteChunkTask first{test::value("x"), "one"}, junk{SharedBytes(Bytes("junk")), "two"};
  const WriteChunkTask last{test::value("y"), "three"};
  const Result<std::vector<TaskResult>> results = home.engine->write_chunks({&first, &junk, &last});
  ASSERT_TRUE(results);
  ASSERT_EQ(results->size(), 3U);
  EXPECT_TRUE(std::holds_alternative<ChunkWritten>((*results)[0]));
  EXPECT_EQ(std::get<Status>((*results)[1]).code(), Code::corruption);
  EXPECT_EQ(std::get<Status>((*results)[2]).code(), Code::corruption);
  EXPECT_EQ(std::get<Status>(home.run(VerifyTask{})).code(), Code::corruption) << "an empty copy has no position";
}

TEST(StoreEngineTest, chunks_are_compressed_where_the_requester_takes_that_and_it_is_worthwhile) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  Transaction text;
  for (int i = 0; i < 40; ++i) text.put(fmt::format("kv/k/{:02}", i), SharedBytes(Bytes(200, 'x')));
  const LogEntry entry = make_log_entry(genesis(), pn(1, c), SharedBytes(text.encode()));
  home.apply({entry});
  const auto read_all = [&](bool compresses) {
    std::vector<ChunkRead> chunks;
    home.run(OpenSnapshotTask{cookie, {}, compresses});
    while (chunks.empty() || !chunks.back().is_last) {
      chunks.push_back(std::get<ChunkRead>(home.run(ReadChunkTask{cookie, 1000, 100})));
    }
    return chunks;
  };
  const std::vector<ChunkRead> plain = read_all(false), compressed = read_all(true);
  ASSERT_EQ(plain.size(), compressed.size());
  size_t plain_bytes = 0, compressed_bytes = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_FALSE(plain[i].is_compressed);
    EXPECT_EQ(compressed[i].checksum, checksum64(compressed[i].transaction.view()));
    EXPECT_EQ(compressed[i].bytes, plain[i].bytes);
    plain_bytes += plain[i].transaction.size();
    compressed_bytes += compressed[i].transaction.size();
  }
  EXPECT_LT(compressed_bytes, plain_bytes / 2);
}

TEST(StoreEngineTest, a_chunk_that_does_not_decompress_is_refused) {
  const test::TempDir temp;
  Home home(temp / "d");
  home.form();
  home.run(CreateStoreTask{});
  WriteChunkTask chunk{test::value("x"), "one"};
  chunk.is_compressed = true;
  const Status refused = std::get<Status>(home.run(chunk));
  EXPECT_EQ(refused.code(), Code::corruption);
  EXPECT_NE(refused.message().find("does not decompress"), std::string::npos) << refused.message();
}

TEST(StoreEngineTest, a_sync_copies_the_replicated_space_and_switches_to_it) {
  const test::TempDir temp;
  Home provider(temp / "p");
  provider.form();
  const std::vector<LogEntry> entries = history(6, pn(1, c));
  provider.apply({entries.begin(), entries.begin() + 5});
  Home requester(temp / "r");
  requester.form();
  requester.write({PutLocal{Bytes(synchronizing_key), SharedBytes(Bytes("x"))}});
  requester.copy_from(provider);
  const auto verified = std::get<Verified>(requester.run(VerifyTask{}));
  EXPECT_EQ(verified.position, entries[4].position());
  EXPECT_EQ(verified.digest, requester.digest);
  requester.run(SwitchTask{{entries[5]}});
  requester.restart();
  const LogState log = requester.stored_log();
  EXPECT_EQ(log.applied, entries[4].position());
  EXPECT_EQ(log.accepted, std::vector<LogEntry>{entries[5]});
  const MonitorStore store(*requester.dir->open_current({}));
  EXPECT_FALSE(store.get_local(synchronizing_key)->has_value());
}

TEST(StoreEngineTest, a_sync_that_is_broken_off_before_the_switch_leaves_the_old_store_and_its_marker) {
  const test::TempDir temp;
  Home provider(temp / "p");
  provider.form();
  provider.apply(history(5, pn(1, c)));
  Home requester(temp / "r");
  requester.form();
  requester.apply(history(2, pn(1, c)));
  requester.write({PutLocal{Bytes(synchronizing_key), SharedBytes(Bytes("x"))}});
  requester.copy_from(provider);
  requester.run(VerifyTask{});
  requester.restart();
  EXPECT_EQ(requester.stored_log().applied.version, Version(2));
  {
    const MonitorStore store(*requester.dir->open_current({}));
    EXPECT_TRUE(store.get_local(synchronizing_key)->has_value());
  }
  requester.restart();
  requester.copy_from(provider);
  EXPECT_EQ(std::get<Verified>(requester.run(VerifyTask{})).position.version, Version(5)) << "begun again";
}

TEST(StoreEngineTest, a_switch_ends_the_snapshots_of_the_old_store) {
  const test::TempDir temp;
  Home provider(temp / "p");
  provider.form();
  Home requester(temp / "r");
  requester.form();
  requester.run(OpenSnapshotTask{9, {}});
  requester.copy_from(provider);
  requester.run(SwitchTask{{}});
  EXPECT_EQ(std::get<Status>(requester.run(ReadChunkTask{9, 100, 1})).code(), Code::not_found);
}

// A member counts its terms from the beginning again after a sync.
TEST(StoreEngineTest, a_switch_forgets_the_values_in_flight_on_the_old_store) {
  const test::TempDir temp;
  Home provider(temp / "p");
  provider.form();
  Home requester(temp / "r");
  requester.form();
  EvaluateTask task{1, Version(9), Version(0), {WriteRequest{{{WriteOp::Type::put, "k", {}}}}}, {}};
  requester.run(task);
  requester.copy_from(provider);
  requester.run(SwitchTask{{}});
  task.requests = {WriteRequest{{{WriteOp::Type::erase, "k", {}}}}};
  const auto evaluated = std::get<Evaluated>(requester.run(task));
  EXPECT_EQ(std::get<WriteReply>(evaluated.replies.at(0).body).erased, std::vector<uint64_t>{0});
}

}  // namespace
}  // namespace synod
