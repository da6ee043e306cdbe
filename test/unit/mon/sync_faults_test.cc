// What can go wrong with a sync, at either end and between them, and what it must not touch.
#include <gtest/gtest.h>

#include "mon/core/peers.h"
#include "test/unit/mon/sync_drivers.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Outcome = SyncRequester::Outcome;

// ---------------------------------------------------------------------------------------------- requester

TEST(SyncRequesterTest, a_chunk_with_a_wrong_checksum_ends_the_sync_and_is_not_written) {
  RequesterDriver driver;
  driver.marker_durable();
  SyncChunk chunk = driver.chunk(1);
  chunk.checksum ^= 1;
  driver.receive(chunk);
  EXPECT_TRUE(driver.tasks.empty());
  const Output out = driver.tick();
  EXPECT_EQ(driver.outcome, Outcome::failed);
  EXPECT_NE(driver.requester->failure().find("checksum"), std::string::npos);
  EXPECT_EQ(sent_to<SyncAbort>(b, out).size(), 1U);
}

TEST(SyncRequesterTest, a_wrong_digest_ends_the_sync_without_an_acknowledgement_or_a_switch) {
  RequesterDriver driver;
  driver.copy_all();
  const Output out = driver.result(Verified{driver.snapshot, Digest{{7}}});
  EXPECT_EQ(driver.outcome, Outcome::failed);
  EXPECT_TRUE(sent_to<SyncAck>(b, out).empty());
  EXPECT_EQ(driver.count<SwitchTask>(), 0U);
}

TEST(SyncRequesterTest, a_right_digest_at_another_position_ends_the_sync) {
  RequesterDriver driver;
  driver.copy_all();
  driver.result(Verified{genesis(), driver.digest});
  EXPECT_EQ(driver.outcome, Outcome::failed);
  EXPECT_EQ(driver.count<SwitchTask>(), 0U);
}

TEST(SyncRequesterTest, its_progress_has_rate_and_remaining_time_of_this_session) {
  RequesterDriver driver;
  driver.marker_durable();
  EXPECT_EQ(driver.requester->progress().remaining_ms, 0U);
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
    SyncChunk chunk = driver.chunk(sequence);
    chunk.per_mille = static_cast<uint32_t>(sequence * 200);
    driver.receive(chunk);
    driver.now += seconds(2);
  }
  const SyncProgress progress = driver.requester->progress();
  EXPECT_EQ(progress.cookie, cookie);
  EXPECT_EQ(progress.per_mille, 600U);
  EXPECT_EQ(progress.bytes_per_second, 5U) << "two chunks of 10 bytes in four seconds";
  EXPECT_EQ(progress.remaining_ms, 4000U);
}

TEST(SyncRequesterTest, a_share_that_is_not_known_gives_no_remaining_time) {
  RequesterDriver driver;
  driver.marker_durable();
  driver.receive(driver.chunk(1));
  driver.now += seconds(2);
  driver.receive(driver.chunk(2));
  EXPECT_EQ(driver.requester->progress().bytes_per_second, 5U);
  EXPECT_EQ(driver.requester->progress().remaining_ms, 0U);
}

TEST(SyncRequesterTest, a_chunk_that_the_store_cannot_decode_ends_the_sync) {
  RequesterDriver driver;
  driver.marker_durable();
  driver.receive(driver.chunk(1));
  driver.result(Status(Code::corruption, "a chunk does not decode"));
  EXPECT_EQ(driver.outcome, Outcome::failed);
}

TEST(SyncRequesterTest, a_provider_that_has_lost_the_session_ends_the_sync) {
  RequesterDriver driver;
  driver.marker_durable();
  driver.receive(SyncAbort{cookie, Status(Code::not_found, "unknown")});
  driver.tick();
  EXPECT_EQ(driver.outcome, Outcome::failed);
}

TEST(SyncRequesterTest, messages_of_another_session_of_another_member_and_out_of_order_are_ignored) {
  RequesterDriver driver;
  driver.marker_durable();
  SyncChunk other = driver.chunk(1);
  other.cookie = cookie + 1;
  driver.receive(other);
  driver.receive(driver.chunk(1), c);
  driver.receive(driver.chunk(2));
  driver.receive(SyncAbort{cookie + 1, Status(Code::not_found, "unknown")});
  driver.receive(SyncAbort{cookie, Status(Code::not_found, "unknown")}, c);
  EXPECT_TRUE(driver.tasks.empty());
  driver.tick();
  EXPECT_EQ(driver.outcome, Outcome::running);
  driver.receive(driver.chunk(1));
  driver.receive(driver.chunk(1));
  EXPECT_EQ(driver.count<WriteChunkTask>(), 1U) << "a chunk that comes twice is written once";
}

