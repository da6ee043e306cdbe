// Follows the log of a cluster that does not count this member: asks voters for what is committed, in bounded pieces,
// and applies it. What it is not told it hears from their probes, so an idle cluster has an idle learner, and under
// load it is behind by about half a lease at first, and then by a twentieth of one.
//
// Invariant I-23: it asks, and says nothing that could count. Pure; used by one thread.
#pragma once

#include <optional>
#include <vector>

#include "base/time.h"
#include "mon/core/consensus/accepted_log.h"
#include "mon/core/consensus/effects.h"
#include "mon/core/options.h"
#include "mon/core/peers.h"

namespace synod {

class Learner {
 public:
  Learner(const CoreOptions& options, LogState log) : options_(options), log_(std::move(log)) {}

  // Asks for the next piece, if it is due. `sources`: voters that can be asked, with what they said last.
  void tick(TimePoint now, const std::vector<const Peer*>& sources, Effects& out);
  void on_entries(TimePoint now, MemberId from, const Entries& entries, Effects& out);
  // What was asked of it is not answered any more.
  void on_source_lost(MemberId source);

  const AcceptedLog& log() const { return log_; }
  // Entries that were applied since the last call, in order.
  std::vector<LogEntry> take_chosen();
  void trim_to(Version floor, Effects& out) { log_.trim_to(floor, out.writes); }
  void check_invariants() const;

 private:
  struct Asked {
    MemberId source;
    Version from;
    Version told;  // that the source has committed
    TimePoint deadline;
  };
  const Peer* choose_source(const std::vector<const Peer*>& sources) const;
  void ask(TimePoint now, MemberId source, Version told, Effects& out);

  CoreOptions options_;
  AcceptedLog log_;
  std::optional<Asked> asked_;
  MemberId follows_;      // its last answer brought something, so it may have more by now
  MemberId last_failed_;  // did not answer
  TimePoint ask_at_;
  std::vector<LogEntry> chosen_;
};

}  // namespace synod
