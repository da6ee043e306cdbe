// The first formation: whole Monitors in memory, with every message in the hands of the test.
#include "mon/core/formation.h"

#include <gtest/gtest.h>

#include "mon/core/monitor.h"
#include "mon/daemon/store_engine.h"
#include "mon/service/monmap_service.h"
#include "test/sim/home.h"
#include "test/unit/mon/builders.h"

namespace synod {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint start_time{std::chrono::hours(1)};

bool is_of_formation(const Message& message) {
  return std::holds_alternative<FormPrepare>(message) || std::holds_alternative<FormPrepared>(message) ||
         std::holds_alternative<FormCommit>(message);
}

// Monitors with the engine on a home in memory; effects are performed at once, messages arrive with the next turn.
class Mesh {
 public:
  struct Node {
    std::string name;
    std::vector<InitialMember> list;
    bool may_form_alone = false;
    sim::MemoryHome home;
    sim::SeededRandom random{1};
    std::optional<StoreEngine> engine;
    std::optional<Monitor> monitor;
    std::deque<PeerMessage> inbox;
    std::set<MemberId> connected;
  };

  explicit Mesh(size_t size) {
    for (size_t i = 0; i < size; ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      list_.push_back({name, fmt::format("host-{}:1", name)});
    }
    for (const InitialMember& member : list_) {
      Node& node = nodes_[member.name];
      node.name = member.name;
      node.list = list_;
      node.random = sim::SeededRandom(member.name[0]);
    }
  }
  Node& node(const std::string& name) { return nodes_.at(name); }
  const Monitor& monitor(const std::string& name) { return *node(name).monitor; }
  Identity identity(const std::string& name) { return *Identity::decode(*node(name).home.identity()); }

  void start(const std::string& name) {
    Node& n = node(name);
    MonitorStart start;
    start.address = fmt::format("host-{}:1", name);
    start.initial_members = n.list;
    start.may_form_alone = n.may_form_alone;
    if (n.home.identity()) {
      start.identity = identity(name);
    } else {
      start.identity.id = MemberId(n.random.next());
      start.identity.name = name;
    }
    ++start.identity.start_count;
    EXPECT_TRUE(n.home.write_identity(start.identity.encode()).is_ok());
    std::unique_ptr<MonitorStore> store;
    if (start.identity.formation == FormationState::formed) {
      store = std::make_unique<MonitorStore>(*n.home.open_current({}));
      start.log = *store->load_log();
      start.monmap = *Monmap::decode(**store->new_reader()->get(monmap_key));
    }
    n.engine.emplace(n.home, std::move(store), EngineOptions{});
    n.monitor.emplace(std::move(start), n.random, now_);
  }
  void start_all() {
    for (auto& [name, node] : nodes_) {
      if (!node.monitor) start(name);
    }
  }
  void crash(const std::string& name) {
    const MemberId id = node(name).monitor->id();
    node(name).monitor.reset();
    node(name).engine.reset();
    node(name).inbox.clear();
    node(name).connected.clear();
    for (auto& [other, peer] : nodes_) {
      if (peer.connected.erase(id) > 0) step(peer, PeerDisconnected{id});
    }
  }
  void wipe(const std::string& name) {
    crash(name);
    node(name).home = sim::MemoryHome();
  }

  // One turn is 20 ms: ticks, then the messages that were there when it began.
  void run(Duration duration) {
    for (const TimePoint end = now_ + duration; now_ < end;) {
      now_ += milliseconds(20);
      connect();
      for (auto& [name, node] : nodes_) {
        if (node.monitor) step(node, Tick{});
      }
      for (auto& [name, node] : nodes_) {
        for (size_t count = node.inbox.size(); count > 0 && !node.inbox.empty(); --count) {
          PeerMessage next = std::move(node.inbox.front());
          node.inbox.pop_front();
          if (node.monitor) step(node, std::move(next));
        }
      }
    }
  }
  bool run_until_formed(Duration limit = seconds(20)) {
    for (const TimePoint end = now_ + limit; now_ < end;) {
      run(milliseconds(20));
      if (is_formed()) return true;
    }
    return false;
  }
  bool is_formed() {
    for (auto& [name, node] : nodes_) {
      if (!node.monitor || identity(name).formation != FormationState::formed) return false;
    }
    return true;
  }
  // The clusters that members say they are formed into.
  std::set<Fsid> formed_clusters() {
    std::set<Fsid> found;
    for (auto& [name, node] : nodes_) {
      if (!node.home.identity()) continue;
      const Identity record = identity(name);
      if (record.formation == FormationState::formed) found.insert(Monmap::decode(record.monmap)->fsid);
    }
    return found;
  }