TEST(SyncRequesterTest, a_silent_provider_is_given_up_but_no_timer_runs_while_this_end_works) {
  RequesterDriver driver;
  driver.marker_durable();
  driver.receive(driver.chunk(1));
  driver.now += 10 * driver.options.sync_timeout;
  driver.tick();
  EXPECT_EQ(driver.outcome, Outcome::running) << "its own disk is at work";
  driver.result(StoreCreated{});
  driver.result(ChunkWritten{});
  driver.now += driver.options.sync_timeout - milliseconds(1);
  driver.tick();
  EXPECT_EQ(driver.outcome, Outcome::running);
  driver.now += milliseconds(1);
  driver.tick();
  EXPECT_EQ(driver.outcome, Outcome::failed);
}

TEST(SyncRequesterTest, a_lost_connection_ends_the_sync_unless_everything_is_here) {
  RequesterDriver early;
  early.marker_durable();
  Output out;
  EXPECT_EQ(early.requester->on_provider_lost(out), Outcome::failed);
  RequesterDriver late;
  late.copy_all();
  EXPECT_EQ(late.requester->on_provider_lost(out), Outcome::running);
}

// ---------------------------------------------------------------------------------------------- provider

TEST(SyncProviderTest, an_acknowledgement_for_an_unknown_session_is_answered_by_an_abort) {
  ProviderDriver driver;
  const auto aborts = sent_to<SyncAbort>(b, driver.receive(b, SyncAck{cookie, 1}));
  ASSERT_EQ(aborts.size(), 1U);
  EXPECT_EQ(aborts[0].cookie, cookie);
}

TEST(SyncProviderTest, one_requester_has_one_session_and_a_new_one_ends_the_old) {
  ProviderDriver driver;
  driver.open();
  driver.start(b, cookie + 1);
  EXPECT_EQ(driver.provider.session_count(), 1U);
  EXPECT_EQ(driver.count<CloseSnapshotTask>(), 1U);
  EXPECT_TRUE(sent_to<SyncAbort>(b, driver.receive(b, SyncAck{cookie + 1, 9})).empty()) << "the new one lives";
}

TEST(SyncProviderTest, sessions_beyond_the_cap_are_refused) {
  CoreOptions options;
  options.sync_sessions_max = 2;
  ProviderDriver driver(options);
  driver.start(b, 1);
  driver.start(c, 2);
  const auto aborts = sent_to<SyncAbort>(d, driver.start(d, 3));
  ASSERT_EQ(aborts.size(), 1U);
  EXPECT_EQ(aborts[0].reason.code(), Code::exhausted);
  EXPECT_EQ(driver.provider.session_count(), 2U);
}

TEST(SyncProviderTest, a_cookie_that_is_in_use_by_another_requester_is_refused) {
  ProviderDriver driver;
  driver.start(b, 1);
  EXPECT_EQ(sent_to<SyncAbort>(c, driver.start(c, 1)).size(), 1U);
  EXPECT_EQ(driver.provider.session_count(), 1U);
}

TEST(SyncProviderTest, a_leader_that_logs_nothing_is_asked_again_and_does_not_keep_the_sync_waiting) {
  ProviderDriver driver;
  EXPECT_EQ(sent_to<HoldTrim>(c, driver.start()).size(), 1U);
  EXPECT_EQ(driver.count<OpenSnapshotTask>(), 1U);
  EXPECT_EQ(driver.count<ReadChunkTask>(), 1U);
  driver.now += driver.options.hold_renewal - milliseconds(1);
  EXPECT_TRUE(sent_to<HoldTrim>(c, driver.tick()).empty());
  driver.now += milliseconds(1);
  EXPECT_EQ(sent_to<HoldTrim>(c, driver.tick()).size(), 1U);
}

TEST(SyncProviderTest, a_new_leader_is_asked_for_the_hold_at_once) {
  ProviderDriver driver;
  driver.open();
  EXPECT_TRUE(sent_to<HoldTrim>(c, driver.tick()).empty());
  driver.view.leader = d;
  EXPECT_EQ(sent_to<HoldTrim>(d, driver.tick()).size(), 1U);
}

TEST(SyncProviderTest, when_the_hold_ends_at_its_bound_it_keeps_nothing_itself_and_the_copy_goes_on) {
  ProviderDriver driver;
  driver.open();
  driver.hold({b, cookie, TrimHold::State::ended, Version(11), 1 << 30, 5000});
  driver.now += driver.options.hold_renewal;
  EXPECT_TRUE(sent_to<HoldTrim>(c, driver.tick()).empty());
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(50));
  EXPECT_EQ(sent_to<SyncChunk>(b, driver.result(a_chunk())).size(), 1U);
}

