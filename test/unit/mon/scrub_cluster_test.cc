// Scrubs of whole clusters in memory, of which the stores of some members are changed behind their backs.
#include <gtest/gtest.h>

#include "store/scrub_record.h"
#include "test/sim/cluster.h"
#include "test/unit/mon/builders.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = ScrubReply::Phase;

struct ScrubCluster : sim::Observer {
  explicit ScrubCluster(size_t size, uint64_t seed, const CoreOptions& options = small_pieces(),
                        bool expects_rot = true)
      : cluster(size, seed, options) {
    cluster.add_observer(this);
    if (expects_rot) cluster.oracles().expect_rot();
    cluster.start_all();
    EXPECT_TRUE(cluster.run_until([&] { return cluster.has_quorum(size); }));
    for (int i = 0; i < 20; ++i) put(fmt::format("key-{:02}", i), "value");
  }
  static CoreOptions small_pieces() {
    CoreOptions options;
    options.scrub_piece_bytes = 300;
    options.scrub_message_bytes = 100;
    return options;
  }
  void put(const std::string& key, const std::string& value) {
    EXPECT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
    EXPECT_TRUE(cluster.put(cluster.leader(), key, value).is_ok()) << key;
  }
  // Changes what a member, which does not run, has under a key of clients, unseen by anybody.
  void change_store_of(const std::string& name, const std::string& key, const std::string& value) {
    ReplicatedTransaction change;
    change.put("kv/k/" + key, SharedBytes(value));
    EXPECT_TRUE(cluster.open_store(name).store->commit_copied(change, Durability::durable).is_ok());
  }
  // The same of one that is restarted for it.
  void rot(const std::string& name, const std::string& key, const std::string& value) {
    cluster.kill(name);
    change_store_of(name, key, value);
    cluster.start(name);
  }
  bool wait_for_quorum() {
    const size_t size = cluster.running().size();
    return cluster.run_until([&] { return cluster.has_quorum(size); }, seconds(60));
  }
  ScrubReply ask(const std::string& to, uint64_t number) {
    ClientRequest request;
    request.timeout_ms = 2000;
    request.body = ScrubRequest{number};
    const ClientReply reply = cluster.call(to, std::move(request));
    const auto* told = std::get_if<ScrubReply>(&reply.body);
    return told != nullptr ? *told : ScrubReply();
  }
  // Asks this member until it is over.
  ScrubReply scrub(const std::string& to, uint64_t number, Duration limit = seconds(100)) {
    ScrubReply last;
    const TimePoint end = cluster.scheduler().now() + limit;
    while (cluster.scheduler().now() < end) {
      last = ask(to, number);
      if (last.phase == Phase::over) break;
      cluster.run_for(milliseconds(50));
    }
    EXPECT_EQ(last.phase, Phase::over);
    return last;
  }
  static std::string outcomes(const ScrubReply& reply) {
    std::string text;
    for (const ScrubbedMember& member : reply.members) {
      text += member.differs ? 'x' : member.check.state == ScrubState::done ? '=' : '-';
    }
    return text;
  }
  std::string alarm(const std::string& of, const std::string& at) {
    ClientRequest request;
    request.timeout_ms = 1000;
    request.body = StatusRequest{};
    const ClientReply reply = cluster.call(at, std::move(request));
    for (const MemberStatus& member : std::get<StatusReply>(reply.body).members) {
      if (member.name == of) return member.alarm;
    }
    return "";
  }
  std::string a_peon() const {
    for (const std::string& name : cluster.names()) {
      if (name != cluster.leader()) return name;
    }
    return "";
  }
  bool is_marked(const std::string& name) const {
    return cluster.is_running(name) && cluster.monitor(name).is_marked();
  }

  void on_ran(const std::string& member, const Task& task, const Result<TaskResult>& result) override {
    if (const auto* read = result ? std::get_if<ScrubRead>(&*result) : nullptr) {
      if (read->is_last) digests[read->version][member] = read->digest;
    }
    if (const auto* change = std::get_if<SwitchTask>(&task)) evidence += change->keeps_evidence;
    cloned += std::holds_alternative<CloneStoreTask>(task);
    switched += std::holds_alternative<SwitchTask>(task);
  }

