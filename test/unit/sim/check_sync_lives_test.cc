// The checker of the events of syncs, when sessions and lives end early, and traces are not whole.
#include "test/unit/sim/sync_story.h"

namespace synod::test {
namespace {

std::string second_life(const std::string& mark, uint64_t chunks, const std::string& reason = "") {
  return fmt::format("c [1] started cookie=0 start=2 marked={} chunks={} reason={}", mark, chunks, reason);
}

void expect_named(const std::string& violation, const std::string& rule) {
  EXPECT_NE(violation.find(rule), std::string::npos) << rule << "\nis not named in: " << violation;
}

TEST(SyncLivesTest, a_new_life_of_the_requester_shows_what_was_durable) {
  struct Case {
    std::string killed_after;
    std::vector<std::pair<std::string, uint64_t>> may_be_found;  // the mark, and chunks
  };
  const std::vector<Case> cases = {{"c [2] provider-chosen", {{"no", 0}}},
                                   {"c [3] marking", {{"no", 0}, {"yes", 0}}},
                                   {"c [3] marked", {{"yes", 0}}},
                                   {"c [9] chunk-received cookie=1 provider=b sequence=1", {{"yes", 0}, {"yes", 1}}},
                                   {"c [4] copy-made", {{"yes", 0}, {"yes", 1}}},
                                   {"c [9] chunk-written cookie=1 chunks=1", {{"yes", 1}}},
                                   {"c [9] chunk-received cookie=1 provider=b sequence=2", {{"yes", 1}, {"yes", 2}}},
                                   {"c [11] verifying", {{"yes", 3}}},
                                   {"c [12] switching", {{"yes", 3}, {"no", 0}}},
                                   {"c [12] switched", {{"no", 0}}}};
  for (const Case& each : cases) {
    for (const std::string mark : {"yes", "no"}) {
      for (uint64_t chunks = 0; chunks < 5 && (mark == "yes" || chunks == 0); ++chunks) {
        bool is_expected = false;
        for (const auto& [its_mark, its_chunks] : each.may_be_found) {
          is_expected |= mark == its_mark && chunks == its_chunks;
        }
        const std::string found = verdict(then(up_to(each.killed_after), {second_life(mark, chunks)}));
        EXPECT_EQ(found.empty(), is_expected) << each.killed_after << ", " << mark << " " << chunks << ": " << found;
      }
    }
  }
}

TEST(SyncLivesTest, a_copy_that_is_of_no_use_is_given_up_with_a_reason) {
  const Story written = up_to("c [9] chunk-written cookie=1 chunks=1");
  EXPECT_EQ(verdict(then(written, {second_life("yes", 0, "it does not open")})), "");
  expect_named(verdict(then(written, {second_life("yes", 2, "it does not open")})), "nothing that has not come");
  // What a disk refuses to one life, it may give to the next.
  const std::string third = "c [1] started cookie=0 start=3 marked=yes chunks={} reason=";
  const Story refused = then(written, {second_life("yes", 0, "it does not open")});
  EXPECT_EQ(verdict(then(refused, {fmt::format(fmt::runtime(third), 1)})), "");
  EXPECT_EQ(verdict(then(refused, {fmt::format(fmt::runtime(third), 0)})), "");
  expect_named(verdict(then(refused, {fmt::format(fmt::runtime(third), 2)})), "nothing that has not come");
}

const Story resumed = {"c [1] must-copy cookie=2 version=2",
                       "c [2] provider-chosen cookie=2 provider=a version=12",
                       "c [4] copy-resumed cookie=2 version=11 chunks=2",
                       "c [2] asked cookie=2 provider=a version=1 window=2 delta=no",
                       "a [2] session-opened cookie=2 requester=c version=12 window=2",
                       "a [6] snapshot-opened cookie=2 requester=c version=12",
                       "a [10] last-chunk-sent cookie=2 requester=c sequence=1 keys=2 bytes=20 settles=0 digest=e",
                       "c [10] last-chunk-received cookie=2 provider=a sequence=1 keys=2 bytes=20 settles=0 digest=e",
                       "c [9] chunk-written cookie=2 chunks=3 sequence=1",
                       "c [11] verifying cookie=2",
                       "c [11] verified cookie=2 version=12 digest=e",
                       "c [11] last-ack-sent cookie=2 provider=a sequence=1",
                       "c [12] switching cookie=2",
                       "c [12] switched cookie=2 version=12",
                       "c [14] in-quorum cookie=2"};

TEST(SyncLivesTest, the_next_sync_goes_on_with_the_copy_under_the_mark_that_it_finds) {
  const Story killed = then(up_to("c [9] chunk-written cookie=1 chunks=2"), {second_life("yes", 2)});
  EXPECT_EQ(verdict(then(killed, resumed)), "");
  const Story failed =
      then(up_to("c [9] chunk-written cookie=1 chunks=2"), {"c [7] failed cookie=1 provider=b chunks=2 reason=x"});
  EXPECT_EQ(verdict(then(failed, resumed)), "");
  expect_named(verdict(then(failed, without(resumed, 2))), "a copy that is there is gone on with");
  expect_named(verdict(then(failed, replaced(resumed, resumed[2], "c [4] copy-resumed cookie=2 version=11 chunks=1"))),
               "the one that is there");
  expect_named(verdict(then(failed, replaced(resumed, resumed[8], "c [9] chunk-written cookie=2 chunks=1 sequence=1"))),
               "counts what was written");
  const Story given_up = then(failed, {"c [4] copy-given-up cookie=0 chunks=2 reason=nobody has its log"});
  EXPECT_EQ(verdict(then(given_up, {resumed[0], resumed[1], resumed[3]})), "");
}

TEST(SyncLivesTest, a_sync_that_failed_says_which_copy_it_keeps) {
  const Story written = up_to("c [9] chunk-written cookie=1 chunks=2");
  expect_named(verdict(then(written, {"c [7] failed cookie=1 provider=b chunks=3 reason=x"})), "the one that is there");
  expect_named(verdict(then(written, {"c [7] failed cookie=1 provider=a chunks=2 reason=x"})), "that was chosen");
  const Story dropped = then(written, {"c [7] failed cookie=1 provider=b chunks=0 reason=it is damaged"});
  EXPECT_EQ(verdict(then(dropped, {resumed[0], resumed[1], resumed[3]})), "");
  // It is still on the disk until another one is begun.
  EXPECT_EQ(verdict(then(dropped, {second_life("yes", 2)})), "");
  EXPECT_EQ(verdict(then(dropped, {second_life("yes", 0)})), "");
  expect_named(verdict(then(dropped, {"c [9] ack-sent cookie=1 provider=b sequence=2"})), "no sync of that cookie");
}

TEST(SyncLivesTest, a_new_life_of_the_provider_has_no_sessions) {
  const Story restarted = then(up_to("b [9] chunk-sent cookie=1 requester=c sequence=1"),
                               {"b [1] started cookie=0 start=2 marked=no chunks=0 reason="});
  expect_named(verdict(then(restarted, {"b [9] chunk-sent cookie=1 requester=c sequence=2 keys=4 bytes=40 settles=0"})),
               "no session of that cookie");
  // What it had sent may still come; then it knows nothing of the session, and says so.
  EXPECT_EQ(verdict(then(restarted, {"c [9] chunk-received cookie=1 provider=b sequence=1 keys=4 bytes=40 settles=0",
                                     "b [2] session-refused cookie=1 requester=c reason=x",
                                     "c [7] abort-received cookie=1 provider=b reason=x",
                                     "c [7] failed cookie=1 provider=b chunks=0 reason=x"})),
            "");
  expect_named(verdict(then(restarted, {"c [7] abort-received cookie=1 provider=b reason=x"})), "has not said that");
}

TEST(SyncLivesTest, either_end_may_end_a_session_and_the_other_hears_it) {
  const Story open = up_to("b [9] chunk-sent cookie=1 requester=c sequence=2");
  expect_named(verdict(then(open, {"b [7] session-closed cookie=1 requester=c"})), "neither given that session up");
  EXPECT_EQ(verdict(then(open, {"c [7] failed cookie=1 provider=b chunks=0 reason=x",
                                "b [7] session-closed cookie=1 requester=c"})),
            "");
  const Story ended = then(open, {"b [7] session-ended cookie=1 requester=c reason=it has expired"});
  EXPECT_EQ(verdict(then(ended, {"c [7] abort-received cookie=1 provider=b reason=it has expired",
                                 "c [7] failed cookie=1 provider=b chunks=0 reason=x"})),
            "");
  expect_named(verdict(then(ended, {"b [9] chunk-sent cookie=1 requester=c sequence=3 keys=4 bytes=40 settles=0"})),
               "no session of that cookie");
}

// A network may repeat a frame over a new connection.
TEST(SyncLivesTest, a_request_that_comes_again_opens_another_session_under_its_cookie) {
  const Story again = {"b [2] session-opened cookie=1 requester=c version=20 window=2",
                       "b [6] snapshot-opened cookie=1 requester=c version=19",
                       "b [9] chunk-sent cookie=1 requester=c sequence=1 keys=4 bytes=40 settles=0",
                       "b [9] ack-received cookie=1 requester=c sequence=1"};
  EXPECT_EQ(verdict(then(good, again)), "");
  EXPECT_EQ(verdict(then(then(good, again), {"b [7] session-ended cookie=1 requester=c reason=it has expired"})), "");
}

TEST(SyncLivesTest, a_mark_is_taken_away_between_syncs) {
  const Story failed = then(up_to("c [9] chunk-written cookie=1 chunks=2"),
                            {"c [7] failed cookie=1 provider=b chunks=2 reason=x", "c [3] unmarking cookie=0"});
  EXPECT_EQ(verdict(then(failed, {"c [3] unmarked cookie=0", "c [1] must-copy cookie=3 version=2",
                                  "c [2] provider-chosen cookie=3 provider=b version=11", "c [3] marking cookie=3"})),
            "");
  for (const std::string mark : {"yes", "no"}) {
    EXPECT_EQ(verdict(then(failed, {second_life(mark, mark == "yes" ? 2 : 0)})), "");
  }
  expect_named(verdict(then(failed, {"c [3] unmarked cookie=0", second_life("yes", 2)})),
               "was written before it is found");
  // It was never durable.
  EXPECT_EQ(verdict(then(up_to("c [3] marking"),
                         {"c [7] failed cookie=1 provider=b chunks=0 reason=x", "c [3] unmarking cookie=0",
                          "c [3] marked cookie=0", "c [3] unmarked cookie=0", second_life("no", 0)})),
            "");
}

TEST(SyncLivesTest, another_directory_under_the_same_name_owes_nothing) {
  const Story marked = up_to("c [9] chunk-written cookie=1 chunks=2");
  EXPECT_EQ(verdict(then(marked, {"c [1] started cookie=0 start=1 marked=no chunks=0 reason="})), "");
  // Nor does one of which a life was not traced.
  EXPECT_EQ(verdict(then(marked, {"c [1] started cookie=0 start=3 marked=no chunks=0 reason="})), "");
}

TEST(SyncLivesTest, what_is_missing_of_the_traces_is_not_held_against_the_rest) {
  for (const std::string members : {"a", "b", "c", "ab", "ac", "bc"}) {
    EXPECT_EQ(verdict_of_logs(good, members), "") << members;
  }
  for (const char member : std::string("abc")) {
    Story rest = good;
    for (const std::string& line : good) {
      if (line[0] != member) continue;
      rest.erase(rest.begin() + static_cast<ptrdiff_t>(index_of(rest, line)));
      EXPECT_EQ(verdict_of_logs(rest), "") << member << " after " << line;
    }
  }
}

TEST(SyncLivesTest, but_what_is_there_is_judged) {
  expect_named(verdict_of_logs(without(good, index_of(good, "c [3] marked")), "c"), "mark is durable before");
  expect_named(verdict_of_logs(without(good, index_of(good, "b [6] snapshot")), "b"), "a snapshot is open before");
  const Story late(good.begin() + 3, good.end());  // without the starts
  expect_named(verdict_of_logs(without(late, index_of(late, "c [3] marked"))), "mark is durable before");
  expect_named(verdict_of_logs(without(late, index_of(late, "b [6] snapshot"))), "a snapshot is open before");
}

std::string log_line(const std::string& text, const std::string& who = "c@probing") {
  return fmt::format("2026-11-27T19:24:05.120+0000 info 12.345678 mon.{}(e0 c 1..1) {}\n", who, text);
}
std::string verdict_of_log(const std::string& text) {
  std::stringstream log(text);
  SyncLogs logs;
  logs.read("c.log", log);
  return logs.check();
}

TEST(SyncLogsTest, the_last_line_of_a_life_may_be_cut_off) {
  const std::string start = log_line(full(good[2]));
  const std::string again = log_line(full(second_life("no", 0)));
  const std::string whole = log_line(full("c [1] must-copy cookie=1 version=2"));
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);
    EXPECT_EQ(verdict_of_log(start + cut), "") << cut;
    EXPECT_EQ(verdict_of_log(start + cut + "--- 1795807445.1 start of c\n" + again), "") << cut;
  }
  const std::string damaged = whole.substr(0, whole.size() - 2) + "x\n";
  expect_named(verdict_of_log(start + damaged + whole), "c.log:3: after no event of a sync");
}

