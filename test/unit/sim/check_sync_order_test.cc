// The checker of the events of syncs, on stories of known verdict.
#include <utility>

#include "test/unit/sim/sync_story.h"

namespace synod::test {
namespace {

TEST(SyncOrderTest, a_sync_as_it_should_be_is_permitted) {
  EXPECT_EQ(verdict(good), "");
  EXPECT_EQ(verdict_of_logs(good), "");
}

TEST(SyncOrderTest, so_is_that_of_a_learner_which_is_level_and_in_no_quorum) {
  Story story = replaced(good, "c [14] in-quorum cookie=1", "c [14] level cookie=1");
  story = replaced(story, "a [13] hold-over cookie=1 requester=c reason=quorum",
                   "a [13] hold-over cookie=1 requester=c reason=level");
  EXPECT_EQ(verdict(story), "");
  EXPECT_EQ(verdict_of_logs(story), "");
}

TEST(SyncOrderTest, it_may_be_cut_off_anywhere) {
  for (size_t length = 0; length < good.size(); ++length) {
    const Story begun(good.begin(), good.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_EQ(verdict(begun), "") << length;
    EXPECT_EQ(verdict_of_logs(begun), "") << length;
  }
}

// Whatever may be lost on its way, and the ends of what can be seen.
TEST(SyncOrderTest, a_line_that_is_left_out_is_missed_unless_nothing_stands_on_it) {
  const std::vector<std::string> not_missed = {
      "a [1] started",
      "b [1] started",
      "c [1] started",         // then nobody knows what came before
      "c [8] alive-received",  // it was lost
      "b [9] ack-received cookie=1 requester=c sequence=2",
      "b [11] last-ack-received",                           // the same
      "a [5] hold-logged cookie=1 requester=c version=12",  // the first and the last one that each has learned
      "b [5] hold-logged cookie=1 requester=c version=12",
      "c [5] hold-logged cookie=1 requester=c version=12",
      "a [13] hold-released",
      "b [13] hold-released",
      "c [13] hold-released",
      "c [14] in-quorum"};
  for (size_t i = 0; i < good.size(); ++i) {
    const std::string found = verdict(without(good, i));
    EXPECT_EQ(found.empty(), starts_with_any(good[i], not_missed)) << "without " << good[i] << ": " << found;
    EXPECT_EQ(verdict_of_logs(without(good, i)).empty(), found.empty()) << "without " << good[i];
  }
}

TEST(SyncOrderTest, a_line_that_stands_twice_is_found_unless_it_is_one_that_may_come_again) {
  const std::vector<std::string> may_come_again = {
      "a [1] started",    "b [1] started",    "c [1] started",  // a directory that was restored
      "b [5] hold-asked",                                       // to renew it
      "a [5] hold-taken", "b [8] alive-sent", "c [8] alive-received", "a [13] hold-over"};
  for (size_t i = 0; i < good.size(); ++i) {
    const std::string found = verdict(with(good, i + 1, good[i]));
    EXPECT_EQ(found.empty(), starts_with_any(good[i], may_come_again)) << "twice " << good[i] << ": " << found;
  }
}

// Two lines of one member that follow one another, the other way round.
TEST(SyncOrderTest, lines_in_another_order_are_found_unless_that_may_be_so_too) {
  const std::vector<std::pair<std::string, std::string>> any_order = {
      {"a [1] started", "a [5] hold-taken"},  // then nobody knows what came before
      {"a [5] hold-logged", "a [13] hold-over"},   {"b [5] hold-asked", "b [6] snapshot"},
      {"b [6] snapshot", "b [8] alive"},           {"b [8] alive", "b [9] chunk-sent"},
      {"b [9] chunk-sent", "b [5] hold-logged"},   {"b [5] hold-logged", "b [9] ack-rec"},
      {"b [10] last-chunk", "b [9] ack-received"}, {"c [8] alive", "c [9] chunk-received"},
      {"c [9] ack-sent", "c [9] chunk-received"},  {"c [9] ack-sent", "c [10] last-chunk"},
      {"b [11] last-ack", "b [5] hold-logged"},    {"c [11] last-ack-sent", "c [12] switch"},
      {"c [13] hold-released", "c [14] in-quorum"}};
  for (size_t i = 0; i < good.size(); ++i) {
    for (size_t j = i + 1; j < good.size(); ++j) {
      if (good[j][0] != good[i][0]) continue;
      Story swapped = good;
      std::swap(swapped[i], swapped[j]);
      bool may_be = false;
      for (const auto& [first, second] : any_order) {
        may_be |= good[i].starts_with(first) && good[j].starts_with(second);
      }
      const std::string found = verdict_of_logs(swapped);
      EXPECT_EQ(found.empty(), may_be) << good[j] << " before " << good[i] << ": " << found;
      break;
    }
  }
}

// What one member gets from another, before that has sent it.
TEST(SyncOrderTest, nothing_is_received_before_it_is_sent) {
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"c [2] asked", "b [2] session-opened"},
      {"b [5] hold-asked", "a [5] hold-taken"},
      {"b [8] alive-sent", "c [8] alive-received"},
      {"b [9] chunk-sent cookie=1 requester=c sequence=2", "c [9] chunk-received cookie=1 provider=b sequence=2"},
      {"b [10] last-chunk-sent", "c [10] last-chunk-received"},
      {"c [9] ack-sent cookie=1 provider=b sequence=1", "b [9] ack-received cookie=1 requester=c sequence=1"},
      {"c [11] last-ack-sent", "b [11] last-ack-received"},
      {"a [5] hold-taken", "b [5] hold-logged cookie=1 requester=c version=12"},
      {"c [12] switched", "a [13] hold-over"},
      {"a [13] hold-over", "b [13] hold-released"}};
  for (const auto& [sent, received] : pairs) {
    const std::string line = good[index_of(good, received)];
    const Story early = with(without(good, index_of(good, received)), index_of(good, sent), line);
    const std::string found = verdict(early);
    EXPECT_NE(found.find(full(line)), std::string::npos) << line << ": " << found;
    // Logs tell the order within each member only.
    EXPECT_FALSE(verdict_of_logs(without(good, index_of(good, sent))).empty()) << "without " << sent;
  }
}

TEST(SyncOrderTest, events_of_different_members_may_be_interleaved_in_any_way_that_was_possible) {
  // As late as possible, and as early as possible.
  for (const char* order : {"abc", "cba", "bac", "cab"}) {
    Story sorted;
    for (const char member : std::string(order)) {
      for (const std::string& line : good) {
        if (line[0] == member) sorted.push_back(line);
      }
    }
    EXPECT_EQ(verdict_of_logs(sorted, order), "");
  }
}

}  // namespace
}  // namespace synod::test
