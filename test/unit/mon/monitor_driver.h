// A Monitor driven by hand: member a of three, with five committed versions, and what the others say of themselves.
#pragma once

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "mon/core/monitor.h"
#include "test/unit/mon/paxos_driver.h"

namespace synod::test {

struct MonitorDriver {
  explicit MonitorDriver(bool is_marked = false) : MonitorDriver(made(is_marked)) {}
  explicit MonitorDriver(MonitorStart start) : monitor(std::move(start), random, now) {}

  // Marked, with a copy that nobody works on.
  static MonitorStart made_with_copy(const CopyRecord& copy) {
    MonitorStart with = made(true);
    with.copy = copy;
    return with;
  }
  static MonitorStart made(bool is_marked = false) {
    MonitorStart with;
    with.identity = {a, "a", 2, FormationState::formed, monmap_of(3).encode(), pn(1, b)};
    with.address = "host-a:1000";
    with.monmap = monmap_of(3);
    with.log = log_with(history(5, pn(1, b)), 5);
    with.is_marked = is_marked;
    return with;
  }

  Output step(Input input) {
    Output out = monitor.step(now, std::move(input));
    monitor.check_invariants();
    return out;
  }
  Output receive(MemberId from, Message message) { return step(PeerMessage{{fsid, from, 1}, std::move(message)}); }
  Output tick(Duration after) {
    now += after;
    return step(Tick{});
  }
  // It is connected to `from`, whose log is from `first` to `committed`.
  void hear(MemberId from, size_t first, size_t committed, MemberState state = MemberState::probing) {
    Probe probe;
    probe.name = from == a ? "a" : from == b ? "b" : "c";
    probe.state = state;
    probe.formation = FormationState::formed;
    probe.first = Version(first);
    probe.committed = history(committed, pn(1, b)).back().position();
    receive(from, probe);
    step(PeerConnected{from});
  }

  // What a step sends, now or when its writes are durable.
  template <class T>
  static std::vector<T> sent(const Output& out) {
    std::vector<T> found;
    for (const auto* list : {&out.messages, &out.messages_when_durable}) {
      for (const Envelope& envelope : *list) {
        if (const auto* message = std::get_if<T>(&envelope.message)) found.push_back(*message);
      }
    }
    return found;
  }

  FixedRandom random;
  TimePoint now{std::chrono::hours(1)};
  Monitor monitor;
};

}  // namespace synod::test
