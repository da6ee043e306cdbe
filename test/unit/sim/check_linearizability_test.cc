// Histories of known verdict.
#include "test/sim/check/linearizability.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "test/unit/sim/check_stories.h"

namespace synod::sim {
namespace {

using Story = std::vector<Operation>;

testing::AssertionResult is_good(const Story& story) {
  const Verdict verdict = check_linearizability(story);
  if (verdict.is_good()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << verdict.explanation;
}

// A violation, explained in operations of the story.
testing::AssertionResult is_bad(const Story& story) {
  const Verdict verdict = check_linearizability(story);
  if (verdict.kind != Verdict::Kind::violation) return testing::AssertionFailure() << "not a violation";
  for (const Operation& operation : story) {
    if (verdict.explanation.find(describe(operation)) != std::string::npos) return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "does not show an operation: " << verdict.explanation;
}

TEST(Linearizability, nothing_happened_and_a_key_that_nobody_wrote_is_absent) {
  EXPECT_TRUE(is_good({}));
  EXPECT_TRUE(is_good({absent({1, 2}), erase({3, 4}, false)}));
  EXPECT_TRUE(is_bad({erase({1, 2}, true)}));
}

TEST(Linearizability, one_after_the_other) {
  EXPECT_TRUE(is_good(
      {put("a", {1, 2}), get("a", {3, 4}), erase({5, 6}), absent({7, 8}), put("b", {9, 10}), get("b", {11, 12})}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), absent({3, 4})}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), erase({3, 4}), get("a", {5, 6})}));
}

TEST(Linearizability, a_stale_read) {
  EXPECT_TRUE(is_bad({put("a", {1, 2}), put("b", {3, 4}), get("a", {5, 6})}));
  EXPECT_TRUE(is_good({put("a", {1, 2}), put("b", {3, 5}), get("a", {4, 6})}));
}

TEST(Linearizability, a_serializable_read_may_be_stale) {
  Story story{put("a", {1, 2}), put("b", {3, 4}), get("a", {5, 6})};
  story.back().consistency = Consistency::serializable;
  EXPECT_TRUE(is_good(story));
}

TEST(Linearizability, a_lost_write) {
  EXPECT_TRUE(is_bad({put("a", {1, 2}), put("b", {3, 4}), put("c", {5, 6}), get("b", {7, 8})}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), erase({3, 4}, false)}));
}

TEST(Linearizability, seen_and_then_unseen) {
  EXPECT_TRUE(is_bad({put("a", {1, 20}), get("a", {2, 3}), absent({4, 5})}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), maybe_put("b", 3), get("b", {4, 5}), get("a", {6, 7})}));
}

TEST(Linearizability, a_read_from_the_future) {
  EXPECT_TRUE(is_bad({get("a", {1, 2}), put("a", {3, 4})}));
  EXPECT_TRUE(is_bad({get("a", {1, 2}), maybe_put("a", 3)}));
  EXPECT_TRUE(is_bad({get("a", {1, 2})}));
}

TEST(Linearizability, a_new_value_and_then_the_old_one) {
  EXPECT_TRUE(is_bad({put("a", {1, 2}), put("b", {3, 20}), get("b", {4, 5}), get("a", {6, 7})}));
  EXPECT_TRUE(is_good({put("a", {1, 2}), put("b", {3, 20}), get("b", {4, 7}), get("a", {5, 6})}));
}

TEST(Linearizability, a_write_of_unknown_outcome_may_surface_late_or_never) {
  EXPECT_TRUE(is_good({maybe_put("a", 1), put("b", {2, 3}), get("b", {4, 5}), get("a", {6, 7})}));
  EXPECT_TRUE(is_good({maybe_put("a", 1), put("b", {2, 3}), get("b", {4, 5}), get("b", {6, 7})}));
  EXPECT_TRUE(is_good({maybe_put("a", 1), absent({2, 3}), erase({4, 5}, false)}));
}

TEST(Linearizability, a_write_of_unknown_outcome_may_not_surface_twice) {
  EXPECT_TRUE(is_bad({maybe_put("a", 1), get("a", {2, 3}), put("b", {4, 5}), get("a", {6, 7})}));
  EXPECT_TRUE(is_bad({maybe_put("a", 1), get("a", {2, 3}), erase({4, 5}), get("a", {6, 7})}));
  EXPECT_TRUE(is_bad(
      {maybe_put("a", 1), erase({2, 3}), put("b", {4, 5}), get("a", {6, 7}), put("c", {8, 9}), get("a", {10, 11})}));
}

TEST(Linearizability, a_write_that_failed_is_never_seen) {
  EXPECT_TRUE(is_good({failed_put("a", {1, 2}), absent({3, 4})}));
  EXPECT_TRUE(is_bad({failed_put("a", {1, 5}), get("a", {2, 3})}));
  EXPECT_TRUE(is_bad({failed_put("a", {1, 2}), erase({3, 4}, true)}));
}

