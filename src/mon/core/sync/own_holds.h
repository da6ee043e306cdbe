// Which versions a provider keeps in its own log for the syncs that it serves, whatever the log itself says
// (logged_holds.h). A hold lapses by itself when it is not renewed.
// Pure; used by one thread.
#pragma once

#include <cstdint>
#include <map>

#include "base/ids.h"
#include "base/time.h"

namespace synod {

class OwnHolds {
 public:
  // Keeps the log from `version` on, until `until`; renews the hold if there is one.
  void hold(uint64_t cookie, Version version, TimePoint until);
  void release(uint64_t cookie) { holds_.erase(cookie); }
  void expire(TimePoint now);
  // The highest version that the log may be trimmed to, given that it may otherwise be trimmed to `floor`.
  Version limit(Version floor) const;

 private:
  struct Hold {
    Version version;
    TimePoint until;
  };
  std::map<uint64_t, Hold> holds_;
};

}  // namespace synod
