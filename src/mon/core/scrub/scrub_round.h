// The leader's part in a scrub: when the next one is due, who takes part, what they have told, and when that is enough
// for a verdict. Pure; used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/time.h"
#include "mon/core/monmap.h"
#include "mon/core/options.h"
#include "msg/messages.h"

namespace synod {

class ScrubRound {
 public:
  // `now`: the first one is due an interval later.
  ScrubRound(const CoreOptions& options, TimePoint now) : options_(options), last_point_(now) {}

  // A point was chosen; every member is to be told, so that whoever leads next knows when.
  void on_point(TimePoint now) { last_point_ = now; }
  // Forgets what an earlier leadership has begun. `lacks_verdict`: that is to be done again.
  void begin_leadership(bool lacks_verdict);

  // A scrub point is to be proposed with the next value.
  bool is_due(TimePoint now) const;
  void on_proposed() { is_proposed_ = true; }
  // A client wants a scrub that begins from now on. False: too many do.
  bool want(uint64_t request);

  // The point was chosen under this leadership. `awaited`: those whose reports are waited for.
  void begin(TimePoint now, const Position& point, const std::set<MemberId>& awaited);
  void on_report(TimePoint now, MemberId from, const ScrubReport& report);
  void on_finding(TimePoint now, MemberId from, const ScrubFinding& finding);
  // Once, when all have told what they can, or are waited for no longer; and again, if one tells after that.
  std::optional<ScrubVerdict> verdict_due(TimePoint now, const Monmap& monmap);

  // A point is known, and members are at it, or find out where they differ.
  bool is_running(TimePoint now) const;
  bool is_of(const Position& point) const { return running_ && running_->point == point; }
  // The client's request is answered by the scrub that runs, or ran last, under this leadership.
  bool answers(uint64_t request) const;
  const Position& point() const { return running_->point; }
  // What is known of each voter.
  std::vector<ScrubCheck> checks(TimePoint now, const Monmap& monmap) const;

 private:
  struct Heard {
    ScrubCheck check;
    TimePoint when;
    bool is_waited_for = false;
  };
  struct Running {
    Position point;
    std::map<MemberId, Heard> heard;
    bool is_judged = false;
    bool has_news = false;  // since then
    std::set<MemberId> differing;
    std::map<MemberId, TimePoint> finding;  // of these, those that have not told where yet; last heard
    std::set<uint64_t> requests;            // of clients
  };
  bool is_silent(TimePoint now, const Heard& heard) const;

  CoreOptions options_;
  TimePoint last_point_;
  bool is_proposed_ = false;  // and not chosen yet
  bool is_wanted_again_ = false;
  std::set<uint64_t> wanted_;  // by clients
  std::optional<Running> running_;
};

}  // namespace synod