  void on_written(const std::string& member, const WriteJob& job, const Status& /*status*/) override {
    for (const StoreWrite& write : job.writes) {
      const auto* local = std::get_if<PutLocal>(&write);
      if (local != nullptr && local->key == alarm_key) alarms.emplace_back(local->value.view());
      if (local != nullptr && local->key == refuted_key) refuted.push_back(member);
    }
  }
  bool is_refuted(const std::string& name) {
    const auto opened = cluster.open_store(name);
    const Result<std::optional<Bytes>> stored = opened.store->get_local(refuted_key);
    return stored && *stored;
  }

  sim::Cluster cluster;
  std::vector<std::string> alarms;
  std::vector<std::string> refuted;  // members that know that their store is wrong
  std::map<Version, std::map<std::string, Digest>> digests;
  size_t evidence = 0;
  size_t cloned = 0;
  size_t switched = 0;
};

TEST(ScrubCluster, members_that_are_the_same_pass_and_keep_their_digests) {
  ScrubCluster run(3, 1);
  const ScrubReply reply = run.scrub(run.a_peon(), 7);
  EXPECT_EQ(ScrubCluster::outcomes(reply), "===");
  EXPECT_TRUE(reply.is_agreed);
  EXPECT_EQ(reply.members[0].name, "a");
  EXPECT_GT(reply.members[0].check.keys, 20U);
  EXPECT_EQ(reply.members[0].check.digest, reply.members[2].check.digest);
  ASSERT_EQ(run.digests.size(), 1U);
  EXPECT_EQ(run.digests.begin()->first, reply.version);
  for (const std::string& name : run.cluster.names()) EXPECT_EQ(run.alarm(name, "a"), "");
  for (const std::string& name : run.cluster.names()) {
    run.cluster.kill(name);
    const auto opened = run.cluster.open_store(name);
    const auto record = read_scrub_record(*opened.store->db().new_iterator());
    ASSERT_TRUE(record && *record) << name;
    EXPECT_EQ((*record)->point.version, reply.version);
    EXPECT_EQ(digest_of((*record)->segments), reply.members[0].check.digest);
  }
}

TEST(ScrubCluster, writes_go_on_meanwhile_and_each_member_reads_the_same_version) {
  ScrubCluster run(3, 2);
  for (uint64_t number = 1; number <= 5; ++number) {
    run.ask(run.cluster.leader(), number);
    for (int i = 0; i < 40; ++i) run.put(fmt::format("key-{:02}", i % 20), std::to_string(i));
    EXPECT_EQ(ScrubCluster::outcomes(run.scrub("a", number)), "===");
  }
  EXPECT_EQ(run.digests.size(), 5U);
  for (const auto& [version, of_members] : run.digests) {
    ASSERT_EQ(of_members.size(), 3U);
    EXPECT_EQ(of_members.at("a"), of_members.at("b"));
    EXPECT_EQ(of_members.at("a"), of_members.at("c"));
  }
}

TEST(ScrubCluster, it_runs_by_itself_once_an_interval) {
  CoreOptions options = ScrubCluster::small_pieces();
  options.scrub_interval = seconds(10);
  ScrubCluster run(3, 3, options);
  run.cluster.run_for(seconds(65));
  EXPECT_GE(run.digests.size(), 5U);
  EXPECT_LE(run.digests.size(), 7U);
}

// Also while writes go on, the leadership moves in the middle of a scrub, and members that were restarted come late.
TEST(ScrubCluster, no_alarm_is_raised_and_nothing_healed_where_nothing_is_wrong) {
  CoreOptions options = ScrubCluster::small_pieces();
  options.scrub_interval = seconds(2);
  options.scrub_rate = 2000;
  for (uint64_t seed = 20; seed < 25; ++seed) {
    ScrubCluster run(3, seed, options, false);
    for (int i = 0; i < 60; ++i) {
      run.put(fmt::format("key-{:02}", i % 25), std::to_string(i));
      if (i % 10 == 5) {
        const std::string next = run.a_peon();
        ASSERT_TRUE(run.cluster.transfer(run.cluster.leader(), next).has_value());
      }
      if (i % 20 == 10) {
        const std::string restarted = run.a_peon();
        run.cluster.kill(restarted);
        run.cluster.start(restarted);
      }
      run.cluster.run_for(milliseconds(500));
    }
    EXPECT_EQ(run.cluster.oracles().violation(), "");
    EXPECT_GE(run.digests.size(), 5U);
    EXPECT_EQ(run.evidence, 0U);
    EXPECT_EQ(run.alarms, std::vector<std::string>());
  }
}

