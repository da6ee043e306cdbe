// A leader whose own log was held for a sync, and so begins below the trim floor, asked for floors counted from where
// its log begins: the logged floor went down.
#include <deque>

#include "test/unit/mon/monitor_driver.h"

namespace synod::test {
namespace {

// A cluster of one, which leads as soon as its promise is durable, with versions 1 to 70.
MonitorStart alone_with_floor(Version floor) {
  MonitorStart with = MonitorDriver::made();
  with.options.log_retain_versions = 10;
  with.options.log_trim_min = 5;
  with.options.log_trim_max = 20;
  with.identity = {a, "a", 2, FormationState::formed, monmap_of(1).encode(), pn(1, a)};
  with.monmap = monmap_of(1);
  with.log = log_with(history(70, pn(1, a)), 70);
  with.log->trim_floor = floor;
  return with;
}

// The first floor that it asks for. Its disk is quick, and what it tells itself arrives.
Version first_floor(MonitorStart start) {
  MonitorDriver driver(std::move(start));
  std::deque<Input> inputs;
  for (int i = 0; i < 1000; ++i) {
    if (inputs.empty()) {
      driver.now += std::chrono::milliseconds(10);
      inputs.emplace_back(Tick{});
    }
    const Output out = driver.step(std::move(inputs.front()));
    inputs.pop_front();
    for (const TaskRequest& request : out.tasks) {
      if (const auto* task = std::get_if<EvaluateTask>(&request.task)) return task->change.trim_floor;
    }
    if (out.identity || !out.writes.empty()) inputs.emplace_back(StoreProgress{out.step, out.step});
    for (const auto* messages : {&out.messages, &out.messages_when_durable}) {
      for (const Envelope& envelope : *messages) inputs.emplace_back(PeerMessage{{fsid, a, 2}, envelope.message});
    }
  }
  return {};
}

TEST(Regress, a_leader_goes_on_from_the_logged_trim_floor) {
  EXPECT_EQ(first_floor(alone_with_floor(Version(55))), Version(62)) << "it has one version more by then";
  EXPECT_EQ(first_floor(alone_with_floor(Version())), Version(21)) << "without one, from where its log begins";
}

}  // namespace
}  // namespace synod::test
