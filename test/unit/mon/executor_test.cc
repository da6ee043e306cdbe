// Nothing that depends on a write may reach another member before that write's completion.
#include "test/unit/mon/executor_driver.h"

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
using test::Speaker;
using World = test::ExecutorDriver;

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
  world.storage->report(Status(Code::io_error, "the disk is gone"));
  world.storage->release();
  world.run(seconds(2));
  EXPECT_EQ(world.exits, 1);
  EXPECT_EQ(world.exit_code, 4);
  EXPECT_EQ(world.exit_reason, "the disk is gone");
  EXPECT_TRUE(world.peer->heard<Accept>().empty());
}

TEST(ExecutorTest, a_failed_task_stops_the_member) {
  World world;
  world.storage->report(Status(Code::corruption, "a block is bad"));
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
