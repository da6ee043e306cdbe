// The parts of a scrub, each driven by hand: a member's walk, and the leader's round.
#include <gtest/gtest.h>

#include "mon/core/scrub/scrub_round.h"
#include "test/unit/mon/scrub_builders.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// ---------------------------------------------------------------------------------------------- walk

struct WalkDriver {
  explicit WalkDriver(uint64_t rate = 0) {
    options.scrub_rate = rate;
    options.scrub_piece_bytes = 1000;
    walk.emplace(options);
    walk->begin(now, a, at(3), 7);
  }
  ScrubRead piece(bool is_last = false, uint64_t bytes = 1000) const {
    return {Version(3), {}, 10, bytes, is_last, is_last ? digest_of(9) : Digest()};
  }
  std::vector<std::pair<MemberId, ScrubReport>> tick(Duration after, MemberId leader = b) {
    now += after;
    Output out;
    walk->tick(now, leader, out, tasks.run());
    return sent<ScrubReport>(out);
  }
  void read(const ScrubRead& what) { walk->on_read(now, what, tasks.run()); }
  // Up to where it waits for the verdict.
  void finish() {
    walk->on_visible(now, 7, tasks.run());
    read(piece(true));
    walk->on_kept({Version(3)});
  }

  CoreOptions options;
  TimePoint now{std::chrono::hours(1)};
  std::optional<ScrubWalk> walk;
  Tasks tasks;
};

TEST(ScrubWalk, begins_to_read_when_the_store_shows_the_version) {
  WalkDriver driver;
  driver.walk->on_visible(driver.now, 6, driver.tasks.run());
  EXPECT_EQ(driver.tasks.count<ReadScrubTask>(), 0U);
  driver.walk->on_visible(driver.now, 7, driver.tasks.run());
  ASSERT_EQ(driver.tasks.count<ReadScrubTask>(), 1U);
  EXPECT_EQ(std::get<ReadScrubTask>(driver.tasks.all[0]).version, Version(3));
  EXPECT_EQ(std::get<ReadScrubTask>(driver.tasks.all[0]).max_bytes, 1000U);
  driver.tick(seconds(1));
  EXPECT_EQ(driver.tasks.count<ReadScrubTask>(), 1U) << "one piece at a time";
  driver.read(driver.piece());
  EXPECT_EQ(driver.tasks.count<ReadScrubTask>(), 2U);
}