TEST(SyncProviderTest, a_copy_whose_hold_has_ended_at_its_bound_is_refused_with_the_reason) {
  ProviderDriver driver;
  driver.start();
  const auto aborts =
      sent_to<SyncAbort>(b, driver.hold({b, cookie, TrimHold::State::ended, Version(4), 1 << 30, 5000}));
  ASSERT_EQ(aborts.size(), 1U);
  EXPECT_EQ(aborts[0].reason.code(), Code::refused);
  EXPECT_NE(aborts[0].reason.message().find("come to its bound at 1073741824 bytes"), std::string::npos);
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(50));
}

TEST(SyncProviderTest, only_the_requester_can_abort_its_session) {
  ProviderDriver driver;
  driver.open();
  driver.receive(c, SyncAbort{cookie, Status(Code::unavailable, "x")});
  EXPECT_EQ(driver.provider.session_count(), 1U);
  driver.receive(b, SyncAbort{cookie, Status(Code::unavailable, "x")});
  EXPECT_EQ(driver.provider.session_count(), 0U);
  EXPECT_EQ(driver.count<CloseSnapshotTask>(), 1U);
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(11)) << "it may come again, and go on with its copy";
}

TEST(SyncProviderTest, it_holds_its_own_log_during_the_session_and_for_a_grace_after_the_end) {
  ProviderDriver driver;
  driver.open();
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(11));
  driver.result(last_chunk());
  driver.receive(b, SyncAck{cookie, 1});
  EXPECT_EQ(driver.provider.session_count(), 0U);
  EXPECT_EQ(driver.count<CloseSnapshotTask>(), 1U);
  driver.now += driver.options.sync_timeout - milliseconds(1);
  driver.tick();
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(11));
  driver.now += milliseconds(1);
  driver.tick();
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(50));
}

TEST(SyncProviderTest, a_logged_hold_that_is_over_too_early_leaves_its_own) {
  ProviderDriver driver;
  driver.open();
  driver.hold({b, cookie, TrimHold::State::released, Version(11), 0, 0});
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(11));
  driver.provider.check_invariants(a);
}

TEST(SyncProviderTest, after_the_session_its_own_hold_is_over_when_the_logged_one_is) {
  ProviderDriver driver;
  driver.open();
  driver.result(last_chunk());
  driver.receive(b, SyncAck{cookie, 1});
  driver.hold({b, cookie, TrimHold::State::released, Version(11), 0, 0});
  EXPECT_EQ(driver.provider.trim_limit(Version(50)), Version(50));
}

TEST(SyncProviderTest, a_provider_that_has_to_sync_itself_tells_its_requesters) {
  ProviderDriver driver;
  driver.open();
  const Output out = driver.step([&](Output& o) {
    driver.provider.end_all(Status(Code::unavailable, "the provider has to sync itself"), o, driver.run());
  });
  EXPECT_EQ(sent_to<SyncAbort>(b, out).size(), 1U);
  EXPECT_EQ(driver.count<CloseSnapshotTask>(), 1U);
}

TEST(SyncProviderTest, results_that_come_after_the_end_of_their_session_send_nothing) {
  ProviderDriver driver;
  driver.open();
  driver.receive(b, SyncAbort{cookie, Status(Code::unavailable, "x")});
  EXPECT_TRUE(driver.result(a_chunk()).messages.empty());
}

// ---------------------------------------------------------------------------------------------- holds

TEST(OwnHoldsTest, the_lowest_hold_limits_the_trim_and_a_release_ends_it) {
  OwnHolds holds;
  const TimePoint now{seconds(1)};
  EXPECT_EQ(holds.limit(Version(9)), Version(9));
  holds.hold(1, Version(7), now + seconds(30));
  holds.hold(2, Version(5), now + seconds(30));
  EXPECT_EQ(holds.limit(Version(9)), Version(5));
  EXPECT_EQ(holds.limit(Version(3)), Version(3)) << "a hold never moves the floor up";
  holds.release(2);
  EXPECT_EQ(holds.limit(Version(9)), Version(7));
}

TEST(OwnHoldsTest, a_renewal_moves_the_end_but_not_the_version_and_without_one_the_hold_lapses) {
  OwnHolds holds;
  const TimePoint now{seconds(1)};
  holds.hold(1, Version(5), now + seconds(30));
  holds.hold(1, Version(8), now + seconds(60));
  holds.expire(now + seconds(59));
  EXPECT_EQ(holds.limit(Version(9)), Version(5));
  holds.expire(now + seconds(60));
  EXPECT_EQ(holds.limit(Version(9)), Version(9));
}

// ---------------------------------------------------------------------------------------------- choice of provider

Peer peer(MemberId id, MemberState state, uint64_t committed) {
  Peer made;
  made.id = id;
  made.probe.state = state;
  made.probe.committed.version = Version(committed);
  return made;
}