TEST(SyncLogsTest, a_violation_has_its_place) {
  const std::string start = log_line(full(good[2]));
  expect_named(verdict_of_log(start + "another line\n" + log_line("follows the leader of pn 1.a") +
                              log_line(full("c [12] switched cookie=1 version=2"))),
               "c.log:4: c: sync [12] switched");
  const std::string marking = log_line(full("c [1] must-copy cookie=1 version=2"), "c@syncing") +
                              log_line(full("c [2] provider-chosen cookie=1 provider=b version=11"), "c@syncing") +
                              log_line(full("c [3] marking cookie=1"), "c@syncing");
  EXPECT_EQ(verdict_of_log(start + marking), "");
  expect_named(verdict_of_log(start + marking + log_line("follows the leader of pn 1.a", "c@peon")),
               "c.log:5: c is peon while its store is marked");
  expect_named(verdict_of_log(start + marking + log_line("follows the log", "c@learner")),
               "c.log:5: c is learner while its store is marked");
  expect_named(verdict_of_log(start + log_line(full(good[2]), "b@probing")), "a log of c, and of b");
}

TEST(SyncLogsTest, where_nobody_can_go_on_each_says_what_it_lacks) {
  Story story = good;
  story = without(story, index_of(story, "c [2] asked"));
  const std::string found = verdict_of_logs(story);
  expect_named(found, "b.log:");
  expect_named(found, "the requester has not asked for that");
}

TEST(SyncLogsTest, lines_for_people_and_of_crashes_are_no_events) {
  const std::string start = log_line(full(good[2]));
  EXPECT_EQ(verdict_of_log(start + log_line("sync [3] marks its store, cookie 0000000000000001, provider b") +
                           log_line("sync finished provider=b chunks=3 keys=10 bytes=390 seconds=0.000 version=11") +
                           "last trace events:\n  mon.c@probing(e0 c 1..1) sync [12] switched cookie=1 version=2\n"),
            "");
}

}  // namespace
}  // namespace synod::test
