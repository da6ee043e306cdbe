// Each rule of the checker of the events of syncs, broken once.
#include "test/unit/sim/sync_story.h"

namespace synod::test {
namespace {

struct Breach {
  std::string line;  // the good story up to the line that begins like this
  Story then;        // what follows
  std::string rule;  // that is named
};

void expect_found(const std::vector<Breach>& breaches) {
  for (const Breach& breach : breaches) {
    const Story story = then(up_to(breach.line), breach.then);
    ASSERT_EQ(verdict(up_to(breach.line)), "") << breach.line;
    const std::string found = verdict(story);
    EXPECT_NE(found.find(full(story.back())), std::string::npos)
        << full(story.back()) << "\nis not named in: " << found;
    EXPECT_NE(found.find(breach.rule), std::string::npos) << breach.rule << "\nis not named in: " << found;
  }
}

TEST(SyncRulesTest, steps_1_to_4_at_the_requester) {
  expect_found({
      {"c [1] must-copy", {"c [1] must-copy cookie=2 version=2"}, "begins when the one before is over"},
      {"c [1] must-copy", {"c [2] provider-chosen cookie=2 provider=b version=11"}, "no sync of that cookie"},
      {"c [1] must-copy", {"c [2] provider-chosen cookie=1 provider=b version=1"}, "who has no more"},
      {"c [1] must-copy", {"c [2] provider-chosen cookie=1 provider=c version=11"}, "from itself"},
      {"c [2] provider-chosen", {"c [2] provider-chosen cookie=1 provider=a version=11"}, "one provider"},
      {"c [3] marking", {"c [2] asked cookie=1 provider=b version=1 window=2 delta=no"}, "mark is durable before"},
      {"c [2] provider-chosen",
       {"c [2] asked cookie=1 provider=b version=1 window=2 delta=no"},
       "mark is durable before"},
      {"c [2] provider-chosen", {"c [3] marked cookie=1"}, "written before it is durable"},
      {"c [3] marked", {"c [3] marking cookie=1"}, "not marked again"},
      {"c [1] must-copy", {"c [3] marking cookie=1"}, "a provider that was chosen"},
      {"c [1] started", {"c [3] marking cookie=0"}, "a provider that was chosen"},
      {"b [5] hold-logged", {"c [5] hold-logged cookie=1 requester=c version=12 at=12"}, "neither leads nor learns"},
      {"c [3] marked", {"c [2] asked cookie=1 provider=a version=1 window=2 delta=no"}, "asked that was chosen"},
      {"c [3] marked", {"c [3] unmarking cookie=0"}, "during a sync"},
      {"c [1] started", {"c [3] unmarking cookie=0"}, "only a mark"},
      {"c [1] started", {"c [3] unmarked cookie=0"}, "taken away before"},
      {"c [3] marked", {"c [4] copy-made cookie=1"}, "when a chunk has come"},
      {"c [3] marked", {"c [4] copy-resumed cookie=1 version=9 chunks=3"}, "the one that is there"},
      {"c [2] asked", {"c [4] copy-resumed cookie=1 version=9 chunks=0"}, "from the beginning"},
      {"c [2] asked", {"c [4] copy-given-up cookie=0 chunks=0 reason=x"}, "before the next sync"},
      {"c [4] copy-made", {"c [4] copy-made cookie=1"}, "there is one copy"},
  });
}

TEST(SyncRulesTest, step_2_at_the_provider) {
  const Story other = {"c [7] failed cookie=1 provider=b chunks=0 reason=x", "c [1] must-copy cookie=2 version=2",
                       "c [2] provider-chosen cookie=2 provider=b version=11",
                       "c [2] asked cookie=2 provider=b version=1 window=2 delta=no"};
  expect_found({
      {"c [2] asked", {"a [2] session-opened cookie=1 requester=c version=12 window=2"}, "has not asked"},
      {"c [2] asked", {"b [2] session-opened cookie=1 requester=a version=12 window=2"}, "has not asked"},
      {"c [2] asked", {"b [2] session-opened cookie=1 requester=c version=12 window=3"}, "fewer chunks"},
      {"c [2] asked", {"b [2] session-opened cookie=1 requester=c version=12 window=0"}, "room for a chunk"},
      {"c [3] marked", {"b [2] session-refused cookie=1 requester=c reason=x"}, "has not asked"},
      {"b [2] session-opened", {"b [2] session-opened cookie=1 requester=c version=12 window=2"}, "opened once"},
      {"b [2] session-opened", then(other, {"b [2] session-opened cookie=2 requester=c version=12 window=2"}),
       "one session"},
      {"c [2] asked", {"b [6] snapshot-opened cookie=1 requester=c version=11"}, "no session of that cookie"},
      {"b [2] session-opened", {"b [6] snapshot-opened cookie=1 requester=a version=11"}, "has opened it"},
  });
}

TEST(SyncRulesTest, a_member_that_syncs_serves_nobody) {
  const Story begins = {"b [1] must-copy cookie=7 version=2", "b [2] provider-chosen cookie=7 provider=a version=11",
                        "b [3] marking cookie=7"};
  expect_found({{"b [2] session-opened", begins, "serves nobody"},
                {"c [2] asked", then(begins, {"b [2] session-opened cookie=1 requester=c version=12 window=2"}),
                 "serves nobody"}});
  const Story refused = then(begins, {"b [2] session-refused cookie=1 requester=c reason=it is syncing itself"});
  EXPECT_EQ(verdict(then(up_to("c [2] asked"), refused)), "");
}

TEST(SyncRulesTest, steps_6_to_10) {
  const std::string chunk = "b [9] chunk-sent cookie=1 requester=c sequence=1 keys=4 bytes=40 settles=0";
  expect_found({
      {"b [5] hold-asked", {chunk}, "a snapshot is open before"},
      {"b [5] hold-asked", {"b [6] snapshot-opened cookie=1 requester=c version=10"}, "up to what is held"},
      {"b [6] snapshot", {"b [6] snapshot-opened cookie=1 requester=c version=11"}, "one snapshot"},
      {"b [6] snapshot",
       {"b [9] chunk-sent cookie=1 requester=c sequence=2 keys=4 bytes=40 settles=0"},
       "one after the other"},
      {"b [9] chunk-sent cookie=1 requester=c sequence=2",
       {"b [9] chunk-sent cookie=1 requester=c sequence=3 keys=4 bytes=40 settles=0"},
       "a window of chunks and ranges is under way"},
      {"b [10] last-chunk-sent",
       {"b [9] chunk-sent cookie=1 requester=c sequence=4 keys=4 bytes=40 settles=0"},
       "after the last"},
      {"b [10] last-chunk-sent", {"b [8] alive-sent cookie=1 requester=c"}, "after the last"},
      {"b [9] chunk-sent",
       {"c [9] chunk-received cookie=1 provider=b sequence=2 keys=4 bytes=40 settles=0"},
       "has not sent"},
      {"b [9] chunk-sent cookie=1 requester=c sequence=2",
       {"c [9] chunk-received cookie=1 provider=b sequence=2 keys=4 bytes=40 settles=0"},
       "one after the other"},
      {"c [2] asked", {"c [8] alive-received cookie=1 provider=b"}, "has not said"},
      {"c [9] chunk-received", {"c [9] chunk-written cookie=1 chunks=1 sequence=1"}, "there is a copy before"},
      {"c [4] copy-made", {"c [9] chunk-written cookie=1 chunks=2 sequence=1"}, "counts what was written"},
      {"c [4] copy-made", {"c [9] chunk-written cookie=1 chunks=2 sequence=2"}, "one after the other"},
      {"c [9] chunk-written", {"c [9] chunk-written cookie=1 chunks=2 sequence=2"}, "has come before it is written"},
      {"c [4] copy-made", {"c [9] ack-sent cookie=1 provider=b sequence=1"}, "durable before it is acknowledged"},
      {"c [9] ack-sent", {"c [9] ack-sent cookie=1 provider=b sequence=1"}, "acknowledged once"},
      {"b [9] ack-received", {"b [9] ack-received cookie=1 requester=c sequence=1"}, "taken once"},
      {"c [9] ack-sent", {"b [9] ack-received cookie=1 requester=c sequence=2"}, "has not acknowledged"},
      {"b [10] last-chunk-sent",
       {"c [9] chunk-written cookie=1 chunks=2 sequence=2",
        "c [9] chunk-received cookie=1 provider=b sequence=3 keys=2 bytes=20 settles=0"},
       "was sent as the last one"},
      {"b [9] chunk-sent cookie=1 requester=c sequence=2",
       {"c [10] last-chunk-received cookie=1 provider=b sequence=1 keys=2 bytes=20 settles=0 digest=d"},
       "has not sent that chunk as its last"},
      {"c [9] ack-sent cookie=1 provider=b sequence=2",
       {"c [10] last-chunk-received cookie=1 provider=b sequence=3 keys=2 bytes=20 settles=0 digest=e"},
       "another digest"},
  });
}

TEST(SyncRulesTest, a_window_of_chunks_is_what_the_requester_has_room_for) {
  Story story = good;
  for (std::string& line : story) {
    const size_t window = line.find("window=2");
    if (line[0] == 'c' && window != std::string::npos) line.replace(window, 8, "window=1");
  }
  EXPECT_NE(verdict(story).find("fewer chunks"), std::string::npos);
  // The same of a provider whose trace is not there.
  Story alone;
  for (const std::string& line : story) {
    if (line[0] == 'c') alone.push_back(line);
  }
  alone.resize(index_of(alone, "c [9] chunk-received") + 1);
  EXPECT_EQ(verdict(alone), "");
  alone.push_back("c [9] chunk-received cookie=1 provider=b sequence=2 keys=4 bytes=40 settles=0");
  EXPECT_NE(verdict(alone).find("window of chunks is taken"), std::string::npos) << verdict(alone);
}

TEST(SyncRulesTest, steps_11_to_14) {
  const std::string last = "c [10] last-chunk-received";
  expect_found({
      {last, {"c [11] verifying cookie=1"}, "when all chunks are written"},
      {"c [9] ack-sent cookie=1 provider=b sequence=2", {"c [11] verifying cookie=1"}, "the last was among them"},
      {"c [9] chunk-written cookie=1 chunks=3",
       {"c [11] verified cookie=1 version=11 digest=d"},
       "what was looked at is verified"},
      {"c [11] verifying", {"c [11] verified cookie=1 version=11 digest=e"}, "the digest that came"},
      {"c [11] verifying", {"c [11] verified cookie=1 version=12 digest=d"}, "no snapshot of that version"},
      {"c [11] verifying", {"c [11] last-ack-sent cookie=1 provider=b sequence=3"}, "verified before the last chunk"},
      {"c [11] verifying", {"c [9] ack-sent cookie=1 provider=b sequence=3"}, "of its own"},
      {"c [11] verifying", {"c [12] switching cookie=1"}, "what was verified takes"},
      {"c [11] verified", {"c [12] switched cookie=1 version=11"}, "told to switch before"},
      {"c [12] switching", {"c [12] switched cookie=1 version=12"}, "what was verified becomes"},
      {"c [11] verified", {"c [7] failed cookie=1 provider=b chunks=3 reason=x"}, "verified does not fail"},
      {"c [12] switching", {"c [14] in-quorum cookie=1"}, "has switched before"},
      {"c [12] switched", {"c [14] in-quorum cookie=2"}, "has switched before"},
      {"c [12] switching", {"c [14] level cookie=1"}, "has switched before"},
      {"c [14] in-quorum", {"c [14] level cookie=1"}, "finished once"},
      {"c [11] last-ack-sent", {"b [9] ack-received cookie=1 requester=c sequence=3"}, "the session is over with"},
  });
}

TEST(SyncRulesTest, no_copy_takes_a_member_back) {
  Story story = up_to("c [11] verified");
  for (std::string& line : story) {
    const size_t needed = line.find("must-copy cookie=1 version=2");
    if (needed != std::string::npos) line = "c [1] must-copy cookie=1 version=13";
    if (line.find("provider-chosen") != std::string::npos)
      line = "c [2] provider-chosen cookie=1 provider=b version=13";
  }
  EXPECT_NE(verdict(story).find("takes a member back"), std::string::npos) << verdict(story);
}

TEST(SyncRulesTest, steps_5_and_13_the_hold) {
  const std::string logged = "c [5] hold-logged cookie=1 requester=c version=14 at=14";
  expect_found({
      {"b [2] session-opened", {"b [5] hold-asked cookie=1 requester=c leader=a version=11"}, "provider itself holds"},
      {"b [2] session-opened", {"a [5] hold-taken cookie=1 requester=c version=12"}, "has not asked this leader"},
      {"b [5] hold-asked", {"b [5] hold-taken cookie=1 requester=c version=12"}, "has not asked this leader"},
      {"b [5] hold-asked", {"a [5] hold-logged cookie=1 requester=c version=12 at=12"}, "no leader has taken"},
      {"a [5] hold-taken", {"a [5] hold-ended cookie=1 requester=c version=12 at=12"}, "found it at its bound"},
      {"a [5] hold-logged", {"b [5] hold-logged cookie=1 requester=c version=13 at=12"}, "read something else"},
      {"b [5] hold-logged", {"b [5] hold-logged cookie=1 requester=c version=12 at=12"}, "learned one after the other"},
      {logged, {"a [5] hold-logged cookie=1 requester=c version=13 at=15"}, "moves up only"},
      {"c [12] switching", {"a [13] hold-over cookie=1 requester=c reason=quorum"}, "has not been in quorum"},
      {"c [12] switching", {"a [13] hold-over cookie=1 requester=c reason=level"}, "nor level"},
      {logged, {"a [13] hold-over cookie=1 requester=c reason=whim"}, "for a reason"},
      {logged, {"a [13] hold-released cookie=1 requester=c at=16"}, "no leader has decided"},
      {"a [13] hold-released",
       {"a [13] hold-over cookie=1 requester=c reason=silent", "a [13] hold-released cookie=1 requester=c at=17"},
       "what is released was held"},
      {"a [5] hold-taken",
       {"a [13] hold-over cookie=1 requester=c reason=bound", "a [13] hold-released cookie=1 requester=c at=16"},
       "no leader has decided"},
  });
}

TEST(SyncRulesTest, a_hold_that_is_over_at_its_bound) {
  const Story ended = then(up_to("b [5] hold-logged"), {"a [13] hold-over cookie=1 requester=c reason=bound",
                                                        "a [5] hold-ended cookie=1 requester=c version=12 at=13",
                                                        "b [5] hold-ended cookie=1 requester=c version=12 at=13"});
  EXPECT_EQ(verdict(ended), "");
  EXPECT_NE(verdict(then(ended, {"a [5] hold-ended cookie=1 requester=c version=12 at=14"})).find("comes to it once"),
            std::string::npos);
  EXPECT_NE(verdict(then(ended, {"a [5] hold-logged cookie=1 requester=c version=12 at=14"})).find("not held again"),
            std::string::npos);
  // The next session that asks for the same is told, and one that needs less gets it.
  const Story next = {"c [7] failed cookie=1 provider=b chunks=0 reason=x",
                      "b [7] session-closed cookie=1 requester=c",
                      "c [1] must-copy cookie=2 version=2",
                      "c [2] provider-chosen cookie=2 provider=b version=11",
                      "c [2] asked cookie=2 provider=b version=1 window=2 delta=no",
                      "b [2] session-opened cookie=2 requester=c version=12 window=2",
                      "b [5] hold-asked cookie=2 requester=c leader=a version=12",
                      "a [5] hold-taken cookie=2 requester=c version=12"};
  const Story again = then(ended, next);
  EXPECT_EQ(verdict(then(again, {"a [5] hold-ended cookie=2 requester=c version=12 at=14"})), "");
  EXPECT_EQ(verdict(then(again, {"a [5] hold-logged cookie=2 requester=c version=15 at=14"})), "");
}

TEST(SyncRulesTest, a_member_learns_all_that_the_log_says_of_holds) {
  const std::string third = "[5] hold-logged cookie=1 requester=c version=15 at=15";
  const std::string fourth = "[5] hold-logged cookie=1 requester=c version=16 at=17";
  const std::string c_has = "c [5] hold-logged cookie=1 requester=c version=14 at=14";
  EXPECT_EQ(verdict(then(up_to(c_has), {"a " + third, "a " + fourth, "b " + third, "b " + fourth})), "");
  for (const Story& skipping : {Story{"a " + third, "b " + fourth}, Story{"b " + fourth, "a " + third}}) {
    const std::string found = verdict(then(up_to(c_has), skipping));
    EXPECT_NE(found.find("learns all that the log says"), std::string::npos) << found;
  }
  // Unless it starts again between, or gets its store from another.
  EXPECT_EQ(verdict(then(up_to(c_has),
                         {"a " + third, "b [1] started cookie=0 start=2 marked=no chunks=0 reason=", "b " + fourth})),
            "");
}

TEST(SyncRulesTest, a_marked_member_takes_no_part_in_consensus) {
  for (const auto& [line, is_marked] : std::vector<std::pair<std::string, bool>>{{"c [2] provider-chosen", false},
                                                                                 {"c [3] marking", true},
                                                                                 {"c [12] switching", true},
                                                                                 {"c [12] switched", false}}) {
    for (const MemberState state : {MemberState::syncing, MemberState::outsider, MemberState::probing,
                                    MemberState::electing, MemberState::leader, MemberState::peon}) {
      SyncOrder order;
      for (const std::string& each : up_to(line)) order.on_event(member_of(each), event_of(each));
      order.on_state("c", state);
      const bool takes_part = state != MemberState::syncing && state != MemberState::outsider;
      EXPECT_EQ(order.violation().empty(), !(is_marked && takes_part)) << line << ": " << order.violation();
    }
  }
}

}  // namespace
}  // namespace synod::test
