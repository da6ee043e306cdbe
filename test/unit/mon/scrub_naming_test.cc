// The naming of keys, driven by hand.
#include "mon/core/scrub/scrub_naming.h"

#include <gtest/gtest.h>

#include "test/unit/mon/scrub_builders.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct NamingDriver {
  NamingDriver() {
    options.scrub_keys_named = 3;
    options.scrub_pairs_max = 10;
    Output out;
    naming.emplace(options, Version(3), std::vector<MemberId>{b, c}, now, out);
    asked = sent<ScrubAsk>(out);
  }
  void take(const Output& out) { asked = sent<ScrubAsk>(out); }
  void segments(ScrubSegments told, MemberId from = b) {
    Output out;
    told.version = Version(3);
    naming->on_segments(from, told, out, tasks.run());
    take(out);
  }
  void pairs(ScrubPairs told, MemberId from = b) {
    Output out;
    told.version = Version(3);
    naming->on_pairs(from, told, out, tasks.run());
    take(out);
  }
  void compared(std::vector<KeyRange> ranges, Status failure = {}) {
    Output out;
    naming->on_segments_compared(now, {Version(3), failure, std::move(ranges)}, out);
    take(out);
  }
  void pairs_compared(std::vector<Bytes> keys, uint64_t count, Status failure = {}) {
    Output out;
    naming->on_pairs_compared(now, {Version(3), failure, std::move(keys), count}, out);
    take(out);
  }
  void tick(Duration after) {
    now += after;
    Output out;
    naming->tick(now, out);
    take(out);
  }
  // The segments are compared, and one range differs.
  void to_the_pairs() {
    segments({{}, "", {}, {{"m", {}}}, true});
    compared({{"d", "h"}, {"p", ""}});
  }

  CoreOptions options;
  TimePoint now{std::chrono::hours(1)};
  std::optional<ScrubNaming> naming;
  std::vector<std::pair<MemberId, ScrubAsk>> asked;
  Tasks tasks;
};

TEST(ScrubNaming, asks_for_segments_and_then_for_the_pairs_of_those_that_differ) {
  NamingDriver driver;
  ASSERT_EQ(driver.asked.size(), 1U);
  EXPECT_EQ(driver.asked[0].first, b);
  EXPECT_FALSE(driver.asked[0].second.is_for_pairs);
  driver.segments({{}, "", {}, {{"c", {}}, {"m", {}}}, false});
  ASSERT_EQ(driver.tasks.count<CompareSegmentsTask>(), 1U);
  driver.segments({{}, "", {}, {{"c", {}}, {"m", {}}}, false});  // again
  EXPECT_EQ(driver.tasks.count<CompareSegmentsTask>(), 1U);
  driver.compared({});
  ASSERT_EQ(driver.asked.size(), 1U);
  EXPECT_EQ(driver.asked[0].second.after, "m");
  driver.segments({{}, "m", {}, {{"z", {}}}, true});
  driver.compared({{"d", "h"}, {"p", ""}});
  ASSERT_EQ(driver.asked.size(), 1U);
  EXPECT_TRUE(driver.asked[0].second.is_for_pairs);
  EXPECT_EQ(driver.asked[0].second.after, "d");
  EXPECT_EQ(driver.asked[0].second.last_key, "h");
  driver.pairs({{}, "d", {}, {{"e", 1}}, false});
  driver.pairs_compared({"e"}, 1);
  EXPECT_EQ(driver.asked.at(0).second.after, "e") << "the rest of the range";
  driver.pairs({{}, "e", {}, {}, true});
  driver.pairs_compared({}, 0);
  EXPECT_EQ(driver.asked.at(0).second.after, "p") << "the next range";
  driver.pairs({{}, "p", {}, {{"q", 1}}, true});
  driver.pairs_compared({"q", "r"}, 2);
  EXPECT_TRUE(driver.naming->is_over());
  EXPECT_EQ(driver.naming->found(), (DifferingKeys{{"e", "q", "r"}, 3, true}));
  EXPECT_EQ(driver.naming->failure(), "");
}

TEST(ScrubNaming, stops_when_it_has_named_and_counted_enough) {
  NamingDriver driver;
  driver.to_the_pairs();
  driver.pairs({{}, "d", {}, {{"e", 1}, {"f", 1}, {"g", 1}, {"h", 1}}, true});
  driver.pairs_compared({"e", "f", "g"}, 4);
  ASSERT_FALSE(driver.naming->is_over()) << "it goes on counting";
  ScrubPairs many{{}, "p", {}, {}, false};
  for (char key = 'q'; key < 'z'; ++key) many.pairs.push_back({Bytes(1, key), 1});
  driver.pairs(many);
  EXPECT_EQ(std::get<ComparePairsTask>(driver.tasks.all.back()).keys_max, 0U);
  driver.pairs_compared({}, 9);
  EXPECT_TRUE(driver.naming->is_over());
  EXPECT_EQ(driver.naming->found(), (DifferingKeys{{"e", "f", "g"}, 13, false}));
}

TEST(ScrubNaming, a_question_is_repeated_and_another_member_is_asked_when_nothing_comes) {
  NamingDriver driver;
  driver.tick(seconds(5));
  EXPECT_EQ(driver.asked.at(0).first, b);
  driver.tick(seconds(24));
  EXPECT_EQ(driver.asked.at(0).first, b);
  driver.tick(seconds(1));
  EXPECT_EQ(driver.asked.at(0).first, c);
  driver.segments({{}, "", {}, {{"m", {}}}, true}, b);
  EXPECT_EQ(driver.tasks.all.size(), 0U) << "who is not asked any more";
  driver.segments({{}, "", Status(Code::unavailable, "it is not part of that scrub"), {}, false}, c);
  driver.tick(milliseconds(20));
  EXPECT_TRUE(driver.naming->is_over());
  EXPECT_NE(driver.naming->failure(), "");
}

TEST(ScrubNaming, no_timer_runs_while_this_end_compares) {
  NamingDriver driver;
  driver.segments({{}, "", {}, {{"m", {}}}, true});
  driver.tick(std::chrono::hours(1));
  EXPECT_TRUE(driver.asked.empty());
  EXPECT_FALSE(driver.naming->is_over());
}

TEST(ScrubNaming, an_answer_that_is_of_no_use_makes_it_begin_again_with_another_member) {
  NamingDriver driver;
  driver.to_the_pairs();
  driver.pairs({{}, "d", {}, {{"e", 1}}, true});
  driver.pairs_compared({"e"}, 1);
  driver.pairs({{}, "p", {}, {{"q", 1}}, true});
  driver.pairs_compared({}, 0, Status(Code::corruption, "it does not fit"));
  ASSERT_EQ(driver.asked.size(), 1U);
  EXPECT_EQ(driver.asked[0].first, c);
  EXPECT_FALSE(driver.asked[0].second.is_for_pairs);
  EXPECT_EQ(driver.naming->found(), DifferingKeys{});
  driver.segments({{}, "", {}, {{"m", {}}}, true}, c);
  driver.compared({}, Status(Code::corruption, "nor does this"));
  EXPECT_TRUE(driver.naming->is_over());
  EXPECT_EQ(driver.naming->failure(), "nor does this");
}

}  // namespace
}  // namespace synod::test