TEST(SyncProviderChoice, a_peon_is_asked_before_the_leader_and_the_leader_if_it_alone_will_do) {
  const Peer leader = peer(a, MemberState::leader, 90);
  const Peer peon = peer(b, MemberState::peon, 80);
  EXPECT_EQ(best_provider({&leader, &peon}, Version(10), {}), &peon);
  EXPECT_EQ(best_provider({&leader}, Version(10), {}), &leader);
}

TEST(SyncProviderChoice, one_that_is_syncing_or_outside_or_behind_is_never_asked) {
  const Peer syncing = peer(a, MemberState::syncing, 90);
  const Peer outsider = peer(b, MemberState::outsider, 90);
  const Peer behind = peer(c, MemberState::peon, 10);
  EXPECT_EQ(best_provider({&syncing, &outsider, &behind}, Version(10), {}), nullptr);
}

TEST(SyncProviderChoice, the_one_that_failed_last_is_asked_last_and_the_furthest_first) {
  const Peer one = peer(a, MemberState::peon, 90);
  const Peer two = peer(b, MemberState::peon, 80);
  const Peer leader = peer(c, MemberState::leader, 95);
  EXPECT_EQ(best_provider({&one, &two, &leader}, Version(10), {}), &one);
  EXPECT_EQ(best_provider({&one, &two, &leader}, Version(10), a), &two);
  EXPECT_EQ(best_provider({&one, &leader}, Version(10), a), &leader);
}

// ---------------------------------------------------------------------------------------------- in a cluster

TEST(SyncFaults, a_requester_that_falls_silent_leaves_no_session_behind_and_can_sync_again) {
  LaggingCluster lagging(1, 300);
  ASSERT_TRUE(lagging.start_and_wait_for_sync());
  lagging.cluster.run_for(milliseconds(30));
  lagging.cluster.kill(lagging.lagging);
  lagging.cluster.run_for(seconds(70));  // sessions and holds have lapsed
  lagging.put(1000, 40);
  const Version first = lagging.cluster.monitor(lagging.third).first();
  EXPECT_GT(first.value(), 300U) << "nothing is held for it any more";
  lagging.cluster.start(lagging.lagging);
  EXPECT_TRUE(lagging.wait_for_quorum());
  EXPECT_EQ(lagging.cluster.differences(), "");
}

TEST(SyncFaults, the_provider_dies_and_another_member_provides) {
  LaggingCluster lagging(2, 300);
  ASSERT_TRUE(lagging.start_and_wait_for_sync());
  ASSERT_EQ(lagging.progress().provider, lagging.third);
  lagging.cluster.cut_power(lagging.third);
  lagging.cluster.run_for(seconds(2));  // what the dead one had granted has ended
  ASSERT_TRUE(lagging.cluster.run_until(
      [&] { return !lagging.cluster.monitor(lagging.lagging).is_syncing() && lagging.cluster.has_quorum(2); },
      seconds(60)));
  EXPECT_TRUE(lagging.cluster.get(lagging.lagging, "key-0299").has_value());
}

// The promise is in the identity, and a sync has no part in that: before, during and after.
TEST(SyncFaults, a_sync_leaves_the_promise_as_it_was_or_higher) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    LaggingCluster lagging(seed);
    auto promised = [&] { return lagging.cluster.read_identity(lagging.lagging).promised; };
    const MemberId id = lagging.cluster.read_identity(lagging.lagging).id;
    ProposalNumber highest = promised();
    ASSERT_TRUE(lagging.start_and_wait_for_sync());
    while (lagging.cluster.monitor(lagging.lagging).is_syncing()) {
      EXPECT_EQ(promised(), highest) << "seed " << seed;
      lagging.cluster.run_for(milliseconds(5));
    }
    EXPECT_GE(promised(), highest);
    EXPECT_EQ(lagging.cluster.monitor(lagging.lagging).id(), id);
  }
}

// An entry that this member accepted, and that was chosen with its acceptance, is above what the provider had applied:
// if the sync cleared it, the value could be lost with the next failure.
TEST(SyncFaults, accepted_entries_above_the_delivered_version_survive_the_switch_in_the_store) {
  const std::vector<LogEntry> entries = history(6, pn(4, c));
  RequesterDriver driver(entries);
  driver.copy_all();
  driver.result(Verified{driver.snapshot, driver.digest});
  StoreWrites writes;
  const auto& change = std::get<SwitchTask>(driver.tasks.back());
  for (const LogEntry& entry : change.accepted) writes.push_back(PutEntry{entry});
  EXPECT_EQ(describe(writes), (std::vector<std::string>{"put 5 under 4.c", "put 6 under 4.c"}));
}

}  // namespace
}  // namespace synod::test