// From the difference to the end.
TEST(ScrubCluster, a_member_that_differs_names_the_keys_keeps_the_evidence_and_is_healed_by_a_delta) {
  ScrubCluster run(3, 4);
  const std::string rotten = run.a_peon();
  run.rot(rotten, "key-07", "rotten");
  run.rot(rotten, "no such key", "rotten");
  ASSERT_TRUE(run.wait_for_quorum());
  const ScrubReply reply = run.scrub(run.cluster.leader(), 7);
  EXPECT_EQ(ScrubCluster::outcomes(reply).find('x'), static_cast<size_t>(rotten[0] - 'a'));
  for (const ScrubbedMember& member : reply.members) {
    if (member.name != rotten) continue;
    EXPECT_EQ(member.differing, (DifferingKeys{{"kv/k/key-07", "kv/k/no such key"}, 2, true}));
    EXPECT_NE(member.text.find("stops voting"), std::string::npos) << member.text;
  }
  for (const std::string& name : run.cluster.names()) {
    EXPECT_TRUE(run.cluster.run_until([&] { return run.alarm(rotten, name).find("healed at") != std::string::npos; }))
        << run.alarm(rotten, name);
    EXPECT_NE(run.alarm(rotten, name).find("2 keys: kv/k/key-07, kv/k/no such key"), std::string::npos);
  }
  EXPECT_NE(run.alarm(run.cluster.leader(), rotten).find("the store of " + rotten), std::string::npos);
  EXPECT_EQ(run.refuted, std::vector<std::string>{rotten});
  EXPECT_EQ(run.evidence, 1U);
  EXPECT_EQ(run.cloned, 1U);
  ASSERT_TRUE(run.wait_for_quorum());
  EXPECT_EQ(ScrubCluster::outcomes(run.scrub("a", 8)), "===");
  run.cluster.run_for(seconds(2));
  for (const std::string& name : run.cluster.names()) EXPECT_EQ(run.alarm(name, "a"), "");
  EXPECT_EQ(run.cluster.differences(), "");
}

TEST(ScrubCluster, an_alarm_outlives_restarts_until_a_scrub_passes) {
  ScrubCluster run(3, 5);
  const std::string rotten = run.a_peon();
  run.rot(rotten, "key-07", "rotten");
  ASSERT_TRUE(run.wait_for_quorum());
  run.scrub(run.cluster.leader(), 7);
  ASSERT_TRUE(run.cluster.run_until([&] { return run.switched == 1; }));
  ASSERT_TRUE(run.wait_for_quorum());
  for (const std::string& name : run.cluster.names()) {
    run.cluster.kill(name);
    run.cluster.start(name);
  }
  ASSERT_TRUE(run.wait_for_quorum());
  EXPECT_NE(run.alarm(rotten, rotten).find("healed at"), std::string::npos) << run.alarm(rotten, rotten);
  run.scrub("a", 8);
  EXPECT_TRUE(run.cluster.run_until([&] { return run.alarm(rotten, rotten).empty(); }));
}

TEST(ScrubCluster, a_leader_that_differs_hands_over_before_it_is_healed) {
  ScrubCluster run(3, 6);
  const std::string rotten = run.cluster.leader();
  run.rot(rotten, "key-07", "rotten");
  ASSERT_TRUE(run.wait_for_quorum());
  ASSERT_TRUE(run.cluster.transfer(run.cluster.leader() == rotten ? "a" : run.cluster.leader(), rotten).has_value() ||
              run.cluster.leader() == rotten);
  ASSERT_TRUE(run.wait_for_quorum());
  ASSERT_EQ(run.cluster.leader(), rotten);
  const std::string other = run.a_peon();
  const ScrubReply reply = run.scrub(other, 7);
  EXPECT_EQ(ScrubCluster::outcomes(reply).find('x'), static_cast<size_t>(rotten[0] - 'a'));
  EXPECT_EQ(reply.members[static_cast<size_t>(rotten[0] - 'a')].differing.count, 1U);
  ASSERT_TRUE(run.cluster.run_until([&] { return run.is_marked(rotten); }));
  EXPECT_NE(run.cluster.leader(), rotten);
  EXPECT_FALSE(run.cluster.leader().empty()) << "there was no election to wait for";
  ASSERT_TRUE(run.cluster.run_until([&] { return run.switched == 1; }));
  ASSERT_TRUE(run.wait_for_quorum());
  EXPECT_EQ(run.cluster.differences(), "");
}