  // Called with each message of the formation, counted from 0, before it arrives; false loses it.
  std::function<bool(int number, const std::string& to, const Message&)> on_form_message;
  int form_messages = 0;

 private:
  void step(Node& node, Input input) {
    Output out = node.monitor->step(now_, std::move(input));
    if (out.identity) {
      EXPECT_TRUE(node.home.write_identity(*out.identity).is_ok());
    }
    if (!out.writes.empty()) {
      std::vector<WriteJob> jobs;
      jobs.push_back({{}, out.writes, Durability::durable});
      EXPECT_TRUE(node.engine->write(jobs).is_ok());
    }
    const Source source = node.monitor->source();
    const std::string name = node.name;
    for (auto* messages : {&out.messages, &out.messages_when_durable}) {
      for (Envelope& envelope : *messages) deliver(source, envelope.to, std::move(envelope.message));
    }
    if (out.probe) {
      for (auto& [other, peer] : nodes_) {
        if (other != name) peer.inbox.push_back({source, *out.probe});
      }
    }
    for (TaskRequest& request : out.tasks) {
      if (!node.monitor) return;
      Result<TaskResult> result = node.engine->run(request.task);
      ASSERT_TRUE(result.has_value());
      step(node, TaskDone{request.id, *std::move(result)});
    }
    if (node.monitor && (out.identity || !out.writes.empty())) step(node, StoreProgress{out.step, out.step});
  }
  void connect() {
    for (auto& [name, node] : nodes_) {
      for (auto& [other, peer] : nodes_) {
        if (name == other || !node.monitor || !peer.monitor) continue;
        if (node.connected.insert(peer.monitor->id()).second) step(node, PeerConnected{peer.monitor->id()});
      }
    }
  }
  void deliver(const Source& source, MemberId to, Message message) {
    for (auto& [name, node] : nodes_) {
      if (!node.monitor || node.monitor->id() != to) continue;
      const bool is_counted = is_of_formation(message);
      const int number = is_counted ? form_messages++ : -1;
      if (is_counted && on_form_message && !on_form_message(number, name, message)) return;
      node.inbox.push_back({source, std::move(message)});
      return;
    }
  }

