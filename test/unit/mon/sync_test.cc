// Store synchronization step by step: one test, at least, for each step of the design's section 5.
#include <gtest/gtest.h>

#include "mon/service/monmap_service.h"
#include "test/sim/home.h"
#include "test/unit/mon/sync_drivers.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A store with `count` values applied, behind the engine that both ends run.
struct Store {
  explicit Store(uint64_t count) : entries(history(count, pn(1, c))) {
    auto made = home.create_store({});
    MonitorStore store(std::move(made->db));
    EXPECT_TRUE(store.initialize(genesis(), monmap_genesis(monmap_of(3))).is_ok());
    EXPECT_TRUE(home.switch_to(made->name, *read_bound(*store.db().new_iterator())).is_ok());
    engine.emplace(home, std::make_unique<MonitorStore>(*home.open_current({})), EngineOptions{});
    for (const LogEntry& entry : entries) apply(entry);
  }
  void apply(const LogEntry& entry) {
    std::vector<WriteJob> jobs(1);
    // Each under a key of its own.
    ReplicatedTransaction more;
    more.put(fmt::format("key-{:03}", entry.version.value()), entry.value);
    jobs[0].writes = {PutEntry{entry}, ApplyEntry{entry.position(), SharedBytes(more.encode())}};
    jobs[0].durability = Durability::durable;
    EXPECT_TRUE(engine->write(jobs).is_ok());
  }
  TaskResult run(const Task& task) {
    Result<TaskResult> result = engine->run(task);
    EXPECT_TRUE(result.has_value());
    return *std::move(result);
  }
  std::vector<ChunkRead> walk(size_t max_bytes) {
    std::vector<ChunkRead> chunks;
    do {
      chunks.push_back(std::get<ChunkRead>(run(ReadChunkTask{cookie, max_bytes, 1000})));
    } while (!chunks.back().is_last);
    return chunks;
  }
  MonitorStore current() { return MonitorStore(*home.open_current({})); }

  std::vector<LogEntry> entries;
  sim::MemoryHome home;
  std::optional<StoreEngine> engine;
};

TEST(SyncTest, sync_step_1_a_member_whose_next_version_is_trimmed_everywhere_syncs) {
  LaggingCluster lagging(1);
  const Version had = lagging.store_of(lagging.lagging).store->applied()->version;
  ASSERT_GT(lagging.cluster.monitor(lagging.leader).first(), had.next());
  EXPECT_TRUE(lagging.start_and_wait_for_sync());
}

TEST(SyncTest, sync_step_1_a_member_whose_next_version_is_in_a_log_does_not_sync) {
  sim::Cluster cluster(3, 1, LaggingCluster::options_with(400));
  cluster.start_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
  const std::string behind = cluster.leader() == "a" ? "b" : "a";
  cluster.kill(behind);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(cluster.put(cluster.leader(), "key", std::to_string(i)).is_ok());
  cluster.start(behind);
  EXPECT_FALSE(cluster.run_until([&] { return cluster.monitor(behind).is_syncing(); }, seconds(5)));
  EXPECT_TRUE(cluster.has_quorum(3));
}

TEST(SyncTest, sync_step_2_the_provider_is_asked_for_a_session_by_its_cookie_and_is_not_the_leader) {
  RequesterDriver driver;
  const Output out = driver.marker_durable();
  const auto starts = sent_to<SyncStart>(b, out);
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].cookie, cookie);
  EXPECT_EQ(starts[0].committed, Version(2));

  LaggingCluster lagging(2);
  ASSERT_TRUE(lagging.start_and_wait_for_sync());
  EXPECT_EQ(lagging.progress().provider, lagging.third);
}

TEST(SyncTest, sync_step_3_the_marker_is_durable_before_anything_is_sent) {
  RequesterDriver driver;
  EXPECT_EQ(describe(driver.begun.writes), std::vector<std::string>{"put local monitor_synchronizing"});
  EXPECT_TRUE(driver.begun.is_durable);
  EXPECT_TRUE(driver.begun.messages.empty());
  EXPECT_TRUE(driver.begun.messages_when_durable.empty());
  driver.receive(driver.chunk(1));
  EXPECT_TRUE(driver.tasks.empty()) << "nothing was asked for";
}

