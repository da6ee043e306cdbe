// What an acceptor holds, and what it refuses to hold: the chain rule (design, section 4; invariant I-2).
#include "mon/core/consensus/accepted_log.h"

#include <gtest/gtest.h>

#include "store/memory_db.h"
#include "test/sim/random.h"
#include "test/unit/mon/builders.h"

namespace synod {
namespace {

using test::a;
using test::b;
using test::c;
using test::describe;
using test::empty_log;
using test::entry_on;
using test::genesis;
using test::history;
using test::log_with;
using test::pn;
using test::under;

using Lines = std::vector<std::string>;
using Outcome = AcceptedLog::Outcome;

// An AcceptedLog with what its changes wrote and chose.
struct Log {
  explicit Log(LogState state = empty_log()) : log(std::move(state)) {}

  Outcome accept(const LogEntry& entry) {
    writes.clear();
    const Outcome outcome = log.accept(entry, writes);
    log.check_invariants();
    return outcome;
  }
  bool commit_to(const Position& position) {
    writes.clear();
    chosen.clear();
    const bool held = log.commit_to(position, writes, chosen);
    log.check_invariants();
    return held;
  }
  bool learn(const LogEntry& entry) {
    writes.clear();
    chosen.clear();
    const bool taken = log.learn(entry, writes, chosen);
    log.check_invariants();
    return taken;
  }
  std::vector<uint64_t> held() const {
    std::vector<uint64_t> versions;
    for (const LogEntry& entry : log.accepted()) versions.push_back(entry.version.value());
    return versions;
  }