  std::vector<InitialMember> list_;
  std::map<std::string, Node> nodes_;
  TimePoint now_ = start_time;
};

TEST(FormationTest, all_members_prepare_and_then_all_are_formed_into_one_cluster) {
  for (const size_t size : {size_t{2}, size_t{3}, size_t{5}}) {
    Mesh mesh(size);
    mesh.start_all();
    ASSERT_TRUE(mesh.run_until_formed()) << size;
    EXPECT_EQ(mesh.formed_clusters().size(), 1U);
    EXPECT_EQ(Monmap::decode(mesh.identity("a").monmap)->members.size(), size);
    EXPECT_EQ(Monmap::decode(mesh.identity("a").monmap)->epoch, 1U);
  }
}

TEST(FormationTest, it_waits_for_calls_before_it_begins) {
  Mesh mesh(3);
  mesh.start_all();
  mesh.run(CoreOptions().formation_wait - milliseconds(20));
  EXPECT_EQ(mesh.form_messages, 0);
}

TEST(FormationTest, nobody_is_formed_before_everybody_is_prepared) {
  Mesh mesh(3);
  mesh.on_form_message = [&](int, const std::string& to, const Message& message) {
    EXPECT_FALSE(std::holds_alternative<FormCommit>(message));
    return to != "c" || !std::holds_alternative<FormPrepare>(message);  // c never hears of it
  };
  mesh.start_all();
  mesh.run(seconds(20));
  EXPECT_TRUE(mesh.formed_clusters().empty());
  EXPECT_EQ(mesh.identity("b").formation, FormationState::prepared);
  EXPECT_EQ(mesh.identity("c").formation, FormationState::fresh);
}

TEST(FormationTest, it_is_unanimous_one_missing_member_stops_it) {
  Mesh mesh(3);
  mesh.start("a");
  mesh.start("b");
  mesh.run(seconds(30));
  EXPECT_EQ(mesh.form_messages, 0);
  mesh.start("c");
  EXPECT_TRUE(mesh.run_until_formed());
}

TEST(FormationTest, members_with_unequal_lists_never_form) {
  Mesh mesh(3);
  std::swap(mesh.node("b").list[1], mesh.node("b").list[2]);
  mesh.start_all();
  mesh.run(seconds(20));
  EXPECT_EQ(mesh.form_messages, 0);
  EXPECT_TRUE(mesh.formed_clusters().empty());
}

// Whatever one message is lost: it completes, and in one cluster.
TEST(FormationTest, each_message_lost_in_turn_it_completes_or_starts_again) {
  int total = 1;
  for (int lost = 0; lost < total; ++lost) {
    Mesh mesh(3);
    mesh.on_form_message = [&](int number, const std::string&, const Message&) { return number != lost; };
    mesh.start_all();
    ASSERT_TRUE(mesh.run_until_formed()) << "lost message " << lost;
    EXPECT_EQ(mesh.formed_clusters().size(), 1U) << "lost message " << lost;
    if (lost == 0) total = mesh.form_messages;
  }
  EXPECT_GE(total, 6);
}

// Whoever ends before whatever message: after its return there is one cluster, of all.
TEST(FormationTest, each_member_killed_before_each_message_in_turn_they_form_one_cluster) {
  for (const std::string victim : {"a", "b", "c"}) {
    for (int at = 0; at < 8; ++at) {
      Mesh mesh(3);
      bool is_due = false;
      mesh.on_form_message = [&](int number, const std::string&, const Message&) {
        is_due = is_due || number == at;
        return !is_due || number < at;
      };
      mesh.start_all();
      for (int turn = 0; turn < 200 && !is_due; ++turn) mesh.run(milliseconds(20));
      mesh.crash(victim);
      mesh.on_form_message = nullptr;
      mesh.run(seconds(2));
      mesh.start(victim);
      ASSERT_TRUE(mesh.run_until_formed()) << victim << " before message " << at;
      EXPECT_EQ(mesh.formed_clusters().size(), 1U) << victim << " before message " << at;
    }
  }
}

TEST(FormationTest, a_prepared_member_may_be_prepared_again_for_another_cluster) {
  Mesh mesh(3);
  mesh.on_form_message = [](int, const std::string& to, const Message& message) {
    return to != "a" || std::holds_alternative<FormPrepare>(message);  // no answer reaches the proposer
  };
  mesh.start_all();
  mesh.run(seconds(3));
  ASSERT_EQ(mesh.identity("b").formation, FormationState::prepared);
  const Fsid first = Monmap::decode(mesh.identity("b").monmap)->fsid;
  mesh.crash("a");
  mesh.on_form_message = nullptr;
  mesh.start("a");
  ASSERT_TRUE(mesh.run_until_formed());
  EXPECT_NE(*mesh.formed_clusters().begin(), first) << "the proposer's new life draws a new one";
}

TEST(FormationTest, a_prepared_member_that_hears_of_the_formed_cluster_becomes_formed) {
  Mesh mesh(3);
  mesh.on_form_message = [](int, const std::string& to, const Message& message) {
    return to != "b" || !std::holds_alternative<FormCommit>(message);
  };
  mesh.start_all();
  EXPECT_TRUE(mesh.run_until_formed());
  EXPECT_EQ(mesh.formed_clusters().size(), 1U);
}

TEST(FormationTest, a_member_that_heard_of_a_formed_cluster_never_forms_another) {
  Mesh mesh(3);
  mesh.start_all();
  ASSERT_TRUE(mesh.run_until_formed());
  const Fsid cluster = *mesh.formed_clusters().begin();
  mesh.wipe("a");  // the first in the list, who proposes
  mesh.wipe("b");
  mesh.start("a");
  mesh.start("b");
  mesh.run(CoreOptions().formation_wait / 2);
  mesh.crash("c");  // it called; now it is silent
  mesh.run(seconds(30));
  EXPECT_EQ(mesh.identity("a").formation, FormationState::fresh);
  EXPECT_EQ(mesh.monitor("a").state(), MemberState::outsider);
  EXPECT_EQ(mesh.formed_clusters(), std::set<Fsid>{cluster});
  mesh.start("c");
  mesh.run(seconds(3));
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(mesh.identity(name).formation, FormationState::formed);
    EXPECT_EQ(mesh.monitor(name).state(), MemberState::learner) << name;
  }
  EXPECT_EQ(mesh.formed_clusters(), std::set<Fsid>{cluster});
}

