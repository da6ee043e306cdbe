// Judges whether the events of store synchronization, of all members of a cluster, happened in an order that
// doc/sync.md permits. Each member's events come in their own order; those of different members may be interleaved in
// any way in which nothing is received before it is sent. No clock is looked at.
//
// What may be missing: whatever a network loses, so of what was sent, any part; the end of a life at any event, of
// which the next life has to show what was durable; and the past of a member whose trace does not begin with the first
// start of its directory, or that has none. Nothing else. Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "mon/core/sync/sync_event.h"
#include "msg/member_state.h"
#include "test/sim/check/sync/sync_order_state.h"

namespace synod::sim {

class SyncOrder {
 public:
  // What of another member must have come before and has not; empty: nothing. For who puts traces in order.
  std::string missing_cause(const std::string& member, const SyncEvent& event) const;
  void on_event(const std::string& member, const SyncEvent& event);
  // What the member is, after the events before.
  void on_state(const std::string& member, MemberState state);
  // The first event that is not permitted, and why; empty: none. After that nothing is judged any more.
  const std::string& violation() const { return violation_; }
  // Of all kinds, for who wants to know whether anything was judged.
  uint64_t events() const { return events_; }

 private:
  using Session = sync_order::Session;
  using Requested = sync_order::Requested;
  using Served = sync_order::Served;
  using Logged = sync_order::Logged;
  using Mark = sync_order::Mark;
  using Chunks = sync_order::Chunks;
  using Run = sync_order::Run;
  using Member = sync_order::Member;
  struct Step {
    const std::string& name;
    Member& member;
    const SyncEvent& event;
  };

  static const char* missing_at_provider(const SyncEvent& event, const Session& session);
  const char* missing_at_requester(const std::string& member, const SyncEvent& event, const Session& session) const;
  const char* missing_for_hold(const std::string& member, const SyncEvent& event, const Session& session) const;
  // A hold is over, since its requester has what it needs.
  static bool is_over_by_progress(const SyncEvent& event);
  // Nothing is missed of a member of which not everything is known.
  bool is_whole(const std::string& member) const;
  bool are_all_whole() const;

  void on_start(const Step& step);
  void on_mark(const Step& step);
  // Each returns false if the event is none of its.
  bool on_copy(const Step& step);
  bool on_requester(const Step& step);
  void on_begun(const Step& step);
  void on_asked(const Step& step, Requested& requested);
  bool on_transfer(const Step& step, Requested& requested);
  bool on_delta(const Step& step, Requested& requested);
  void on_chunk_received(const Step& step, Requested& requested);
  void on_acknowledged(const Step& step, Requested& requested);
  bool on_verification(const Step& step, Requested& requested);
  void on_end(const Step& step, Requested& requested);
  void become_switched(const Step& step);
  bool on_provider(const Step& step);
  void on_opened(const Step& step);
  bool on_session(const Step& step, Served& served);
  void on_chunk_sent(const Step& step, Served& served);
  void require_window(const Step& step, const Served& served);
  void on_ack_received(const Step& step, Served& served);
  void on_hold(const Step& step);
  void on_hold_chosen(const Step& step);
  void check_hold_follows(const Step& step, const std::optional<Logged>& before);
  void check_none_skipped(const Step& step);

  void require(const Step& step, bool holds, const char* rule);

  std::map<std::string, Member> members_;
  std::map<uint64_t, Session> sessions_;
  std::map<std::string, std::map<uint64_t, Version>> taken_;           // requester: cookie, lowest version asked for
  std::map<std::pair<std::string, SyncEventKind>, uint64_t> decided_;  // requester, what for: times
  std::map<std::string, std::map<Version, Logged>> chosen_;            // requester: at
  std::set<Version> chosen_at_;                                        // all of these versions
  uint64_t events_ = 0;
  std::string violation_;
};

}  // namespace synod::sim