TEST(ScrubWalk, reads_no_faster_than_it_may) {
  WalkDriver driver(10'000);  // a piece in 100 ms
  driver.walk->on_visible(driver.now, 7, driver.tasks.run());
  size_t pieces = 0;
  for (int i = 0; i < 500; ++i) {  // ten seconds
    if (driver.tasks.count<ReadScrubTask>() > pieces) {
      ++pieces;
      driver.read(driver.piece());
    }
    driver.tick(milliseconds(20));
  }
  EXPECT_GE(pieces, 98U);
  EXPECT_LE(pieces, 103U);
}

// As a sync does (sync/throttle.h).
TEST(ScrubWalk, gives_way_to_clients_whose_commits_get_slower) {
  WalkDriver driver;
  driver.options.scrub_piece_bytes = 1 << 20;
  driver.walk.emplace(driver.options);
  const auto run_for = [&](int seconds_long, Duration commit) {
    uint64_t bytes = 0;
    for (int i = 0; i < seconds_long * 50; ++i) {
      driver.walk->on_own_commit(commit);
      driver.tick(milliseconds(20));
      if (driver.tasks.all.empty() || !std::holds_alternative<ReadScrubTask>(driver.tasks.all.back())) continue;
      const uint64_t piece = std::get<ReadScrubTask>(driver.tasks.all.back()).max_bytes;
      driver.tasks.all.clear();
      bytes += piece;
      driver.read(driver.piece(false, piece));
    }
    return bytes;
  };
  EXPECT_EQ(run_for(5, milliseconds(2)), 0U) << "nothing is read yet, and it learns what is usual";
  driver.walk->begin(driver.now, a, at(3), 7);
  driver.walk->on_visible(driver.now, 7, driver.tasks.run());
  const uint64_t undisturbed = run_for(20, milliseconds(2));
  const uint64_t disturbed = run_for(20, milliseconds(20));
  EXPECT_GT(undisturbed, 2 * disturbed);
  EXPECT_GT(disturbed, 1U << 20) << "it gets on still";
  EXPECT_GT(run_for(20, milliseconds(2)), 2 * disturbed);
}

TEST(ScrubWalk, says_that_it_is_at_it_and_then_what_it_has_found_until_it_is_heard) {
  WalkDriver driver;
  EXPECT_EQ(driver.tick(seconds(0)).size(), 1U) << "also before the store shows it";
  EXPECT_EQ(driver.tick(seconds(1)).size(), 0U);
  driver.walk->on_visible(driver.now, 7, driver.tasks.run());
  driver.read(driver.piece());
  const auto at_it = driver.tick(seconds(5));
  ASSERT_EQ(at_it.size(), 1U);
  EXPECT_EQ(at_it[0].first, b);
  EXPECT_EQ(at_it[0].second.point, at(3));
  EXPECT_EQ(at_it[0].second.check, (ScrubCheck{a, ScrubState::walking, 10, 1000, {}, {}}));
  driver.read(driver.piece(true));
  EXPECT_EQ(driver.tasks.count<KeepSegmentsTask>(), 1U);
  EXPECT_FALSE(driver.walk->is_waiting()) << "the segments are kept first";
  driver.walk->on_kept({Version(3)});
  EXPECT_TRUE(driver.walk->is_waiting());
  const auto done = driver.tick(milliseconds(20));
  ASSERT_EQ(done.size(), 1U) << "at once";
  EXPECT_EQ(done[0].second.check, (ScrubCheck{a, ScrubState::done, 20, 2000, digest_of(9), {}}));
  EXPECT_TRUE(driver.tick(seconds(1), MemberId()).empty()) << "nobody leads";
  EXPECT_EQ(driver.tick(milliseconds(20), c).size(), 1U) << "another leader is told at once";
  EXPECT_EQ(driver.tick(seconds(5), c).size(), 1U) << "and again, since it may not have heard";
  driver.walk->close(driver.tasks.run());
  EXPECT_TRUE(driver.tick(seconds(50), c).empty());
  EXPECT_EQ(driver.tasks.count<CloseScrubTask>(), 1U);
}

TEST(ScrubWalk, a_store_that_cannot_be_read_is_reported_with_the_reason) {
  WalkDriver driver;
  driver.walk->on_visible(driver.now, 7, driver.tasks.run());
  ScrubRead failed = driver.piece();
  failed.failure = Status(Code::corruption, "a block is bad");
  driver.read(failed);
  EXPECT_TRUE(driver.walk->is_waiting());
  EXPECT_EQ(driver.tasks.count<KeepSegmentsTask>(), 0U);
  const auto told = driver.tick(milliseconds(20));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].second.check.state, ScrubState::unreadable);
  EXPECT_EQ(told[0].second.check.reason, "a block is bad");
}

TEST(ScrubWalk, of_a_store_that_was_replaced_meanwhile_nothing_is_said) {
  WalkDriver driver;
  driver.walk->on_visible(driver.now, 7, driver.tasks.run());
  ScrubRead failed = driver.piece();
  failed.failure = Status(Code::not_found, "the scrub is over here");
  driver.read(failed);
  EXPECT_FALSE(driver.walk->is_open());
  EXPECT_TRUE(driver.tick(seconds(60)).empty());
}

TEST(ScrubWalk, is_given_up_when_nobody_has_led_for_long) {
  WalkDriver driver;
  driver.finish();
  driver.tick(seconds(20));
  driver.tick(seconds(29), MemberId());
  EXPECT_FALSE(driver.walk->is_leaderless(driver.now));
  driver.tick(seconds(1), MemberId());
  EXPECT_TRUE(driver.walk->is_leaderless(driver.now));
  driver.walk->close(driver.tasks.run());
  EXPECT_FALSE(driver.walk->is_leaderless(driver.now));
}

