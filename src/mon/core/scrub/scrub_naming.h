// A member that differs finds out in which keys: it asks one that agrees with the majority for its segments, and in
// those that differ for its pairs, and compares them with its own. Bounded: it stops when it has named and counted
// enough. Pure; used by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "mon/core/options.h"
#include "mon/core/output.h"

namespace synod {

class ScrubNaming {
 public:
  using RunTask = std::function<uint64_t(Task)>;

  // Asks the first of `peers`, and the next one if nothing comes of it.
  ScrubNaming(const CoreOptions& options, Version version, std::vector<MemberId> peers, TimePoint now, Output& out);

  void on_segments(MemberId from, const ScrubSegments& told, Output& out, const RunTask& run);
  void on_pairs(MemberId from, const ScrubPairs& told, Output& out, const RunTask& run);
  void on_segments_compared(TimePoint now, const SegmentsCompared& compared, Output& out);
  void on_pairs_compared(TimePoint now, const PairsCompared& compared, Output& out);
  void tick(TimePoint now, Output& out);

  bool is_over() const { return is_over_; }
  const DifferingKeys& found() const { return found_; }
  // Why nothing is known of the keys; empty if something is.
  const std::string& failure() const { return failure_; }

 private:
  void ask(TimePoint now, Output& out);
  void repeat(TimePoint now, Output& out);
  void try_next_peer(TimePoint now, const std::string& why, Output& out);
  void go_on_with_ranges(TimePoint now, Output& out);
  bool is_awaited(MemberId from, Version version, bool is_for_pairs, const Bytes& after) const;

  CoreOptions options_;
  ScrubAsk asked_;  // what is to be answered next
  std::vector<MemberId> peers_;
  size_t peer_ = 0;  // that is asked
  TimePoint deadline_;
  TimePoint repeat_at_;
  bool is_comparing_ = false;  // the answer has come
  Bytes after_;                // from here on the next question goes, if the answer was not the last
  bool is_last_ = false;
  std::vector<KeyRange> ranges_;  // in which the stores differ
  size_t range_ = 0;              // that is asked for
  uint64_t pairs_ = 0;            // that were compared
  DifferingKeys found_;
  std::string failure_;
  bool is_over_ = false;
};

}  // namespace synod
