// What a value says of the log itself: how far it is trimmed, for whom it is kept, and where the stores are compared.
// All are part of the replicated space, so every member knows them from the log, and whoever leads next honours them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "store/key_value_db.h"

namespace synod {

inline constexpr ByteView trim_floor_key = "paxos/trim_floor";  // put_fixed64 of the lowest version to keep in the log
inline constexpr ByteView trim_hold_prefix = "paxos/trim_hold/";  // and the requester's id
inline constexpr ByteView scrub_key = "paxos/scrub";  // put_fixed64 of the version that put it: the last scrub point

// Keeps the log for a member that syncs: what the copy of its session still needs.
struct TrimHold {
  enum class State : uint8_t {
    held = 1,
    ended,     // at its bound, while the session goes on: the same versions are not held again
    released,  // not stored
  };
  MemberId requester;
  uint64_t cookie = 0;  // of the session
  State state = State::held;
  Version version;      // while held, entries are kept from here on
  uint64_t bytes = 0;   // of the values that were chosen since
  uint64_t age_ms = 0;  // milliseconds since then

  friend bool operator==(const TrimHold&, const TrimHold&) = default;
};

struct LogChange {
  Version trim_floor;  // the lowest version to keep, if it moves; else zero
  std::vector<TrimHold> holds;
  bool is_scrub_point = false;  // the members' stores are compared as this value leaves them

  bool is_empty() const { return trim_floor == Version() && holds.empty() && !is_scrub_point; }
};

// The change that a chosen value makes; mostly none. A released hold has nothing but its requester.
LogChange log_change_in(const SharedBytes& value);

Bytes encode_trim_floor(Version floor);
Bytes encode_scrub_point(Version version);
// As stored; zero if there is none.
Result<Version> read_trim_floor(DbIterator& iterator);
Bytes trim_hold_key(MemberId requester);
Bytes encode_trim_hold(const TrimHold& hold);
// Fails with `corruption`.
Result<TrimHold> decode_trim_hold(ByteView key, ByteView stored);
// All that are stored, in the order of their requesters.
Result<std::vector<TrimHold>> read_trim_holds(DbIterator& iterator);

}  // namespace synod