TEST(ScrubWalk, what_the_scrub_before_has_read_counts_for_nothing) {
  WalkDriver driver;
  driver.walk->on_visible(driver.now, 7, driver.tasks.run());
  driver.walk->begin(driver.now, a, at(5), 9);
  driver.read(driver.piece(true));
  driver.walk->on_kept({Version(3)});
  EXPECT_FALSE(driver.walk->is_waiting());
  EXPECT_EQ(driver.walk->check().keys, 0U);
  driver.walk->on_visible(driver.now, 9, driver.tasks.run());
  EXPECT_EQ(std::get<ReadScrubTask>(driver.tasks.all.back()).version, Version(5));
}

TEST(ScrubWalk, is_kept_open_for_others_as_long_as_they_ask) {
  WalkDriver driver;
  driver.finish();
  driver.walk->serve(driver.now);
  EXPECT_TRUE(driver.tick(seconds(20)).empty());
  driver.walk->on_asked(driver.now);
  driver.tick(seconds(20));
  EXPECT_TRUE(driver.walk->is_open());
  driver.tick(seconds(10));
  EXPECT_FALSE(driver.walk->is_open());
  EXPECT_EQ(driver.tasks.count<CloseScrubTask>(), 1U);
}

// ---------------------------------------------------------------------------------------------- round

struct RoundDriver {
  explicit RoundDriver(Duration interval = seconds(100)) {
    options.scrub_interval = interval;
    round.emplace(options, now);
    round->begin_leadership(false);
  }
  void begin(const std::set<MemberId>& quorum = {a, b, c}) {
    round->on_proposed();
    round->on_point(now);
    round->begin(now, at(3), quorum);
  }
  void report(MemberId from, ScrubState state, uint8_t digest = 1) {
    round->on_report(now, from, {at(3), {from, state, 5, 50, digest_of(digest), {}}});
  }
  std::optional<ScrubVerdict> verdict(Duration after = {}) {
    now += after;
    return round->verdict_due(now, monmap_of(3));
  }
  bool is_due(Duration after = {}) {
    now += after;
    return round->is_due(now);
  }

  CoreOptions options;
  TimePoint now{std::chrono::hours(1)};
  std::optional<ScrubRound> round;
};