  AcceptedLog log;
  StoreWrites writes;
  std::vector<LogEntry> chosen;
};

using Versions = std::vector<uint64_t>;

// ---------------------------------------------------------------------------------------------- accepting

TEST(AcceptedLog, an_entry_on_the_committed_position_is_accepted_and_written) {
  Log log;
  EXPECT_EQ(log.accept(entry_on(genesis(), pn(1, a), "x")), Outcome::accepted);
  EXPECT_EQ(describe(log.writes), Lines{"put 1 under 1.a"});
  EXPECT_EQ(log.held(), Versions{1});
  EXPECT_EQ(log.log.highest_pn(), pn(1, a));
}

TEST(AcceptedLog, an_entry_on_a_predecessor_of_its_own_pn_is_accepted) {
  Log log;
  for (const LogEntry& entry : history(3, pn(2, b))) EXPECT_EQ(log.accept(entry), Outcome::accepted);
  EXPECT_EQ(log.held(), (Versions{1, 2, 3}));
}

TEST(AcceptedLog, an_entry_without_its_predecessor_is_a_gap_and_writes_nothing) {
  Log log;
  EXPECT_EQ(log.accept(history(2, pn(1, a))[1]), Outcome::gap);
  EXPECT_TRUE(log.writes.empty());
  EXPECT_TRUE(log.held().empty());
}

TEST(AcceptedLog, an_entry_on_another_genesis_is_a_gap) {
  Log log;
  const Position other{Version(0), genesis_hash(Fsid{{9}})};
  EXPECT_EQ(log.accept(entry_on(other, pn(1, a), "x")), Outcome::gap);
}

TEST(AcceptedLog, an_entry_on_a_predecessor_with_another_hash_is_a_gap) {
  Log log;
  log.accept(entry_on(genesis(), pn(1, a), "one"));
  const LogEntry other = entry_on(genesis(), pn(1, a), "another");
  EXPECT_EQ(log.accept(entry_on(other.position(), pn(1, a), "two")), Outcome::gap);
  EXPECT_EQ(log.held(), Versions{1});
}

// The write that is lost without the rule: A is at version 1 under pn 1 at one member only. The leader of pn 3 recovers
// A, re-proposes it, and proposes B on top. A member that holds A under pn 1 only, and accepts B, makes a majority for
// B that knows A only from a pn that another leader may still overrule: 1 is then decided differently, below B.
TEST(AcceptedLog, b_under_pn_3_on_top_of_a_held_only_under_pn_1_is_a_gap) {
  const LogEntry one = entry_on(genesis(), pn(1, a), "A");
  const LogEntry two = entry_on(one.position(), pn(3, c), "B");
  Log log(log_with({one}, 0));
  EXPECT_EQ(log.accept(two), Outcome::gap);
  EXPECT_TRUE(log.writes.empty());
  EXPECT_EQ(log.log.position_under(pn(3, c)), genesis()) << "from here the leader goes on";

  EXPECT_EQ(log.accept(under(one, pn(3, c))), Outcome::accepted);
  EXPECT_EQ(describe(log.writes), Lines{"put 1 under 3.c"});
  EXPECT_EQ(log.accept(two), Outcome::accepted);
  EXPECT_EQ(log.log.position_under(pn(3, c)), two.position());
}

TEST(AcceptedLog, a_predecessor_under_an_older_pn_serves_once_it_is_committed) {
  const LogEntry one = entry_on(genesis(), pn(1, a), "A");
  const LogEntry two = entry_on(one.position(), pn(3, c), "B");
  Log log(log_with({one}, 0));
  ASSERT_TRUE(log.commit_to(one.position()));
  EXPECT_EQ(log.accept(two), Outcome::accepted);
}

TEST(AcceptedLog, another_value_at_a_version_drops_what_stood_on_the_old_one) {
  Log log(log_with(history(4, pn(1, a)), 1));
  const LogEntry two = entry_on(history(1, pn(1, a))[0].position(), pn(2, b), "other");
  EXPECT_EQ(log.accept(two), Outcome::accepted);
  EXPECT_EQ(describe(log.writes), (Lines{"erase 2..5", "put 2 under 2.b"}));
  EXPECT_EQ(log.held(), Versions{2});
  EXPECT_EQ(log.log.accepted().front().value, two.value);
  EXPECT_EQ(log.log.highest_pn(), pn(2, b));
}

TEST(AcceptedLog, the_same_value_under_a_newer_pn_keeps_what_is_above) {
  const std::vector<LogEntry> old = history(3, pn(1, a));
  Log log(log_with(old, 0));
  EXPECT_EQ(log.accept(under(old[0], pn(2, b))), Outcome::accepted);
  EXPECT_EQ(describe(log.writes), Lines{"put 1 under 2.b"});
  EXPECT_EQ(log.held(), (Versions{1, 2, 3})) << "2 and 3 may have been chosen under pn 1";
  EXPECT_EQ(log.log.accepted()[0].pn, pn(2, b));
  EXPECT_EQ(log.log.accepted()[1].pn, pn(1, a)) << "an acceptance counts for its own version alone";
  EXPECT_EQ(log.log.position_under(pn(2, b)), old[0].position());
}

TEST(AcceptedLog, a_duplicate_is_told_as_such_and_writes_nothing) {
  Log log;
  const std::vector<LogEntry> entries = history(2, pn(1, a));
  log.accept(entries[0]);
  log.accept(entries[1]);
  EXPECT_EQ(log.accept(entries[0]), Outcome::duplicate);
  EXPECT_TRUE(log.writes.empty());
  EXPECT_EQ(log.held(), (Versions{1, 2}));
}

TEST(AcceptedLog, the_committed_entry_itself_is_a_duplicate_and_one_below_it_a_gap) {
  const std::vector<LogEntry> entries = history(2, pn(1, a));
  Log log(log_with(entries, 2));
  EXPECT_EQ(log.accept(entries[1]), Outcome::duplicate);
  EXPECT_EQ(log.accept(entries[0]), Outcome::gap);
  EXPECT_EQ(log.accept(entry_on(entries[0].position(), pn(5, b), "rival")), Outcome::gap) << "2 is decided";
}

// ---------------------------------------------------------------------------------------------- committing

TEST(AcceptedLog, a_commit_of_a_position_commits_everything_up_to_it_in_order) {
  const std::vector<LogEntry> entries = history(3, pn(1, a));
  Log log(log_with(entries, 0));
  EXPECT_TRUE(log.commit_to(entries[1].position()));
  EXPECT_EQ(describe(log.writes), (Lines{"apply 1", "apply 2"}));
  EXPECT_EQ(log.chosen, (std::vector<LogEntry>{entries[0], entries[1]}));
  EXPECT_EQ(log.log.committed(), entries[1].position());
  EXPECT_EQ(log.held(), Versions{3});
}

TEST(AcceptedLog, a_commit_names_the_hash_and_another_value_at_that_version_is_not_applied) {
  Log log(log_with(history(2, pn(1, a), "mine"), 0));
  EXPECT_FALSE(log.commit_to(history(2, pn(2, b), "chosen")[1].position()));
  EXPECT_TRUE(log.writes.empty());
  EXPECT_TRUE(log.chosen.empty());
  EXPECT_EQ(log.log.committed(), genesis());
}

TEST(AcceptedLog, a_commit_beyond_what_is_held_asks_for_a_fetch_and_applies_no_part) {
  const std::vector<LogEntry> entries = history(3, pn(1, a));
  Log log(log_with({entries[0]}, 0));
  EXPECT_FALSE(log.commit_to(entries[2].position()));
  EXPECT_EQ(log.log.committed(), genesis());
}

TEST(AcceptedLog, a_commit_of_what_is_committed_changes_nothing) {
  const std::vector<LogEntry> entries = history(2, pn(1, a));
  Log log(log_with(entries, 2));
  EXPECT_TRUE(log.commit_to(entries[0].position()));
  EXPECT_TRUE(log.writes.empty());
}

TEST(AcceptedLog, learning_takes_the_entry_and_drops_what_stood_on_another) {
  const std::vector<LogEntry> mine = history(3, pn(1, a), "mine");
  const LogEntry chosen = entry_on(genesis(), pn(2, b), "chosen");
  Log log(log_with(mine, 0));
  EXPECT_TRUE(log.learn(chosen));
  EXPECT_EQ(describe(log.writes), (Lines{"erase 1..4", "put 1 under 2.b", "apply 1"}));
  EXPECT_EQ(log.chosen, std::vector<LogEntry>{chosen});
  EXPECT_TRUE(log.held().empty());
}

TEST(AcceptedLog, learning_what_is_held_already_applies_it_and_keeps_what_is_above) {
  const std::vector<LogEntry> entries = history(3, pn(1, a));
  Log log(log_with(entries, 0));
  EXPECT_TRUE(log.learn(under(entries[0], pn(7, b))));
  EXPECT_EQ(describe(log.writes), Lines{"apply 1"});
  EXPECT_EQ(log.held(), (Versions{2, 3}));
}

TEST(AcceptedLog, an_entry_that_does_not_follow_the_committed_position_is_not_learned) {
  const std::vector<LogEntry> entries = history(3, pn(1, a));
  Log log(log_with({entries[0]}, 1));
  EXPECT_FALSE(log.learn(entries[2])) << "2 is missing";
  EXPECT_FALSE(log.learn(entries[0])) << "it is committed already";
  EXPECT_FALSE(log.learn(history(2, pn(1, a), "other")[1])) << "of another history";
  EXPECT_EQ(log.log.committed(), entries[0].position());
  EXPECT_TRUE(log.writes.empty());
}

// ---------------------------------------------------------------------------------------------- trimming

TEST(AcceptedLog, a_trim_erases_the_committed_entries_below_the_floor_and_moves_the_first) {
  Log log(log_with(history(6, pn(1, a)), 5));
  log.log.trim_to(Version(4), log.writes);
  EXPECT_EQ(describe(log.writes), Lines{"erase 1..4"}) << "4 itself stays";
  EXPECT_EQ(log.log.first(), Version(4));
  EXPECT_EQ(log.held(), Versions{6});
}

TEST(AcceptedLog, a_trim_never_reaches_what_is_not_committed) {
  Log log(log_with(history(6, pn(1, a)), 3));
  log.log.trim_to(Version(6), log.writes);
  EXPECT_EQ(describe(log.writes), Lines{"erase 1..4"});
  EXPECT_EQ(log.log.first(), Version(4));
  EXPECT_EQ(log.held(), (Versions{4, 5, 6}));
}

TEST(AcceptedLog, a_trim_below_the_first_version_does_nothing) {
  Log log(log_with(history(6, pn(1, a)), 5, Version(4)));
  log.log.trim_to(Version(4), log.writes);
  log.log.trim_to(Version(2), log.writes);
  EXPECT_TRUE(log.writes.empty());
  EXPECT_EQ(log.log.first(), Version(4));
}

// ---------------------------------------------------------------------------------------------- the store follows

// Random acceptances of rival histories, commits, lessons and trims: after each of them, a member that starts from its
// store finds exactly what it had in memory.
TEST(AcceptedLog, the_store_holds_after_every_change_what_the_memory_holds) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    sim::SeededRandom random(seed);
    MonitorStore store(make_memory_db());
    ASSERT_TRUE(store.initialize(genesis(), {}).is_ok());
    AcceptedLog log(*store.load_log());
    for (int i = 0; i < 80; ++i) {
      StoreWrites writes;
      std::vector<LogEntry> chosen;
      std::vector<Position> tops{log.committed()};
      for (const LogEntry& entry : log.accepted()) tops.push_back(entry.position());
      const Position top = tops[random.below(tops.size())];
      const LogEntry next =
          entry_on(top, pn(1 + random.below(3), MemberId(1 + random.below(2))), std::to_string(random.below(3)));
      switch (random.below(6)) {
        case 0: log.commit_to(top, writes, chosen); break;
        case 1: log.learn(next, writes, chosen); break;
        case 2: log.trim_to(Version(random.below(log.committed().version.value() + 3)), writes); break;
        // As the promise has it, never below what was accepted before.
        default: log.accept(under(next, std::max(next.pn, log.highest_pn())), writes);
      }
      log.check_invariants();
      ASSERT_TRUE(store.commit({&writes}, Durability::visible).is_ok());
      const Result<LogState> stored = store.load_log();
      ASSERT_TRUE(stored.has_value()) << stored.error().to_string() << " seed " << seed;
      ASSERT_EQ(stored->applied, log.committed()) << "seed " << seed;
      ASSERT_EQ(stored->first, log.first()) << "seed " << seed;
      ASSERT_TRUE(
          std::equal(stored->accepted.begin(), stored->accepted.end(), log.accepted().begin(), log.accepted().end()))
          << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace synod