TEST(ScrubCluster, a_repair_is_gone_on_with_after_a_restart_and_from_a_member_that_is_level) {
  for (const bool is_cut_at_the_end : {false, true}) {
    ScrubCluster run(3, 7);
    const std::string rotten = run.a_peon();
    run.rot(rotten, "key-07", "rotten");
    ASSERT_TRUE(run.wait_for_quorum());
    run.ask(run.cluster.leader(), 7);
    ASSERT_TRUE(run.cluster.run_until([&] { return run.is_marked(rotten); }));
    if (is_cut_at_the_end) run.cluster.run_for(milliseconds(30));
    run.cluster.cut_power(rotten, sim::PowerCut::all_lost);
    run.cluster.start(rotten);
    run.cluster.run_for(milliseconds(100));
    // Nobody writes, so nobody is ahead of it: an ordinary sync would be given up.
    ASSERT_TRUE(run.cluster.run_until([&] { return run.switched >= 1; }, seconds(60)));
    EXPECT_EQ(run.evidence, run.switched);
    ASSERT_TRUE(run.wait_for_quorum());
    run.cluster.kill(rotten);
    EXPECT_FALSE(run.is_refuted(rotten)) << "the copy is right";
    run.cluster.start(rotten);
    ASSERT_TRUE(run.wait_for_quorum());
    EXPECT_EQ(run.cluster.differences(), "");
  }
}

TEST(ScrubCluster, of_two_that_are_alive_neither_stops_voting) {
  ScrubCluster run(3, 8);
  const std::string rotten = run.a_peon();
  const std::string leader = run.cluster.leader();
  for (const std::string& name : run.cluster.names()) {
    if (name != rotten && name != leader) run.cluster.kill(name);
  }
  run.rot(rotten, "key-07", "rotten");
  ASSERT_TRUE(run.wait_for_quorum());
  const ScrubReply reply = run.scrub(run.cluster.leader(), 7);
  EXPECT_FALSE(reply.is_agreed);
  EXPECT_EQ(std::count_if(reply.members.begin(), reply.members.end(), [](const auto& m) { return m.differs; }), 2);
  run.cluster.run_for(seconds(20));
  EXPECT_FALSE(run.is_marked("a") || run.is_marked("b") || run.is_marked("c"));
  EXPECT_NE(run.alarm(run.cluster.leader(), rotten).find("no majority"), std::string::npos);
  run.put("key", "writes go on");
  // With the third it can be told.
  run.cluster.start_all();
  ASSERT_TRUE(run.wait_for_quorum());
  run.scrub(run.cluster.leader(), 8);
  ASSERT_TRUE(run.cluster.run_until([&] { return run.switched == 1; }, seconds(60)));
  ASSERT_TRUE(run.wait_for_quorum());
  EXPECT_EQ(run.cluster.differences(), "");
}

TEST(ScrubCluster, where_nobody_agrees_there_is_an_alarm_and_nothing_else) {
  ScrubCluster run(3, 9);
  for (const std::string& name : run.cluster.names()) run.rot(name, "key-07", "of " + name);
  ASSERT_TRUE(run.wait_for_quorum());
  const ScrubReply reply = run.scrub("a", 7);
  EXPECT_EQ(ScrubCluster::outcomes(reply), "xxx");
  EXPECT_FALSE(reply.is_agreed);
  run.cluster.run_for(seconds(20));
  EXPECT_EQ(run.switched, 0U);
  EXPECT_TRUE(run.cluster.has_quorum(3));
  EXPECT_NE(run.alarm(run.cluster.leader(), "a").find("no majority"), std::string::npos);
}

TEST(ScrubCluster, two_of_five_that_differ_are_both_healed) {
  ScrubCluster run(5, 10);
  run.rot("b", "key-07", "one");
  run.rot("d", "key-08", "another");
  ASSERT_TRUE(run.wait_for_quorum());
  EXPECT_EQ(ScrubCluster::outcomes(run.scrub("a", 7)), "=x=x=");
  ASSERT_TRUE(run.cluster.run_until([&] { return run.switched == 2; }, seconds(60)));
  ASSERT_TRUE(run.wait_for_quorum());
  EXPECT_EQ(ScrubCluster::outcomes(run.scrub("a", 8)), "=====");
  EXPECT_EQ(run.cluster.differences(), "");
}