TEST(ScrubRound, is_due_an_interval_after_the_last_point_whoever_had_that_chosen) {
  RoundDriver driver;
  EXPECT_FALSE(driver.is_due(seconds(99)));
  EXPECT_TRUE(driver.is_due(seconds(1)));
  driver.round->on_proposed();
  EXPECT_FALSE(driver.is_due(seconds(1000))) << "it is on its way";
  driver.round->on_point(driver.now);
  driver.round->begin_leadership(false);
  EXPECT_FALSE(driver.is_due(seconds(99)));
  EXPECT_TRUE(driver.is_due(seconds(1)));
  driver.begin();
  EXPECT_FALSE(driver.is_due(seconds(20))) << "one is running";
  RoundDriver never{Duration()};
  EXPECT_FALSE(never.is_due(std::chrono::hours(10'000)));
  EXPECT_TRUE(never.round->want(5));
  EXPECT_TRUE(never.is_due());
}

TEST(ScrubRound, what_another_leader_has_begun_and_not_judged_is_done_again) {
  RoundDriver driver;
  driver.round->begin_leadership(true);
  EXPECT_TRUE(driver.is_due());
  driver.begin();
  driver.round->begin_leadership(false);
  EXPECT_FALSE(driver.is_due());
  RoundDriver never{Duration()};
  never.round->begin_leadership(true);
  EXPECT_FALSE(never.is_due()) << "nobody asked for any";
}

TEST(ScrubRound, its_verdict_waits_for_those_who_were_there) {
  RoundDriver driver;
  driver.begin({a, b});
  EXPECT_FALSE(driver.verdict());
  driver.report(a, ScrubState::done);
  driver.report(b, ScrubState::walking);
  EXPECT_FALSE(driver.verdict(seconds(29)));
  driver.report(b, ScrubState::walking);
  EXPECT_FALSE(driver.verdict(seconds(29))) << "it is at it";
  driver.report(b, ScrubState::done);
  const auto verdict = driver.verdict();
  ASSERT_TRUE(verdict);
  ASSERT_EQ(verdict->checks.size(), 3U);
  EXPECT_EQ(verdict->checks[0].state, ScrubState::done);
  EXPECT_EQ(verdict->checks[1].digest, digest_of(1));
  EXPECT_EQ(verdict->checks[2].state, ScrubState::missing);
  EXPECT_EQ(verdict->checks[2].reason, "it could not be heard");
  EXPECT_FALSE(driver.verdict(seconds(100))) << "once";
  EXPECT_FALSE(driver.round->is_running(driver.now));
}

TEST(ScrubRound, a_member_that_says_nothing_is_not_waited_for_and_what_it_tells_late_is_news) {
  RoundDriver driver;
  driver.begin();
  driver.report(a, ScrubState::done);
  driver.report(b, ScrubState::unreadable);
  EXPECT_FALSE(driver.verdict(seconds(29)));
  const auto verdict = driver.verdict(seconds(1));
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->checks[1].state, ScrubState::unreadable);
  EXPECT_EQ(verdict->checks[2].state, ScrubState::missing);
  EXPECT_EQ(verdict->checks[2].reason, "it has said nothing for 30 s");
  driver.report(c, ScrubState::walking);
  EXPECT_FALSE(driver.verdict());
  driver.report(c, ScrubState::done);
  const auto again = driver.verdict();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->checks[2].state, ScrubState::done);
  driver.report(c, ScrubState::done, 7);
  EXPECT_FALSE(driver.verdict()) << "what a member has told stands";
}

TEST(ScrubRound, lasts_until_those_who_differ_have_told_where) {
  RoundDriver driver;
  driver.begin();
  driver.report(a, ScrubState::done);
  driver.report(b, ScrubState::done);
  driver.report(c, ScrubState::done, 2);
  ASSERT_TRUE(driver.verdict());
  EXPECT_TRUE(driver.round->is_running(driver.now));
  driver.round->on_finding(driver.now, a, {at(3), true, {}, {}});  // which does not differ
  driver.now += seconds(29);
  driver.round->on_finding(driver.now, c, {at(3), false, {}, {}});
  driver.now += seconds(29);
  EXPECT_TRUE(driver.round->is_running(driver.now));
  driver.round->on_finding(driver.now, c, {at(3), true, {}, {}});
  EXPECT_FALSE(driver.round->is_running(driver.now));
  // Nor does it last for ever.
  RoundDriver silent;
  silent.begin();
  silent.report(a, ScrubState::done);
  silent.report(b, ScrubState::done);
  silent.report(c, ScrubState::done, 2);
  ASSERT_TRUE(silent.verdict());
  EXPECT_FALSE(silent.round->is_running(silent.now + seconds(30)));
}

TEST(ScrubRound, serves_the_clients_that_asked_before_it_began) {
  RoundDriver driver;
  EXPECT_TRUE(driver.round->want(11));
  EXPECT_TRUE(driver.is_due());
  driver.begin();
  EXPECT_TRUE(driver.round->answers(11));
  EXPECT_TRUE(driver.round->want(12));
  EXPECT_FALSE(driver.round->answers(12)) << "the stores were opened before it asked";
  for (const MemberId member : {a, b, c}) driver.report(member, ScrubState::done);
  EXPECT_EQ(driver.verdict()->requests, std::vector<uint64_t>{11});
  EXPECT_TRUE(driver.is_due()) << "for the other one";
  for (uint64_t i = 100; i < 163; ++i) EXPECT_TRUE(driver.round->want(i));
  EXPECT_FALSE(driver.round->want(9999)) << "what waits is bounded";
  EXPECT_TRUE(driver.round->want(12));
}

}  // namespace
}  // namespace synod::test
