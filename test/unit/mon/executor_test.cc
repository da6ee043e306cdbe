// The real Executor, member a, on a store whose completions a test lets come; member b is a Messenger spoken through by
// hand. Nothing that depends on a write may reach b before that write's completion.
#include "mon/daemon/executor.h"

#include <gtest/gtest.h>

#include "mon/daemon/store_engine.h"
#include "mon/service/monmap_service.h"
#include "test/sim/home.h"
#include "test/sim/network.h"
#include "test/unit/mon/builders.h"

namespace synod {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::a;
using test::b;
using test::c;
using test::entry_on;
using test::genesis;
using test::pn;

// The engine's work, done at once or, while it is held, when the test says so.
class HeldStorage : public Storage {
 public:
  HeldStorage(sim::Scheduler& scheduler, StoreEngine& engine) : scheduler_(scheduler), engine_(engine) {}

  void write(WriteJob job, std::function<void(Status)> done) override {
    jobs_.push_back(job);
    waiting_.emplace_back([this, job = std::move(job), done = std::move(done)] {
      done(failure_.is_ok() ? engine_.write({job}) : failure_);
    });
    schedule();
  }
  void run(Task task, std::function<void(Result<TaskResult>)> done) override {
    waiting_.emplace_back([this, task = std::move(task), done = std::move(done)] {
      done(failure_.is_ok() ? engine_.run(task) : Result<TaskResult>(failure_));
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
  void fail_with(Status status) { failure_ = std::move(status); }
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
  Status failure_;
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

struct World {
  World() : network(scheduler, 1), clock(scheduler), random(1), transport(network, "host-a:1000") {
    auto made = home.create_store({});
    MonitorStore store(std::move(made->db));
    EXPECT_TRUE(store.initialize(genesis(), monmap_genesis(test::monmap_of(3))).is_ok());
    EXPECT_TRUE(home.switch_to(made->name, *read_bound(*store.db().new_iterator())).is_ok());
    engine.emplace(home, std::make_unique<MonitorStore>(*home.open_current({})), EngineOptions{});
    storage.emplace(scheduler, *engine);
    MonitorStart start;
    start.identity = {a, "a", 2, FormationState::formed, test::monmap_of(3).encode(), pn(1, b)};
    start.address = "host-a:1000";
    start.monmap = test::monmap_of(3);
    start.log = test::empty_log();
    executor.emplace(Executor::World{clock, clock, random, transport, *storage}, std::move(start), MessengerLimits{},
                     [this](int code, const std::string& why) {
                       ++exits;
                       exit_code = code;
                       exit_reason = why;
                     });
    EXPECT_TRUE(executor->start().is_ok());
    peer.emplace(scheduler, network,
                 Messenger::Self{{test::fsid, b, 1}, Hello{protocol_version, PeerKind::monitor, "b", "host-b:1001"}});
    run(milliseconds(500));
  }
  void run(Duration duration = milliseconds(100)) { scheduler.run_until(scheduler.now() + duration); }
  // So that it may promise a pn other than the one it started with.
  void pass_quiet_period() { run(seconds(1)); }

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

TEST(ExecutorTest, an_accept_leaves_when_the_acceptance_is_durable_and_not_before) {
  World world;
  world.storage->hold();
  world.peer->say(Begin{entry_on(genesis(), pn(1, b), "x"), genesis()});
  world.run(seconds(5));
  EXPECT_TRUE(world.peer->heard<Accept>().empty());
  ASSERT_EQ(world.storage->waiting(), 1U);
  EXPECT_EQ(world.storage->jobs().back().durability, Durability::durable);
  world.storage->complete_one();
  world.run();
  EXPECT_EQ(world.peer->heard<Accept>().size(), 1U);
  EXPECT_EQ(world.home.durable_commits(), 2U) << "the first made the store";
}

TEST(ExecutorTest, a_promise_leaves_when_the_identity_is_written_and_not_before) {
  World world;
  world.pass_quiet_period();
  world.storage->hold();
  world.peer->say(Collect{pn(2, b), genesis()});
  world.run();
  EXPECT_TRUE(world.peer->heard<Last>().empty());
  world.storage->complete_one();
  world.run();
  EXPECT_EQ(world.peer->heard<Last>().size(), 1U);
  EXPECT_EQ(Identity::decode(*world.home.identity())->promised, pn(2, b));
}

TEST(ExecutorTest, for_one_lease_after_its_start_a_member_promises_no_pn_but_the_last) {
  World world;  // half a lease has passed
  world.peer->say(Collect{pn(2, b), genesis()});
  world.run();
  EXPECT_TRUE(world.storage->jobs().empty()) << "it may have granted a lease under pn 1 before it was stopped";
  EXPECT_EQ(world.peer->heard<Refuse>().size(), 1U);
  world.pass_quiet_period();
  world.peer->say(Collect{pn(2, b), genesis()});
  world.run();
  EXPECT_EQ(world.peer->heard<Last>().size(), 1U);
}

TEST(ExecutorTest, promise_and_acceptance_of_one_step_are_one_job_the_identity_first) {
  World world;
  world.pass_quiet_period();
  world.peer->say(Begin{entry_on(genesis(), pn(3, b), "x"), genesis()});
  world.run();
  ASSERT_EQ(world.storage->jobs().size(), 1U);
  const WriteJob& job = world.storage->jobs().front();
  ASSERT_TRUE(job.identity.has_value());
  EXPECT_EQ(Identity::decode(*job.identity)->promised, pn(3, b));
  EXPECT_EQ(job.writes.size(), 1U);
}

TEST(ExecutorTest, each_accept_waits_for_its_own_write_only) {
  World world;
  const std::vector<LogEntry> entries = test::history(3, pn(1, b));
  world.storage->hold();
  for (const LogEntry& entry : entries) world.peer->say(Begin{entry, genesis()});
  world.run();
  for (size_t done = 1; done <= 3; ++done) {
    world.storage->complete_one();
    world.run();
    ASSERT_EQ(world.peer->heard<Accept>().size(), done);
    EXPECT_EQ(world.peer->heard<Accept>().back().position, entries[done - 1].position());
  }
}

TEST(ExecutorTest, a_duplicate_of_what_is_on_its_way_to_the_disk_waits_too) {
  World world;
  world.storage->hold();
  const Begin begin{entry_on(genesis(), pn(1, b), "x"), genesis()};
  world.peer->say(begin);
  world.peer->say(begin);
  world.run();
  EXPECT_TRUE(world.peer->heard<Accept>().empty());
  world.storage->complete_one();
  world.run();
  EXPECT_EQ(world.peer->heard<Accept>().size(), 2U);
}

TEST(ExecutorTest, what_depends_on_no_write_leaves_while_the_disk_is_stuck) {
  World world;
  world.storage->hold();
  world.peer->say(Begin{entry_on(genesis(), pn(1, b), "x"), genesis()});
  world.peer->say(Lease{pn(1, b), 1, genesis(), Version(1), {b}});
  world.run(seconds(2));
  EXPECT_GE(world.peer->heard<Probe>().size(), 2U) << "a slow disk is not a dead member";
  EXPECT_EQ(world.peer->heard<LeaseAck>().size(), 1U) << "the pn was promised, durably, before the start";
  EXPECT_TRUE(world.peer->heard<Accept>().empty());
}

TEST(ExecutorTest, a_failed_write_stops_the_member_and_nothing_that_waited_ever_leaves) {
  World world;
  world.storage->hold();
  world.peer->say(Begin{entry_on(genesis(), pn(1, b), "x"), genesis()});
  world.run();
  world.storage->fail_with(Status(Code::io_error, "the disk is gone"));
  world.storage->release();
  world.run(seconds(2));
  EXPECT_EQ(world.exits, 1);
  EXPECT_EQ(world.exit_code, 4);
  EXPECT_EQ(world.exit_reason, "the disk is gone");
  EXPECT_TRUE(world.peer->heard<Accept>().empty());
}

TEST(ExecutorTest, a_failed_task_stops_the_member) {
  World world;
  world.storage->fail_with(Status(Code::corruption, "a block is bad"));
  Speaker client(world.scheduler, world.network, {{}, Hello{protocol_version, PeerKind::client, "", "client"}});
  world.run();
  ClientRequest request;
  request.id = 5;
  request.timeout_ms = 1000;
  request.body = RangeRequest{"", "", 0, Consistency::serializable};
  client.say(request);
  world.run();
  EXPECT_EQ(world.exit_code, 4);
  EXPECT_TRUE(client.heard<ClientReply>().empty());
}

TEST(ExecutorTest, an_answer_goes_back_on_the_connection_of_its_request) {
  World world;
  Speaker one(world.scheduler, world.network, {{}, Hello{protocol_version, PeerKind::client, "", "client-1"}});
  Speaker two(world.scheduler, world.network, {{}, Hello{protocol_version, PeerKind::client, "", "client-2"}});
  world.run();
  ClientRequest request;
  request.id = 77;
  request.timeout_ms = 1000;
  request.body = RangeRequest{"", "", 0, Consistency::serializable};
  one.say(request);
  world.run();
  ASSERT_EQ(one.heard<ClientReply>().size(), 1U);
  EXPECT_EQ(one.heard<ClientReply>()[0].id, 77U);
  EXPECT_TRUE(two.heard<ClientReply>().empty());
}

TEST(ExecutorTest, what_an_earlier_life_of_a_member_sent_is_not_listened_to) {
  World world;
  Speaker younger(world.scheduler, world.network,
                  {{test::fsid, c, 5}, Hello{protocol_version, PeerKind::monitor, "c", "host-c:1002"}});
  Speaker older(world.scheduler, world.network,
                {{test::fsid, c, 4}, Hello{protocol_version, PeerKind::monitor, "c", "host-c-old:1002"}});
  world.pass_quiet_period();
  younger.say(Propose{pn(5, c), Version(0)});
  world.run();
  older.say(Collect{pn(9, c), genesis()});
  world.run();
  EXPECT_EQ(world.storage->jobs().size(), 0U) << "no promise to a dead process";
  younger.say(Collect{pn(5, c), genesis()});
  world.run();
  EXPECT_EQ(world.storage->jobs().size(), 1U);
}

TEST(ExecutorTest, a_member_id_or_a_cluster_that_is_not_of_the_monmap_is_not_listened_to) {
  World world;
  world.pass_quiet_period();
  Speaker other_cluster(world.scheduler, world.network,
                        {{Fsid{{8}}, c, 1}, Hello{protocol_version, PeerKind::monitor, "c", "host-x:1"}});
  Speaker other_member(world.scheduler, world.network,
                       {{test::fsid, test::stranger, 1}, Hello{protocol_version, PeerKind::monitor, "c", "host-y:1"}});
  world.run();
  other_cluster.say(Collect{pn(9, c), genesis()});
  other_member.say(Collect{pn(9, test::stranger), genesis()});
  world.run();
  EXPECT_TRUE(world.storage->jobs().empty());
}

}  // namespace
}  // namespace synod