TEST(Linearizability, an_unseen_write_of_unknown_outcome_is_found_by_one_erase) {
  EXPECT_TRUE(is_good({maybe_put("a", 1), erase({2, 3})}));
  EXPECT_TRUE(is_bad({maybe_put("a", 1), erase({2, 3}), erase({4, 5})}));
  EXPECT_TRUE(is_good({maybe_put("a", 1), maybe_put("b", 1), erase({2, 3}), erase({4, 5})}));
  EXPECT_TRUE(is_bad({erase({1, 2}), maybe_put("a", 3)}));
}

TEST(Linearizability, an_erase_of_unknown_outcome_makes_absent_once) {
  EXPECT_TRUE(is_good({put("a", {1, 2}), maybe_erase(3), get("a", {4, 5}), absent({6, 7})}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), maybe_erase(3), absent({4, 5}), get("a", {6, 7})}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), maybe_erase(3), absent({4, 5}), put("b", {6, 7}), absent({8, 9})}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), absent({3, 4}), maybe_erase(5)}));
}

TEST(Linearizability, absent_again_and_again) {
  EXPECT_TRUE(is_good({put("a", {1, 10}), erase({2, 9}), absent({3, 4}), get("a", {5, 6}), absent({7, 8})}));
  EXPECT_TRUE(is_bad({put("a", {1, 12}), erase({2, 11}), get("a", {3, 4}), absent({5, 6}), get("a", {7, 8})}));
  EXPECT_TRUE(is_good({put("a", {1, 2}), put("b", {3, 10}), erase({4, 11}), absent({5, 6}), get("b", {7, 8})}));
  EXPECT_TRUE(
      is_bad({put("a", {1, 2}), put("b", {3, 14}), erase({4, 15}), absent({5, 6}), get("b", {7, 8}), absent({9, 10})}));
}

// An order that takes what was invoked first, or what was answered first, fails on both.
TEST(Linearizability, the_order_of_neither_invocations_nor_answers) {
  EXPECT_TRUE(is_good({put("a", {1, 10}), put("b", {2, 9}), put("c", {3, 8}), get("c", {4, 5}), get("b", {6, 11}),
                       get("a", {12, 13})}));
  EXPECT_TRUE(is_good({put("a", {1, 6}), erase({2, 7}), put("b", {3, 8}), erase({4, 9}), absent({10, 11})}));
  EXPECT_TRUE(is_bad({put("a", {1, 6}), erase({2, 7}), put("b", {3, 8}), erase({4, 9}), get("a", {10, 11})}));
  EXPECT_TRUE(is_bad({put("a", {1, 10}), put("b", {2, 9}), get("a", {3, 4}), get("b", {5, 6}), get("a", {7, 8})}));
}

TEST(Linearizability, versions_count_the_puts_since_the_key_was_made) {
  EXPECT_TRUE(is_good({put("a", {1, 2}), put("b", {3, 4}), get("b", {5, 6}, 2)}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), put("b", {3, 4}), get("b", {5, 6}, 1)}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), put("b", {3, 4}), get("b", {5, 6}, 3)}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), get("a", {3, 4}, 1), get("a", {5, 6}, 2)}));
  EXPECT_TRUE(is_good({put("a", {1, 2}), erase({3, 4}), put("b", {5, 6}), get("b", {7, 8}, 1)}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}, 2)}));
}

TEST(Linearizability, versions_show_unseen_writes_of_unknown_outcome) {
  EXPECT_TRUE(is_good({put("a", {1, 2}), maybe_put("b", 3), put("c", {4, 5}), get("c", {6, 7}, 3)}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), maybe_put("b", 3), put("c", {4, 5}), get("c", {6, 7}, 4)}));
  EXPECT_TRUE(is_good({put("a", {1, 2}), maybe_erase(3), put("c", {4, 5}), get("c", {6, 7}, 1)}));
  // The erase came before a put of which nobody told the version.
  EXPECT_TRUE(is_good({put("a", {1, 2}), get("a", {3, 4}, 1), maybe_erase(5), put("b", {6, 7}), put("c", {8, 9}),
                       get("c", {10, 11}, 2)}));
  EXPECT_TRUE(is_bad({put("a", {1, 2}), get("a", {3, 4}, 1), put("b", {6, 7}), put("c", {8, 9}), maybe_erase(10),
                      get("c", {11, 12}, 2)}));
}

TEST(Linearizability, keys_do_not_see_each_other) {
  Story story{put("a", {1, 2}), put("b", {3, 4}), get("a", {5, 6})};
  story[1].key = "another";
  EXPECT_TRUE(is_good(story));
}

// -------------------------------------------------------------------------------------------- deep concurrency

