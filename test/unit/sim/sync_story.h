// Stories of a sync, line by line, for the tests of the checker: each line is "MEMBER EVENT", without the "sync ", with
// one digit for a cookie and for a digest.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "test/sim/check/sync/sync_logs.h"

namespace synod::test {

using sim::SyncLogs;
using sim::SyncOrder;
using Story = std::vector<std::string>;

// c, which has committed 1 version, copies the store of b; a leads.
inline const Story good = {
    "a [1] started cookie=0 start=1 marked=no chunks=0 reason=",
    "b [1] started cookie=0 start=1 marked=no chunks=0 reason=",
    "c [1] started cookie=0 start=1 marked=no chunks=0 reason=",
    "c [1] must-copy cookie=1 version=2",
    "c [2] provider-chosen cookie=1 provider=b version=11",
    "c [3] marking cookie=1",
    "c [3] marked cookie=1",
    "c [2] asked cookie=1 provider=b version=1 window=2 delta=no",
    "b [2] session-opened cookie=1 requester=c version=12 window=2",
    "b [5] hold-asked cookie=1 requester=c leader=a version=12",
    "b [6] snapshot-opened cookie=1 requester=c version=11",
    "a [5] hold-taken cookie=1 requester=c version=12",
    "b [8] alive-sent cookie=1 requester=c",
    "c [8] alive-received cookie=1 provider=b",
    "b [9] chunk-sent cookie=1 requester=c sequence=1 keys=4 bytes=40 settles=0",
    "b [9] chunk-sent cookie=1 requester=c sequence=2 keys=4 bytes=40 settles=0",
    "c [9] chunk-received cookie=1 provider=b sequence=1 keys=4 bytes=40 settles=0",
    "a [5] hold-logged cookie=1 requester=c version=12 at=12",
    "b [5] hold-logged cookie=1 requester=c version=12 at=12",
    "c [4] copy-made cookie=1",
    "c [9] chunk-written cookie=1 chunks=1 sequence=1",
    "c [9] ack-sent cookie=1 provider=b sequence=1",
    "c [9] chunk-received cookie=1 provider=b sequence=2 keys=4 bytes=40 settles=0",
    "b [9] ack-received cookie=1 requester=c sequence=1",
    "b [10] last-chunk-sent cookie=1 requester=c sequence=3 keys=2 bytes=20 settles=0 digest=d",
    "c [9] chunk-written cookie=1 chunks=2 sequence=2",
    "c [9] ack-sent cookie=1 provider=b sequence=2",
    "c [10] last-chunk-received cookie=1 provider=b sequence=3 keys=2 bytes=20 settles=0 digest=d",
    "c [9] chunk-written cookie=1 chunks=3 sequence=3",
    "c [11] verifying cookie=1",
    "b [9] ack-received cookie=1 requester=c sequence=2",
    "c [11] verified cookie=1 version=11 digest=d",
    "c [11] last-ack-sent cookie=1 provider=b sequence=3",
    "c [12] switching cookie=1",
    "b [11] last-ack-received cookie=1 requester=c sequence=3",
    "c [12] switched cookie=1 version=11",
    "c [5] hold-logged cookie=1 requester=c version=12 at=12",
    "a [5] hold-logged cookie=1 requester=c version=14 at=14",
    "b [5] hold-logged cookie=1 requester=c version=14 at=14",
    "c [5] hold-logged cookie=1 requester=c version=14 at=14",
    "a [13] hold-over cookie=1 requester=c reason=quorum",
    "a [13] hold-released cookie=1 requester=c at=16",
    "b [13] hold-released cookie=1 requester=c at=16",
    "c [13] hold-released cookie=1 requester=c at=16",
    "c [14] in-quorum cookie=1",
};

inline std::string member_of(const std::string& line) { return line.substr(0, 1); }

inline std::string full(const std::string& line) {
  std::string text = "sync " + line.substr(2);
  const size_t cookie = text.find("cookie=") + 7;
  text.replace(cookie, 1, std::string(15, '0') + text[cookie]);
  if (const size_t digest = text.find("digest="); digest != std::string::npos) {
    text.replace(digest + 7, 1, std::string(32, text[digest + 7]));
  }
  return text;
}

inline SyncEvent event_of(const std::string& line) {
  const Result<SyncEvent> event = parse_sync_event(full(line));
  EXPECT_TRUE(event.has_value()) << event.error().message();
  return event ? *event : SyncEvent();
}

inline std::string verdict(const Story& story) {
  SyncOrder order;
  for (const std::string& line : story) order.on_event(member_of(line), event_of(line));
  return order.violation();
}

// The same, as logs of the members that are named.
inline std::string verdict_of_logs(const Story& story, const std::string& members = "abc") {
  SyncLogs logs;
  for (const char member : members) {
    std::stringstream log;
    for (const std::string& line : story) {
      if (line[0] != member) continue;
      log << fmt::format("2026-11-27T19:24:05.120+0000 info 12.345678 mon.{}@syncing(e0 c 1..1) {}\n", member,
                         full(line));
      // What is between does not matter.
      log << "--- 1.0 something else\n";
    }
    logs.read(fmt::format("{}.log", member), log);
  }
  return logs.check();
}

inline Story without(Story story, size_t index) {
  story.erase(story.begin() + static_cast<ptrdiff_t>(index));
  return story;
}
inline Story with(Story story, size_t index, const std::string& line) {
  story.insert(story.begin() + static_cast<ptrdiff_t>(index), line);
  return story;
}
inline Story replaced(Story story, const std::string& from, const std::string& to) {
  for (std::string& line : story) {
    if (line == from) line = to;
  }
  return story;
}
inline size_t index_of(const Story& story, const std::string& line) {
  for (size_t i = 0; i < story.size(); ++i) {
    if (story[i].starts_with(line)) return i;
  }
  ADD_FAILURE() << "no line begins with " << line;
  return 0;
}
// Up to the line that begins like this, which stays.
inline Story up_to(const std::string& line) {
  return {good.begin(), good.begin() + static_cast<ptrdiff_t>(index_of(good, line)) + 1};
}
inline Story then(Story story, const Story& more) {
  story.insert(story.end(), more.begin(), more.end());
  return story;
}

inline bool starts_with_any(const std::string& line, const std::vector<std::string>& heads) {
  for (const std::string& head : heads) {
    if (line.starts_with(head)) return true;
  }
  return false;
}

}  // namespace synod::test
