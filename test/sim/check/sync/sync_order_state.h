// What SyncOrder remembers of sessions, of members and of holds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mon/core/sync/sync_event.h"

namespace synod::sim::sync_order {

// What is known of a session from both ends, whatever became of them. By cookie.
struct Session {
  std::string requester;  // empty: nobody has asked
  std::string provider;
  uint32_t window = 0;
  uint64_t unmarks_before = 0;          // of the requester, when it asked
  bool is_over_at_requester = false;    // it has failed or switched, or another was asked for
  uint64_t opened = 0;                  // times
  bool is_requester_told = false;       // that it is over
  std::set<Version> snapshots;          // that were opened
  std::set<std::string> hold_asked_of;  // leaders
  bool has_sent_alive = false;
  uint64_t ranges_sent = 0;
  std::map<uint64_t, uint64_t> differing;  // by sequence of the ranges: how many of them
  uint64_t chunks_sent = 0;
  std::map<uint64_t, Digest> last_chunks;  // sequence of what was sent as the last one
  std::set<uint64_t> acknowledged;         // by the requester
  bool is_last_acknowledged = false;
};

// A sync at its requester.
struct Requested {
  uint64_t cookie = 0;
  Version needed;
  std::string provider;
  bool is_asked = false;
  bool is_delta = false;
  uint32_t window = 0;
  bool has_copy = false;  // to write to
  uint64_t before = 0;    // chunks that the copy had
  // Of a delta, ranges: sequences, and of those that differ what no chunk has come for.
  uint64_t ranges = 0;
  uint64_t answered = 0;
  std::set<uint64_t> differing;
  uint64_t received = 0;
  uint64_t written = 0;
  uint64_t acknowledged = 0;
  std::optional<Digest> last;  // the last chunk has come
  bool is_verifying = false;
  std::optional<Version> verified;
  bool is_switching = false;
};

// A session at its provider.
struct Served {
  std::string requester;
  uint32_t window = 0;
  Version hold;
  bool is_open = false;
  uint64_t ranges = 0;    // of a delta, the sequences that were sent,
  uint64_t answered = 0;  // and answered,
  uint64_t settled = 0;   // and for which a chunk was sent
  uint64_t sent = 0;
  bool has_sent_last = false;
  uint64_t acknowledged = 0;
};

// A hold as a member has it from the log.
struct Logged {
  SyncEventKind kind = SyncEventKind::hold_logged;
  uint64_t cookie = 0;
  Version version;
  friend bool operator==(const Logged&, const Logged&) = default;
};

// Of the member's store. What goes on is asked of the disk, and nobody knows yet whether it is done.
enum class Mark : uint8_t { unknown, absent, coming, present, going };
// How many chunks a copy has durably, if it is there: what is on its way to the disk may be on it.
struct Chunks {
  uint64_t least = 0;
  uint64_t most = UINT64_MAX;
  bool includes(uint64_t count) const { return count >= least && count <= most; }
};

// Versions that a member has learned one after the other, as far as they speak of holds.
struct Run {
  Version first;
  Version last;
  bool is_open = true;
};

struct Member {
  bool is_whole = false;   // its trace begins with the first start of its directory
  bool has_begun = false;  // all that it does is known from its start on
  uint64_t start = 0;
  Mark mark = Mark::unknown;
  uint64_t unmarks = 0;  // times that the mark has gone, by a switch or without
  Chunks copy;
  std::optional<Requested> requested;
  std::map<std::string, uint64_t> asked_of;            // provider: times
  uint64_t last_cookie = 0;                            // that it asked with
  std::optional<uint64_t> switched;                    // cookie; until it is in quorum
  std::map<uint64_t, Served> served;                   // by cookie
  std::map<std::string, std::optional<Logged>> holds;  // by requester; none: it is known that there is none
  std::map<std::string, Version> hold_at;              // of the last of these, by requester
  std::vector<Run> runs;
};

}  // namespace synod::sim::sync_order