// All puts overlap all; the reads show half of the values, one after the other.
Story many_at_once(uint64_t writers) {
  Story story;
  uint64_t event = 0;
  for (uint64_t i = 0; i < writers; ++i) story.push_back(put(fmt::format("v{}", i), {++event, 1000 + i}));
  for (uint64_t i = 0; i < writers; i += 2) {
    const uint64_t which = (i * 7 + 3) % writers;
    story.push_back(get(fmt::format("v{}", which), {event + 1, event + 2}));
    event += 2;
  }
  return story;
}

TEST(Linearizability, twenty_puts_at_once) {
  Story story = many_at_once(20);
  EXPECT_TRUE(is_good(story));
  story.push_back(get("v3", {998, 999}));  // the first that was seen comes again
  EXPECT_TRUE(is_bad(story));
}

TEST(Linearizability, twenty_puts_at_once_with_erases_that_count_them) {
  Story story = many_at_once(20);
  for (uint64_t i = 0; i < 10; ++i) story.push_back(erase({500 + i, 1100 + i}));
  story.push_back(absent({1200, 1201}));
  EXPECT_TRUE(is_good(story));
  for (uint64_t i = 10; i < 21; ++i) story.push_back(erase({500 + i, 1100 + i}));
  EXPECT_TRUE(is_bad(story)) << "21 erases found something, but there were 20 puts";
}

TEST(Linearizability, twenty_puts_at_once_with_versions) {
  Story story;
  for (uint64_t i = 0; i < 20; ++i) story.push_back(put(fmt::format("v{}", i), {1 + i, 100 + i}));
  for (uint64_t i = 0; i < 20; i += 3) story.push_back(get(fmt::format("v{}", i), {30 + i, 60 + i}, 20 - i));
  EXPECT_TRUE(is_good(story));
  for (Operation& operation : story) operation.version += operation.version == 8 ? 1 : 0;
  EXPECT_TRUE(is_good(story)) << "there is a place between versions 8 and 11";
  for (Operation& operation : story) operation.version += operation.version == 9 ? 2 : 0;
  EXPECT_TRUE(is_bad(story)) << "two values of version 11";
}

TEST(Linearizability, sixty_open_writes) {
  Story story;
  for (uint64_t i = 0; i < 60; ++i) {
    story.push_back(i % 4 == 3 ? maybe_erase(1 + i) : maybe_put(fmt::format("v{}", i), 1 + i));
  }
  for (uint64_t i = 0; i < 45; ++i) story.push_back(erase({100 + 4 * i, 102 + 4 * i}));
  EXPECT_TRUE(is_good(story));
  Story with_versions = story;
  story.push_back(erase({300, 301}));
  EXPECT_TRUE(is_bad(story)) << "46 erases found something, of 45 puts";

  with_versions.resize(60);
  for (uint64_t i = 0; i < 15; ++i) {
    with_versions.push_back(put(fmt::format("w{}", i), {100 + 2 * i, 101 + 2 * i}, 1 + i % 4));
  }
  EXPECT_TRUE(is_good(with_versions));
  for (uint64_t i = 0; i < 14; ++i) {
    with_versions.push_back(put(fmt::format("x{}", i), {200 + 2 * i, 201 + 2 * i}, 4));
  }
  EXPECT_TRUE(is_bad(with_versions)) << "needs more erases, or more puts, than there are";
}

TEST(Linearizability, sixty_open_writes_of_which_some_surface) {
  Story story;
  for (uint64_t i = 0; i < 60; ++i) story.push_back(maybe_put(fmt::format("v{}", i), 1 + i));
  uint64_t event = 100;
  for (uint64_t i = 0; i < 60; i += 2) {
    story.push_back(put(fmt::format("w{}", i), {event, event + 2}));
    story.push_back(get(fmt::format("v{}", 59 - i), {event + 1, event + 3}));
    event += 4;
  }
  EXPECT_TRUE(is_good(story));
  story.push_back(get("v59", {event, event + 1}));
  EXPECT_TRUE(is_bad(story));
}

TEST(Linearizability, beyond_the_bound_nothing_is_decided) {
  const Verdict verdict = check_linearizability(many_at_once(20), 3);
  EXPECT_EQ(verdict.kind, Verdict::Kind::undecided);
  EXPECT_FALSE(verdict.is_good());
  EXPECT_NE(verdict.explanation, "");
}

TEST(Linearizability, a_violation_is_explained_by_what_happened_around_it) {
  Story story;
  for (uint64_t i = 0; i < 1000; ++i) story.push_back(put(fmt::format("v{}", i), {10 * i + 1, 10 * i + 2}));
  story.push_back(erase({5003, 5004}, false));
  const Verdict verdict = check_linearizability(story);
  EXPECT_NE(verdict.explanation.find("> " + describe(story.back())), std::string::npos) << verdict.explanation;
  EXPECT_NE(verdict.explanation.find(describe(story[500])), std::string::npos) << verdict.explanation;
  EXPECT_LT(std::count(verdict.explanation.begin(), verdict.explanation.end(), '\n'), 50);
}

}  // namespace
}  // namespace synod::sim
