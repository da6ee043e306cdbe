#include "mon/core/sync/sync_event.h"

#include <gtest/gtest.h>

#include <set>

namespace synod::test {
namespace {

using Kind = SyncEventKind;

// All fields are set: a kind writes those that it has.
SyncEvent full(Kind kind) {
  SyncEvent event;
  event.kind = kind;
  event.cookie = 0x2a;
  event.peer = "c";
  event.leader = "a";
  event.start = 3;
  event.is_marked = true;
  event.version = Version(17);
  event.at = Version(18);
  event.window = 4;
  event.chunks = 5;
  event.sequence = 6;
  event.keys = 7;
  event.bytes = 8;
  event.ranges = 10;
  event.settles = 9;
  event.digest = Digest{{0xab, 1}};
  event.reason = "why";
  return event;
}

std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds;
  for (size_t i = 0; i < sync_event_kinds; ++i) kinds.push_back(static_cast<Kind>(i));
  return kinds;
}

TEST(SyncEventTest, is_one_readable_line) {
  EXPECT_EQ(to_string(full(Kind::chunk_sent)),
            "sync [9] chunk-sent cookie=000000000000002a requester=c sequence=6 keys=7 bytes=8 settles=9");
  EXPECT_EQ(to_string(full(Kind::started)),
            "sync [1] started cookie=000000000000002a start=3 marked=yes chunks=5 reason=why");
  EXPECT_EQ(to_string(full(Kind::hold_asked)),
            "sync [5] hold-asked cookie=000000000000002a requester=c leader=a version=17");
  EXPECT_EQ(to_string(full(Kind::verified)),
            "sync [11] verified cookie=000000000000002a version=17 digest=ab010000000000000000000000000000");
}

TEST(SyncEventTest, kinds_stand_in_the_order_of_their_steps_and_have_names_of_their_own) {
  int last = 1;
  std::set<int> steps;
  std::set<std::string> lines;
  for (const Kind kind : all_kinds()) {
    EXPECT_GE(step_of(kind), last);
    last = step_of(kind);
    steps.insert(last);
    EXPECT_TRUE(lines.insert(to_string(full(kind))).second) << to_string(full(kind));
  }
  EXPECT_EQ(steps.size(), 14U) << "each step can be seen";
}

TEST(SyncEventTest, each_kind_is_read_back_as_it_was_written) {
  for (const Kind kind : all_kinds()) {
    const std::string line = to_string(full(kind));
    const Result<SyncEvent> event = parse_sync_event(line);
    ASSERT_TRUE(event.has_value()) << event.error().message();
    EXPECT_EQ(event->kind, kind);
    EXPECT_EQ(to_string(*event), line);
    EXPECT_TRUE(is_sync_event(line));
  }
  SyncEvent sent = full(Kind::chunk_sent);
  const SyncEvent read = *parse_sync_event(to_string(sent));
  EXPECT_EQ(read.cookie, sent.cookie);
  EXPECT_EQ(read.peer, sent.peer);
  EXPECT_EQ(read.sequence, sent.sequence);
  EXPECT_EQ(read.bytes, sent.bytes);
  EXPECT_EQ(read.version, Version()) << "that is no field of its kind";
}

TEST(SyncEventTest, whatever_a_peer_says_stays_within_its_field) {
  SyncEvent event = full(Kind::session_refused);
  event.peer = "c sequence=9\n";
  event.reason = " no\nsync [9] ack-sent cookie=1 \\ \xff";
  const std::string line = to_string(event);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const Result<SyncEvent> read = parse_sync_event(line);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->peer, event.peer);
  EXPECT_EQ(read->reason, event.reason);
}

TEST(SyncEventTest, any_other_line_is_refused) {
  const std::string line = to_string(full(Kind::chunk_sent));
  for (size_t length = 0; length < line.size(); ++length) {
    EXPECT_FALSE(parse_sync_event(line.substr(0, length)).has_value()) << line.substr(0, length);
  }
  for (const std::string& other :
       {line + " ", line + " more=1", std::string("sync [8]") + line.substr(8), std::string("Sync") + line.substr(4),
        std::string("sync [9] chunk-sent cookie=2a requester=c sequence=6 keys=7 bytes=8 settles=9"),
        std::string("sync [9] chunk-sent cookie=000000000000002a requester=c sequence=06 keys=7 bytes=8 settles=9"),
        std::string("sync [9] chunk-sent cookie=000000000000002a requester=c keys=7 sequence=6 bytes=8 settles=9"),
        std::string("sync [9] chunk-sent cookie=000000000000002a requester=c sequence=-6 keys=7 bytes=8 settles=9"),
        std::string("sync [9] no-such-thing cookie=000000000000002a")}) {
    const Result<SyncEvent> event = parse_sync_event(other);
    ASSERT_FALSE(event.has_value()) << other;
    EXPECT_EQ(event.error().code(), Code::invalid_argument);
  }
}

TEST(SyncEventTest, lines_for_people_are_no_events) {
  EXPECT_FALSE(is_sync_event("sync [3] marks its store, cookie 000000000000002a, provider b, committed version 1"));
  EXPECT_FALSE(is_sync_event("sync finished provider=b chunks=3 keys=10 bytes=390 seconds=0.000 version=11"));
  EXPECT_FALSE(is_sync_event("follows the leader of pn 1.a"));
  EXPECT_FALSE(is_sync_event(""));
  EXPECT_TRUE(is_sync_event("sync [3] some-day cookie=1")) << "so a kind that is not known is told, not skipped";
}

}  // namespace
}  // namespace synod::test