TEST(SyncTest, sync_step_3_a_marked_member_promises_accepts_grants_and_serves_nothing) {
  sim::SeededRandom random(1);
  const TimePoint now{std::chrono::hours(1)};
  MonitorStart start;
  start.identity = {a, "a", 2, FormationState::formed, monmap_of(3).encode(), pn(1, b)};
  start.address = "host-a:1000";
  start.monmap = monmap_of(3);
  start.log = log_with(history(2, pn(1, b)), 1);
  start.is_marked = true;
  Monitor monitor(std::move(start), random, now);
  EXPECT_EQ(monitor.state(), MemberState::syncing);
  const LogEntry next = history(2, pn(2, b))[1];
  for (const Message& message :
       {Message(Propose{pn(2, b), Version(9)}), Message(Collect{pn(2, b), genesis()}),
        Message(Begin{next, next.position()}), Message(Lease{pn(2, b), 1, genesis(), Version(1), {}}),
        Message(SyncStart{cookie, Version(0), 1, {}}), Message(HoldTrim{cookie, b, Version(1)}),
        Message(Fetch{Version(1), Version(1)})}) {
    const Output out = monitor.step(now, PeerMessage{{fsid, b, 1}, message});
    EXPECT_TRUE(out.messages.empty() && out.messages_when_durable.empty()) << message_name(message);
    EXPECT_TRUE(out.writes.empty() && !out.promise && out.tasks.empty()) << message_name(message);
  }
  ClientRequest read;
  read.timeout_ms = 1000;
  read.body = RangeRequest{"", "", 0, Consistency::serializable};
  const Output out = monitor.step(now, RequestReceived{7, read});
  ASSERT_EQ(out.answers.size(), 1U);
  EXPECT_EQ(out.answers[0].reply.status.code(), Code::unavailable);
}

TEST(SyncTest, sync_step_3_a_restart_finds_the_marker_and_goes_on_with_the_sync) {
  LaggingCluster lagging(3);
  ASSERT_TRUE(lagging.start_and_wait_for_sync());
  lagging.cluster.run_for(milliseconds(50));
  lagging.cluster.cut_power(lagging.lagging);
  ASSERT_TRUE(lagging.store_of(lagging.lagging).store->get_local(synchronizing_key)->has_value());
  lagging.cluster.start(lagging.lagging);
  EXPECT_EQ(lagging.cluster.monitor(lagging.lagging).state(), MemberState::syncing);
  EXPECT_TRUE(lagging.wait_for_quorum());
  EXPECT_FALSE(lagging.store_of(lagging.lagging).store->get_local(synchronizing_key)->has_value());
}

TEST(SyncTest, sync_step_4_the_old_store_stays_as_it_was_but_for_the_marker_until_the_copy_is_verified) {
  LaggingCluster lagging(4);
  const Position before = *lagging.store_of(lagging.lagging).store->applied();
  const Digest digest = *lagging.store_of(lagging.lagging).store->digest();
  ASSERT_TRUE(lagging.start_and_wait_for_sync());
  int looks = 0;
  while (lagging.cluster.monitor(lagging.lagging).is_syncing()) {
    const sim::Cluster::OpenedStore opened = lagging.store_of(lagging.lagging);
    const MonitorStore& store = *opened.store;
    if (*store.applied() == before) {
      EXPECT_EQ(*store.digest(), digest);
      ++looks;
    } else {
      EXPECT_FALSE(store.get_local(synchronizing_key)->has_value()) << "what is not the old store is whole";
    }
    lagging.cluster.run_for(milliseconds(1));
  }
  EXPECT_GT(looks, 10);
}

TEST(SyncTest, sync_step_5_the_leader_is_asked_to_hold_what_is_not_applied_yet_and_the_provider_holds_it_at_once) {
  ProviderDriver driver;
  const Output out = driver.start();
  const auto holds = sent_to<HoldTrim>(c, out);
  ASSERT_EQ(holds.size(), 1U);
  EXPECT_EQ(holds[0].version, Version(11));
  EXPECT_EQ(holds[0].requester, b);
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(11));
  EXPECT_TRUE(sent_to<SyncAbort>(b, driver.hold_granted(Version(12), cookie + 1)).empty()) << "an earlier session's";
  EXPECT_TRUE(sent_to<SyncAbort>(b, driver.hold_granted(Version(11))).empty());
  EXPECT_EQ(driver.provider.session_count(), 1U);
}