TEST(FormationTest, a_learner_that_starts_again_is_one) {
  Mesh mesh(3);
  mesh.start_all();
  ASSERT_TRUE(mesh.run_until_formed());
  mesh.wipe("b");
  mesh.start("b");
  mesh.run(seconds(3));
  const MemberId id = mesh.monitor("b").id();
  ASSERT_EQ(mesh.monitor("b").state(), MemberState::learner);
  mesh.crash("b");
  mesh.start("b");
  EXPECT_EQ(mesh.monitor("b").state(), MemberState::learner);
  EXPECT_EQ(mesh.monitor("b").id(), id);
}

TEST(FormationTest, a_list_of_one_forms_only_when_it_is_told_to) {
  Mesh mesh(1);
  mesh.start("a");
  mesh.run(seconds(20));
  EXPECT_TRUE(mesh.formed_clusters().empty());
  mesh.crash("a");
  mesh.node("a").may_form_alone = true;
  mesh.start("a");
  EXPECT_TRUE(mesh.run_until_formed());
}

// ---------------------------------------------------------------------------------------------- hand-made messages

struct Alone {
  Alone() : formation({}, random, *parse_initial_members("a=h:1,b=h:2,c=h:3"), false, start_time) {
    identity.id = test::b;
    identity.name = "b";
  }
  static Monmap proposal() {
    return {test::fsid,
            1,
            {{"a", test::a, "h:1", MemberRole::voter},
             {"b", test::b, "h:2", MemberRole::voter},
             {"c", test::c, "h:3", MemberRole::voter}}};
  }
  std::optional<Monmap> receive(MemberId from, const Message& message) {
    out = Output();
    return formation.step(start_time, from, message, identity, out);
  }

  sim::SeededRandom random{1};
  Formation formation;
  Identity identity;
  Output out;
};

TEST(FormationTest, a_preparation_is_durable_before_it_is_told) {
  Alone alone;
  alone.receive(test::a, FormPrepare{Alone::proposal().encode()});
  ASSERT_TRUE(alone.out.identity.has_value());
  EXPECT_EQ(Identity::decode(*alone.out.identity)->formation, FormationState::prepared);
  EXPECT_TRUE(alone.out.messages.empty());
  EXPECT_EQ(alone.out.messages_when_durable.size(), 1U);
}

TEST(FormationTest, a_proposal_that_is_not_the_own_list_or_not_of_the_first_member_is_not_prepared) {
  Monmap other_address = Alone::proposal();
  other_address.members[2].address = "h:4";
  Monmap other_self = Alone::proposal();
  other_self.members[1].id = test::d;
  Monmap shorter = Alone::proposal();
  shorter.members.pop_back();
  Monmap nobody = Alone::proposal();
  nobody.members[2].id = MemberId();
  Monmap no_cluster = Alone::proposal();
  no_cluster.fsid = {};
  for (const Monmap& monmap : {other_address, other_self, shorter, nobody, no_cluster}) {
    Alone alone;
    alone.receive(test::a, FormPrepare{monmap.encode()});
    EXPECT_EQ(alone.identity.formation, FormationState::fresh);
  }
  Alone alone;
  alone.receive(test::c, FormPrepare{Alone::proposal().encode()});
  alone.receive(test::a, FormPrepare{"junk"});
  EXPECT_EQ(alone.identity.formation, FormationState::fresh);
  EXPECT_TRUE(alone.out.messages_when_durable.empty());
}

TEST(FormationTest, a_commit_counts_only_for_what_was_prepared) {
  Alone alone;
  EXPECT_FALSE(alone.receive(test::a, FormCommit{Alone::proposal().encode()}).has_value());
  alone.receive(test::a, FormPrepare{Alone::proposal().encode()});
  Monmap other = Alone::proposal();
  other.fsid = Fsid{{9}};
  EXPECT_FALSE(alone.receive(test::a, FormCommit{other.encode()}).has_value());
  EXPECT_EQ(alone.receive(test::a, FormCommit{Alone::proposal().encode()}), Alone::proposal());
}

