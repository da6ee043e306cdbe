// What the other members said of themselves, last. Pure; used by one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "mon/core/monmap.h"
#include "msg/messages.h"

namespace synod {

struct Peer {
  MemberId id;
  Source source;
  Probe probe;
  TimePoint heard;
};

class PeerTable {
 public:
  explicit PeerTable(Duration silence_max) : silence_max_(silence_max) {}

  void on_probe(TimePoint now, const Source& source, const Probe& probe);

  const Peer* find(MemberId id) const;
  bool is_reachable(MemberId id, TimePoint now) const;
  // The latest that was heard under this name, and not too long ago.
  const Peer* find_reachable_name(const std::string& name, TimePoint now) const;
  std::vector<const Peer*> reachable(TimePoint now) const;

 private:
  Duration silence_max_;
  std::map<MemberId, Peer> peers_;
};

// Which of the members a sync is best asked of: not the leader when another will do, none that is syncing or behind
// what it offers, then the one that is furthest. Null if there is none. REQUIRES: `candidates` are voters.
const Peer* best_provider(const std::vector<const Peer*>& candidates, Version committed, MemberId last_failed);

}  // namespace synod