TEST(SyncTest, sync_step_5_a_leader_that_has_trimmed_further_ends_the_session_with_a_clear_error) {
  ProviderDriver driver;
  driver.start();
  const Output out = driver.hold_granted(Version(12));
  const auto aborts = sent_to<SyncAbort>(b, out);
  ASSERT_EQ(aborts.size(), 1U);
  EXPECT_NE(aborts[0].reason.message().find("version 12"), std::string::npos) << aborts[0].reason.message();
  EXPECT_EQ(driver.provider.session_count(), 0U);
}

TEST(SyncTest, sync_step_5_without_a_leader_the_provider_goes_on_with_a_hold_of_its_own_and_registers_it_later) {
  ProviderDriver driver;
  driver.view.leader = MemberId();
  driver.start();
  EXPECT_EQ(driver.count<OpenSnapshotTask>(), 1U) << "a sync never waits for a quorum";
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(11));
  driver.view.leader = c;
  driver.now += driver.options.hold_renewal;
  EXPECT_EQ(sent_to<HoldTrim>(c, driver.tick()).size(), 1U);
}

TEST(SyncTest, sync_step_5_nobody_trims_past_the_hold_while_the_sync_runs) {
  LaggingCluster lagging(5, 300);
  ASSERT_TRUE(lagging.start_and_wait_for_sync());
  ASSERT_TRUE(lagging.cluster.run_until([&] { return lagging.progress().version != Version(); }));
  const Version snapshot = lagging.progress().version;
  int during = 0;
  for (int i = 0; lagging.cluster.monitor(lagging.lagging).is_syncing(); ++i) {
    lagging.put(1000 + i, 1);
    if (!lagging.cluster.monitor(lagging.lagging).is_syncing()) break;
    for (const std::string& name : {lagging.leader, lagging.third}) {
      EXPECT_LE(lagging.cluster.monitor(name).first(), snapshot.next()) << name;
    }
    ++during;
  }
  EXPECT_GT(during, 30) << "so that trims were due";
}

TEST(SyncTest, sync_step_6_the_snapshot_is_of_one_moment_while_the_log_goes_on) {
  Store store(5);
  const Digest then = *store.current().digest();
  const auto opened = std::get<SnapshotOpened>(store.run(OpenSnapshotTask{cookie, {}}));
  EXPECT_EQ(opened.position, store.entries[4].position());
  for (const LogEntry& entry : history(8, pn(1, c))) {
    if (entry.version > Version(5)) store.apply(entry);
  }
  EXPECT_EQ(store.walk(30).back().digest, then);
}

TEST(SyncTest, sync_step_7_the_session_expires_when_the_requester_is_silent_and_each_message_resets_the_timer) {
  ProviderDriver driver;
  driver.open();
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
    driver.result(a_chunk());
    driver.now += driver.options.sync_timeout - milliseconds(1);
    driver.tick();
    driver.receive(b, SyncAck{cookie, sequence});
  }
  EXPECT_EQ(driver.provider.session_count(), 1U);
  driver.now += driver.options.sync_timeout;
  const Output out = driver.tick();
  EXPECT_EQ(driver.provider.session_count(), 0U);
  EXPECT_EQ(sent_to<SyncAbort>(b, out).size(), 1U);
  EXPECT_EQ(driver.count<CloseSnapshotTask>(), 1U) << "the snapshot is dropped";
}

TEST(SyncTest, sync_step_8_the_walk_packs_the_snapshot_into_transactions_of_puts) {
  Store store(20);
  store.run(OpenSnapshotTask{cookie, {}});
  const std::vector<ChunkRead> chunks = store.walk(60);
  EXPECT_GT(chunks.size(), 10U);
  MonitorStore copy(make_memory_db());
  for (const ChunkRead& chunk : chunks) {
    const auto transaction = ReplicatedTransaction::decode(chunk.transaction);
    ASSERT_TRUE(transaction.has_value());
    EXPECT_EQ(transaction->ops().size(), chunk.keys);
    for (const Op& op : transaction->ops()) EXPECT_EQ(op.type, OpType::put);
    ASSERT_TRUE(copy.commit_chunk(*transaction, Durability::durable).is_ok());
  }
  EXPECT_EQ(*copy.digest(), *store.current().digest());
}

