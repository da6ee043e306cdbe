// A member whose store is not what the majority has takes a copy of one of them. It is marked as for any sync, and the
// marker says that it is a repair: so it goes on after a restart, is never given up, and needs no provider that is
// ahead.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"

namespace synod {

struct Repair {
  Version point;                // of the scrub that found it
  std::set<MemberId> agreeing;  // members with the majority's digest: one of them provides

  // Behind what else is in a marker: " repair=812 of=000000000000000b,000000000000000c".
  std::string to_marker() const;
  // Nothing if the marker is that of an ordinary sync. What it does not understand of a repair it leaves out.
  static std::optional<Repair> from_marker(ByteView marker);
  friend bool operator==(const Repair&, const Repair&) = default;
};

}  // namespace synod
