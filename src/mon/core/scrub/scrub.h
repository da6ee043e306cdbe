// Continuous proof, one member's whole part (doc/sync.md): its walk, as leader the round of all, the verdict, which
// keys of its own store differ, and the alarm. What a repair needs of the Monitor is decided here and done there. Pure;
// used by one thread; not used while the member's store is marked.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mon/core/scrub/judge.h"
#include "mon/core/scrub/repair.h"
#include "mon/core/scrub/scrub_naming.h"
#include "mon/core/scrub/scrub_round.h"
#include "mon/core/scrub/scrub_walk.h"

namespace synod {

// Where the alarm stands in the local key space.
inline constexpr ByteView alarm_key = "scrub_alarm";
// It is there from the moment at which a majority is against this store until that has been healed, or has passed.
inline constexpr ByteView refuted_key = "scrub_refuted";

// What an earlier life has found.
struct ScrubMemory {
  std::string alarm;
  bool is_refuted = false;
};

class Scrub {
 public:
  using RunTask = ScrubWalk::RunTask;
  // What it needs to know of the member at this moment.
  struct View {
    MemberId self;
    const Monmap& monmap;
    MemberId leader;               // zero: none
    std::set<MemberId> in_quorum;  // the leader's
    std::set<MemberId> voting;     // members that can be heard and take part, this one included
    bool is_leader() const { return leader == self; }
  };

  Scrub(const CoreOptions& options, ScrubMemory memory, TimePoint now)
      : options_(options), walk_(options), round_(options, now), memory_(std::move(memory)) {}

  // ---- the log

  // A scrub point was chosen, and is applied by a write of this step: it is opened behind that.
  void on_point(TimePoint now, const View& view, const Position& point, Output& out);
  void begin_leadership();
  bool is_due(TimePoint now) const { return round_.is_due(now); }
  void on_proposed() { round_.on_proposed(); }

  // ---- the rest of the world

  void on_visible(TimePoint now, uint64_t visible_step, const RunTask& run) {
    walk_.on_visible(now, visible_step, run);
  }
  // What clients notice of a scrub: of a write of this member's own, and of the leader's values.
  void on_own_commit(Duration time) { walk_.on_own_commit(time); }
  void on_cluster_commits(Duration mean) { walk_.on_cluster_commits(mean); }
  static bool is_for(const Message& message);
  void on_message(TimePoint now, const View& view, MemberId from, const Message& message, Output& out,
                  const RunTask& run);
  void on_result(TimePoint now, uint64_t task, const TaskResult& result, Output& out, const RunTask& run);
  void tick(TimePoint now, const View& view, Output& out, const RunTask& run);
  // This member takes no part from now on.
  void give_up(const std::string& why, Output& out, const RunTask& run);

  // At the leader. `exhausted`: too many clients ask.
  Result<ScrubReply> on_request(TimePoint now, const View& view, const ScrubRequest& request);

  // ---- what came of it

  // Empty, or what a scrub found, until a later one passes.
  const std::string& alarm() const { return memory_.alarm; }
  // A majority has another store than this one, which nobody is to copy.
  bool is_refuted() const { return memory_.is_refuted; }
  // This member is to be healed, as soon as a quorum remains without it.
  const std::optional<Repair>& repair() const { return repair_; }
  // Since its store cannot be read.
  bool is_unreadable() const { return walk_.check().state == ScrubState::unreadable; }
  // It was to be healed, and votes again instead: the next scrub finds the same.
  void put_off(const Repair& repair, Output& out);
  // It has another store, which has no alarm; `is_healed`: by a repair, at this version.
  void on_switched(bool is_healed, Version version, Output& out);

  void check_invariants(const Monmap& monmap) const;

 private:
  // What all know of the last scrub that has a verdict.
  struct Outcome {
    ScrubVerdict verdict;
    std::map<MemberId, ScrubFinding> findings;
  };

  void on_report(TimePoint now, const View& view, MemberId from, const ScrubReport& report, Output& out);
  void on_verdict(TimePoint now, const View& view, const ScrubVerdict& verdict, Output& out, const RunTask& run);
  void on_finding(TimePoint now, const View& view, MemberId from, const ScrubFinding& finding, Output& out);
  void on_ask(TimePoint now, MemberId from, const ScrubAsk& ask, Output& out, const RunTask& run);
  void begin_naming(TimePoint now, const View& view, Output& out);
  void end_naming(const View& view, Output& out, const RunTask& run);
  void raise(std::string alarm, Output& out);
  void clear_alarm(Output& out);
  void refute(bool is_refuted, Output& out);
  ScrubReply reply(ScrubReply::Phase phase, Version version, const Monmap& monmap,
                   const std::vector<ScrubCheck>& checks) const;

  CoreOptions options_;
  ScrubWalk walk_;
  ScrubRound round_;
  std::optional<ScrubNaming> naming_;
  bool is_naming_ = false;    // this member differs, and finds out where
  TimePoint say_naming_at_;   // that it is at it
  ScrubJudgement judgement_;  // of the scrub whose walk this member has made
  Position last_point_;       // the last that was chosen, as far as this life knows
  Outcome outcome_;
  std::map<uint64_t, MemberId> asks_;  // task -> who asked
  std::optional<Repair> repair_;
  ScrubMemory memory_;
};

}  // namespace synod