TEST(SyncTest, sync_step_9_as_many_chunks_are_under_way_as_the_window_has_room_for) {
  ProviderDriver driver;
  driver.window = 2;
  driver.open();
  const auto chunks = sent_to<SyncChunk>(b, driver.result(a_chunk(77)));
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].cookie, cookie);
  EXPECT_EQ(chunks[0].sequence, 1U);
  EXPECT_EQ(chunks[0].checksum, 77U);
  EXPECT_EQ(driver.count<ReadChunkTask>(), 2U);
  driver.result(a_chunk(78));
  driver.tick();
  EXPECT_EQ(driver.count<ReadChunkTask>(), 2U) << "two are not acknowledged";
  driver.receive(b, SyncAck{cookie, 3});  // not sent yet
  driver.receive(c, SyncAck{cookie, 1});  // not the requester
  EXPECT_EQ(driver.count<ReadChunkTask>(), 2U);
  driver.receive(b, SyncAck{cookie, 2});
  EXPECT_EQ(driver.count<ReadChunkTask>(), 3U) << "both are";
  driver.receive(b, SyncAck{cookie, 2});
  driver.receive(b, SyncAck{cookie, 1});
  EXPECT_EQ(driver.count<ReadChunkTask>(), 3U) << "acknowledgements that came twice, or late";
}

TEST(SyncTest, sync_step_9_chunks_are_acknowledged_when_they_and_the_cursor_are_durable) {
  RequesterDriver driver;
  driver.marker_durable();
  EXPECT_TRUE(driver.receive(driver.chunk(1)).messages.empty());
  EXPECT_TRUE(driver.receive(driver.chunk(2)).messages.empty());
  EXPECT_EQ(driver.count<CreateStoreTask>(), 1U);
  EXPECT_TRUE(driver.result(StoreCreated{}).messages.empty());
  const auto acks = sent_to<SyncAck>(b, driver.result(ChunkWritten{}));
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_EQ(acks[0].sequence, 1U);
  EXPECT_EQ(sent_to<SyncAck>(b, driver.result(ChunkWritten{})).at(0).sequence, 2U);

  Store store(1);
  store.run(CreateStoreTask{});
  const uint64_t before = store.home.durable_commits();
  store.run(WriteChunkTask{value("x"), "record"});
  EXPECT_EQ(store.home.durable_commits(), before + 1) << "data and cursor in one durable batch";
  const WriteChunkTask one{value("y"), "one"}, other{value("z"), "other"};
  EXPECT_EQ(store.engine->write_chunks({&one, &other})->size(), 2U);
  EXPECT_EQ(store.home.durable_commits(), before + 2) << "one sync for what waited";
}

TEST(SyncTest, sync_step_10_the_last_chunk_is_flagged_and_carries_version_and_digest_of_the_snapshot) {
  ProviderDriver driver;
  driver.open();
  const auto first = sent_to<SyncChunk>(b, driver.result(a_chunk(1)));
  EXPECT_FALSE(first.at(0).is_last);
  EXPECT_EQ(first.at(0).digest, Digest());
  driver.receive(b, SyncAck{cookie, 1});
  const auto last = sent_to<SyncChunk>(b, driver.result(last_chunk()));
  EXPECT_TRUE(last.at(0).is_last);
  EXPECT_EQ(last.at(0).digest, Digest{{9}});
  EXPECT_EQ(last.at(0).cursor.highest.version, Version(12));
}

TEST(SyncTest, sync_step_11_the_last_chunk_is_acknowledged_after_digest_and_version_were_verified) {
  RequesterDriver driver;
  driver.marker_durable();
  driver.receive(driver.chunk(1, true));
  driver.result(StoreCreated{});
  EXPECT_TRUE(driver.result(ChunkWritten{}).messages.empty()) << "it is on disk, and not verified";
  EXPECT_EQ(driver.count<VerifyTask>(), 1U);
  EXPECT_EQ(driver.count<SwitchTask>(), 0U);
  EXPECT_EQ(sent_to<SyncAck>(b, driver.result(Verified{driver.snapshot, driver.digest})).size(), 1U);
  EXPECT_EQ(driver.count<SwitchTask>(), 1U);
}

TEST(SyncTest, sync_step_12_the_switch_carries_the_accepted_entries_above_the_delivered_version) {
  const std::vector<LogEntry> entries = history(6, pn(1, c));
  RequesterDriver driver(entries);  // committed 2, accepted 3..6; the snapshot is at 4
  driver.copy_all();
  driver.result(Verified{driver.snapshot, driver.digest});
  const auto& change = std::get<SwitchTask>(driver.tasks.back());
  EXPECT_EQ(change.accepted, (std::vector<LogEntry>{entries[4], entries[5]})) << "with the pns they had";
  driver.result(Switched{{driver.snapshot, Version(5), Version(), {}, {}}, {}});
  EXPECT_EQ(driver.outcome, SyncRequester::Outcome::switched);
}

