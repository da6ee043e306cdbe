// The real Executor, member a, on a store whose completions a test lets come; member b is a Messenger spoken through by
// hand.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mon/daemon/executor.h"
#include "mon/daemon/store_engine.h"
#include "mon/service/monmap_service.h"
#include "test/sim/home.h"
#include "test/sim/network.h"
#include "test/unit/mon/builders.h"

namespace synod::test {

// The engine's work, done at once or, while it is held, when the test says so.
class HeldStorage : public Storage {
 public:
  HeldStorage(sim::Scheduler& scheduler, StoreEngine& engine) : scheduler_(scheduler), engine_(engine) {}

  void write(WriteJob job, std::function<void(Status)> done) override {
    jobs_.push_back(job);
    waiting_.emplace_back(
        [this, job = std::move(job), done = std::move(done)] { done(outcome_ ? *outcome_ : engine_.write({job})); });
    schedule();
  }
  void run(Task task, std::function<void(Result<TaskResult>)> done) override {
    waiting_.emplace_back([this, task = std::move(task), done = std::move(done)] {
      done(outcome_ ? Result<TaskResult>(*outcome_) : engine_.run(task));
    });
    schedule();
  }

  void hold() { is_held_ = true; }
  void complete_one() {
    ASSERT_FALSE(waiting_.empty());
    const auto work = std::move(waiting_.front());
    waiting_.pop_front();
    work();
  }
  void release() {
    is_held_ = false;
    schedule();
  }
  // From now on nothing is done, and writes are reported so; tasks fail, if it is a failure.
  void report(Status outcome) { outcome_ = std::move(outcome); }
  size_t waiting() const { return waiting_.size(); }
  const std::vector<WriteJob>& jobs() const { return jobs_; }

 private:
  void schedule() {
    scheduler_.call_after(Duration(0), [this] {
      while (!is_held_ && !waiting_.empty()) complete_one();
    });
  }

  sim::Scheduler& scheduler_;
  StoreEngine& engine_;
  bool is_held_ = false;
  std::optional<Status> outcome_;
  std::deque<std::function<void()>> waiting_;
  std::vector<WriteJob> jobs_;
};

// Somebody at the other end of a's connections: member b, or a client.
class Speaker : public MessengerHandler {
 public:
  Speaker(sim::Scheduler& scheduler, sim::Network& network, Messenger::Self self)
      : clock_(scheduler),
        random_(7),
        transport_(network, self.hello.address),
        messenger_(
            transport_, clock_, clock_, random_, {}, [self] { return self; }, *this) {
    if (self.hello.kind == PeerKind::monitor) {
      EXPECT_TRUE(messenger_.listen(self.hello.address).is_ok());
    }
    messenger_.add_link("host-a:1000");
  }
  void say(const Message& message) { EXPECT_TRUE(messenger_.send("host-a:1000", message)); }
  template <class T>
  std::vector<T> heard() const {
    std::vector<T> found;
    for (const Message& message : heard_) {
      if (std::holds_alternative<T>(message)) found.push_back(std::get<T>(message));
    }
    return found;
  }

 private:
  void on_link_up(const std::string&, const PeerInfo&) override {}
  void on_link_down(const std::string&, const Status&) override {}
  void on_message(ConnectionId, const PeerInfo&, Received received) override {
    heard_.push_back(std::move(received.message));
  }
  void on_disconnected(ConnectionId) override {}

  sim::SteadyClock clock_;
  sim::SeededRandom random_;
  sim::HostTransport transport_;
  std::vector<Message> heard_;
  Messenger messenger_;
};

struct ExecutorDriver {
  ExecutorDriver() : network(scheduler, 1), clock(scheduler), random(1), transport(network, "host-a:1000") {
    auto made = home.create_store({});
    MonitorStore store(std::move(made->db));
    EXPECT_TRUE(store.initialize(genesis(), monmap_genesis(monmap_of(3))).is_ok());
    EXPECT_TRUE(home.switch_to(made->name, *read_bound(*store.db().new_iterator())).is_ok());
    engine.emplace(home, std::make_unique<MonitorStore>(*home.open_current({})), EngineOptions{});
    storage.emplace(scheduler, *engine);
    MonitorStart start;
    start.identity = {a, "a", 2, FormationState::formed, monmap_of(3).encode(), pn(1, b)};
    start.address = "host-a:1000";
    start.monmap = monmap_of(3);
    start.log = empty_log();
    executor.emplace(Executor::World{clock, clock, random, transport, *storage}, std::move(start), MessengerLimits{},
                     [this](int code, const std::string& why) {
                       ++exits;
                       exit_code = code;
                       exit_reason = why;
                     });
    EXPECT_TRUE(executor->start().is_ok());
    peer.emplace(scheduler, network,
                 Messenger::Self{{fsid, b, 1}, Hello{protocol_version, PeerKind::monitor, "b", "host-b:1001"}});
    run(std::chrono::milliseconds(500));
  }
  void run(Duration duration = std::chrono::milliseconds(100)) { scheduler.run_until(scheduler.now() + duration); }
  // So that it may promise a pn other than the one it started with.
  void pass_quiet_period() { run(std::chrono::seconds(1)); }

  sim::Scheduler scheduler;
  sim::Network network;
  sim::MemoryHome home;
  sim::SteadyClock clock;
  sim::SeededRandom random;
  sim::HostTransport transport;
  std::optional<StoreEngine> engine;
  std::optional<HeldStorage> storage;
  std::optional<Executor> executor;
  std::optional<Speaker> peer;
  int exits = 0;
  int exit_code = -1;
  std::string exit_reason;
};

}  // namespace synod::test