TEST(ScrubCluster, of_a_member_that_is_away_there_is_no_report_and_an_alarm_until_it_comes_and_tells) {
  ScrubCluster run(3, 11, ScrubCluster::small_pieces(), false);
  const std::string away = run.a_peon();
  run.cluster.kill(away);
  run.cluster.run_for(seconds(5));
  const ScrubReply reply = run.scrub(run.cluster.leader(), 7);
  EXPECT_EQ(ScrubCluster::outcomes(reply).find('-'), static_cast<size_t>(away[0] - 'a'));
  EXPECT_TRUE(reply.is_agreed);
  EXPECT_NE(run.alarm(run.cluster.leader(), run.cluster.leader()).find(away + " was not checked"), std::string::npos);
  // It learns the point from the log, and hears the verdict, which knows nothing of it, when it has told.
  run.cluster.start(away);
  ASSERT_TRUE(run.cluster.run_until([&] { return run.alarm(run.cluster.leader(), run.cluster.leader()).empty(); },
                                    seconds(60)));
  EXPECT_EQ(run.digests.size(), 1U);
  EXPECT_EQ(run.digests.begin()->second.size(), 3U);
  EXPECT_EQ(run.switched, 0U);
  EXPECT_EQ(run.cluster.oracles().violation(), "");
}

TEST(ScrubCluster, one_that_differs_and_tells_after_the_verdict_is_healed_too) {
  ScrubCluster run(3, 13);
  const std::string away = run.a_peon();
  run.cluster.kill(away);
  run.cluster.run_for(seconds(5));
  const ScrubReply reply = run.scrub(run.cluster.leader(), 7);
  EXPECT_TRUE(reply.is_agreed);
  run.change_store_of(away, "key-07", "rotten");
  run.cluster.start(away);
  ASSERT_TRUE(run.cluster.run_until([&] { return run.switched == 1; }, seconds(100)));
  EXPECT_EQ(run.digests.size(), 1U);
  ASSERT_TRUE(run.wait_for_quorum());
  EXPECT_EQ(run.cluster.differences(), "");
}

TEST(ScrubCluster, one_that_cannot_be_spared_is_healed_when_it_can) {
  ScrubCluster run(3, 14);
  const std::string rotten = run.a_peon();
  run.rot(rotten, "key-07", "rotten");
  ASSERT_TRUE(run.wait_for_quorum());
  run.ask(run.cluster.leader(), 7);
  ASSERT_TRUE(run.cluster.run_until([&] { return !run.refuted.empty(); }));
  const std::string leader = run.cluster.leader();
  std::string other;
  for (const std::string& name : run.cluster.names()) {
    if (name != rotten && name != leader) other = name;
  }
  run.cluster.kill(other);
  run.cluster.run_for(seconds(60));
  EXPECT_FALSE(run.is_marked(rotten));
  EXPECT_EQ(run.switched, 0U);
  run.put("key", "writes go on");
  run.cluster.start(other);
  ASSERT_TRUE(run.cluster.run_until([&] { return run.switched == 1; }, seconds(60)));
  EXPECT_EQ(run.digests.size(), 1U) << "without another scrub";
  ASSERT_TRUE(run.wait_for_quorum());
  EXPECT_EQ(run.cluster.differences(), "");
}

TEST(ScrubCluster, one_whose_leader_is_lost_is_given_up_and_the_next_leader_begins_another) {
  CoreOptions options = ScrubCluster::small_pieces();
  options.scrub_interval = std::chrono::hours(1);
  options.scrub_rate = 200;  // so that it takes long
  ScrubCluster run(3, 12, options);
  run.ask(run.cluster.leader(), 7);
  run.cluster.run_for(seconds(2));
  const ScrubReply before = run.ask(run.cluster.leader(), 7);
  ASSERT_EQ(before.phase, Phase::walking);
  const std::string first = run.cluster.leader();
  run.cluster.kill(first);
  ASSERT_TRUE(run.cluster.run_until([&] { return !run.cluster.leader().empty(); }));
  run.cluster.start(first);
  ASSERT_TRUE(run.cluster.run_until([&] { return run.digests.size() == 1 && run.digests.begin()->second.size() >= 2; },
                                    seconds(200)));
  EXPECT_GT(run.digests.begin()->first, before.version) << "a point of the new leader's own";
}

}  // namespace
}  // namespace synod::test