// ---------------------------------------------------------------------------------------------- learners

// Fresh b, with what others say to it.
struct Lost : Alone {
  Lost() { identity.id = test::d; }
  struct Says {
    std::string name;
    std::string address;
    Monmap monmap = proposal();
    bool is_connected = true;
    MemberId id = {};
  };
  void hear(const Says& says) {
    Probe probe;
    probe.name = says.name;
    probe.address = says.address;
    probe.formation = FormationState::formed;
    probe.monmap = says.monmap.encode();
    const MemberId id = says.id ? says.id : says.monmap.find_name(says.name)->id;
    peers.on_probe(now, {says.monmap.fsid, id, 1}, probe);
    if (says.is_connected) connected.insert(id);
    Output ignored;
    EXPECT_FALSE(formation.step(now, id, Message(probe), identity, ignored).has_value());
  }
  std::optional<Monmap> tick(Duration after) {
    now += after;
    out = Output();
    return formation.tick(now, peers, connected, identity, out);
  }
  static Monmap other_cluster() {
    Monmap other = proposal();
    other.fsid = Fsid{{7}};
    return other;
  }

  const Duration wait = CoreOptions().formation_wait;
  TimePoint now = start_time;
  PeerTable peers{seconds(3)};
  std::set<MemberId> connected;
};

TEST(FormationTest, a_lost_member_follows_the_cluster_that_has_its_name_when_others_could_be_heard) {
  Lost lost;
  lost.hear({"a", "h:1"});
  EXPECT_FALSE(lost.tick(lost.wait - milliseconds(1)).has_value());
  EXPECT_TRUE(lost.formation.is_outsider());
  EXPECT_EQ(lost.tick(milliseconds(1)), Alone::proposal());
}

TEST(FormationTest, a_prepared_member_whose_id_is_not_listed_follows_too) {
  Lost lost;
  Monmap with_own_id = Alone::proposal();
  with_own_id.members[1].id = test::d;
  lost.receive(test::a, FormPrepare{with_own_id.encode()});
  ASSERT_EQ(lost.identity.formation, FormationState::prepared);
  lost.hear({"a", "h:1"});
  EXPECT_EQ(lost.tick(lost.wait), Alone::proposal());
}

TEST(FormationTest, a_stranger_who_calls_captures_nobody) {
  Lost uncalled;
  uncalled.hear({.name = "a", .address = "h:1", .is_connected = false});
  EXPECT_FALSE(uncalled.tick(uncalled.wait).has_value()) << "nobody was found at that address";
  Lost elsewhere;
  elsewhere.hear({"a", "h:9"});
  EXPECT_FALSE(elsewhere.tick(elsewhere.wait).has_value()) << "not an address of the list";
  Lost unlisted;
  unlisted.hear({.name = "a", .address = "h:1", .id = test::e});
  EXPECT_FALSE(unlisted.tick(unlisted.wait).has_value()) << "a learner knows what it was told";
}

TEST(FormationTest, more_than_half_of_those_that_are_formed_must_be_of_one_cluster) {
  Lost lost;
  lost.hear({"a", "h:1"});
  lost.hear({.name = "c", .address = "h:3", .monmap = Lost::other_cluster()});
  EXPECT_FALSE(lost.tick(lost.wait).has_value());
  lost.now += seconds(4);
  lost.hear({"a", "h:1"});
  EXPECT_EQ(lost.tick({}), Alone::proposal()) << "the other one is silent";
}

TEST(FormationTest, a_name_that_the_cluster_does_not_have_stays_an_outsider) {
  Lost lost;
  Monmap without = Alone::proposal();
  without.members[1].name = "z";
  lost.hear({.name = "a", .address = "h:1", .monmap = without});
  EXPECT_FALSE(lost.tick(lost.wait * 2).has_value());
  EXPECT_TRUE(lost.formation.is_outsider());
  EXPECT_NE(lost.formation.waits_for().find("does not list member id"), std::string::npos);
}

}  // namespace
}  // namespace synod