TEST(SyncTest, sync_step_11_a_copy_that_is_behind_what_the_member_has_committed_does_not_replace_its_store) {
  RequesterDriver driver;
  driver.snapshot = history(1, pn(1, c))[0].position();
  driver.copy_all();
  driver.result(Verified{driver.snapshot, driver.digest});
  EXPECT_EQ(driver.outcome, SyncRequester::Outcome::failed);
  EXPECT_EQ(driver.count<SwitchTask>(), 0U);
}

TEST(SyncTest, sync_step_12_accepted_entries_that_do_not_chain_on_what_was_delivered_are_dropped) {
  RequesterDriver driver(history(6, pn(1, c), "rival"));
  driver.copy_all();
  driver.result(Verified{driver.snapshot, driver.digest});
  EXPECT_TRUE(std::get<SwitchTask>(driver.tasks.back()).accepted.empty());
}

TEST(SyncTest, sync_step_12_pointer_marker_and_store_change_together) {
  Store from(9);
  from.run(OpenSnapshotTask{cookie, {}});
  Store to(2);
  std::vector<WriteJob> mark(1);
  mark[0].writes = {PutLocal{Bytes(synchronizing_key), SharedBytes(Bytes("x"))}};
  ASSERT_TRUE(to.engine->write(mark).is_ok());
  to.run(CreateStoreTask{});
  for (const ChunkRead& chunk : from.walk(60)) to.run(WriteChunkTask{chunk.transaction, "record"});
  EXPECT_EQ(std::get<Verified>(to.run(VerifyTask{})).digest, *from.current().digest());
  EXPECT_EQ(*to.current().applied(), to.entries[1].position()) << "still the old one";
  EXPECT_TRUE(to.current().get_local(synchronizing_key)->has_value());

  const LogEntry above = history(10, pn(1, c))[9];
  const auto switched = std::get<Switched>(to.run(SwitchTask{{above}}));
  EXPECT_EQ(switched.log.applied, from.entries[8].position());
  EXPECT_EQ(switched.log.accepted, std::vector<LogEntry>{above});
  EXPECT_FALSE(to.current().get_local(synchronizing_key)->has_value());
  EXPECT_FALSE(to.current().get_local("sync_cursor")->has_value());
  EXPECT_EQ(Monmap::decode(switched.monmap)->members.size(), 3U);
  sim::SeededRandom random(1);
  to.home.cut_power(random);
  EXPECT_EQ(to.current().load_log()->accepted, std::vector<LogEntry>{above}) << "all of it was durable";
}

TEST(SyncTest, sync_step_13_the_hold_ends_when_the_requester_is_in_quorum) {
  LaggingCluster lagging(6, 300);
  ASSERT_TRUE(lagging.start_and_wait_for_sync());
  const TimePoint started = lagging.cluster.scheduler().now();
  ASSERT_TRUE(lagging.cluster.run_until([&] { return lagging.progress().version != Version(); }));
  const Version held = lagging.progress().version.next();
  lagging.put(1000, 60);
  ASSERT_TRUE(lagging.wait_for_quorum());
  lagging.cluster.run_for(milliseconds(200));
  lagging.put(2000, 10);
  EXPECT_GT(lagging.cluster.monitor(lagging.leader).first().value(), held.value() + 20);
  EXPECT_LT(lagging.cluster.scheduler().now() - started, seconds(20)) << "well before its grace is over";
}

TEST(SyncTest, sync_step_14_the_versions_decided_meanwhile_come_by_paxos_and_the_member_is_in_quorum) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    LaggingCluster lagging(seed, 200);
    ASSERT_TRUE(lagging.start_and_wait_for_sync());
    lagging.put(1000, 25);
    ASSERT_TRUE(lagging.wait_for_quorum()) << "seed " << seed;
    EXPECT_FALSE(lagging.cluster.monitor(lagging.lagging).is_syncing());
    EXPECT_TRUE(lagging.cluster.get(lagging.lagging, "key-1024").has_value()) << "seed " << seed;
    EXPECT_EQ(lagging.cluster.leader(), lagging.leader) << "without an election";
    EXPECT_EQ(lagging.cluster.differences(), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace synod::test
