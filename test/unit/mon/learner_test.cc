// A member with a new id: how it follows the log, that nothing it sends could count, and what the members do for it.
#include "mon/core/learner.h"

#include "test/unit/mon/monitor_driver.h"

namespace synod::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::vector<LogEntry>& chosen() {
  static const std::vector<LogEntry> entries = history(40, pn(1, b));
  return entries;
}

Entries entries_of(size_t from, size_t to, Version first = Version(1)) {
  Entries entries{first, Version(from), {}};
  for (size_t version = from; version <= to; ++version) entries.entries.push_back(chosen()[version - 1]);
  return entries;
}

// ---------------------------------------------------------------------------------------------- following the log

struct LearnerDriver {
  explicit LearnerDriver(size_t committed = 5) : learner(options, log_with(history(committed, pn(1, b)), committed)) {}

  void hear(MemberId id, size_t first, size_t committed, MemberState state = MemberState::peon) {
    std::erase_if(peers, [&](const Peer& peer) { return peer.id == id; });
    Probe probe;
    probe.state = state;
    probe.first = Version(first);
    probe.committed = chosen()[committed - 1].position();
    peers.push_back({id, {fsid, id, 1}, probe, now});
  }
  // What it asks for, and of whom.
  std::vector<std::pair<MemberId, Version>> tick(Duration after = milliseconds(20)) {
    now += after;
    Output out;
    std::vector<const Peer*> sources;
    for (const Peer& peer : peers) sources.push_back(&peer);
    learner.tick(now, sources, out);
    return asked(out);
  }
  std::vector<std::pair<MemberId, Version>> receive(MemberId from, const Entries& entries) {
    last = Output();
    learner.on_entries(now, from, entries, last);
    learner.check_invariants();
    return asked(last);
  }
  static std::vector<std::pair<MemberId, Version>> asked(const Output& out) {
    EXPECT_TRUE(out.messages_when_durable.empty());
    EXPECT_FALSE(out.promise || out.is_durable);
    std::vector<std::pair<MemberId, Version>> found;
    for (const Envelope& envelope : out.messages) {
      found.emplace_back(envelope.to, std::get<Fetch>(envelope.message).from);
    }
    return found;
  }
  Version committed() const { return learner.log().committed().version; }

  using Asked = std::vector<std::pair<MemberId, Version>>;
  CoreOptions options;
  TimePoint now{std::chrono::hours(1)};
  Learner learner;
  std::vector<Peer> peers;
  Output last;
};
using Asked = LearnerDriver::Asked;

TEST(LearnerTest, asks_for_what_comes_next_when_somebody_says_that_there_is_more) {
  LearnerDriver driver;
  driver.hear(a, 1, 5);
  EXPECT_EQ(driver.tick(), Asked{});
  driver.hear(a, 1, 6);
  EXPECT_EQ(driver.tick(), (Asked{{a, Version(6)}}));
  EXPECT_EQ(driver.tick(), Asked{}) << "one piece at a time";
}

TEST(LearnerTest, applies_what_comes_in_order_and_tells_it_once) {
  LearnerDriver driver;
  driver.hear(a, 1, 8);
  driver.tick();
  driver.receive(a, entries_of(6, 8));
  EXPECT_EQ(driver.committed(), Version(8));
  EXPECT_EQ(describe(driver.last.writes), (std::vector<std::string>{"put 6 under 1.b", "apply 6", "put 7 under 1.b",
                                                                    "apply 7", "put 8 under 1.b", "apply 8"}));
  EXPECT_EQ(driver.learner.take_chosen().size(), 3U);
  EXPECT_TRUE(driver.learner.take_chosen().empty());
}

TEST(LearnerTest, asks_with_the_next_tick_for_the_next_piece_of_what_it_was_told_of) {
  LearnerDriver driver;
  driver.hear(a, 1, 12);
  driver.tick();
  EXPECT_EQ(driver.receive(a, entries_of(6, 8)), Asked{});
  EXPECT_EQ(driver.tick(), (Asked{{a, Version(9)}}));
}

// A probe comes twice a lease only.
TEST(LearnerTest, asks_a_source_that_goes_on_committing_again_and_again_and_rests_when_there_is_nothing) {
  LearnerDriver driver;
  driver.hear(a, 1, 6);
  driver.tick();
  EXPECT_EQ(driver.receive(a, entries_of(6, 9)), Asked{});
  EXPECT_EQ(driver.tick(driver.options.lease / 20 - milliseconds(1)), Asked{});
  EXPECT_EQ(driver.tick(milliseconds(1)), (Asked{{a, Version(10)}}));
  driver.receive(a, entries_of(10, 9));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(driver.tick(driver.options.lease / 20), Asked{});
}

TEST(LearnerTest, the_leader_is_asked_last_and_nobody_who_has_trimmed_it_or_syncs) {
  LearnerDriver driver;
  driver.hear(a, 1, 30, MemberState::leader);
  driver.hear(b, 7, 29);
  driver.hear(d, 1, 28, MemberState::syncing);
  EXPECT_EQ(driver.tick(), (Asked{{a, Version(6)}}));
  LearnerDriver other;
  other.hear(a, 1, 30, MemberState::leader);
  other.hear(b, 6, 29);
  EXPECT_EQ(other.tick(), (Asked{{b, Version(6)}}));
}

TEST(LearnerTest, another_source_is_asked_after_one_that_is_silent_lost_or_has_nothing) {
  for (const int how : {0, 1, 2}) {
    LearnerDriver driver;
    driver.hear(a, 1, 30);
    driver.hear(b, 1, 29);
    ASSERT_EQ(driver.tick(), (Asked{{a, Version(6)}}));
    if (how == 1) driver.learner.on_source_lost(a);
    if (how == 2) driver.receive(a, Entries{Version(9), Version(6), {}});
    EXPECT_EQ(driver.tick(how == 0 ? driver.options.lease : driver.options.lease / 20), (Asked{{b, Version(6)}}))
        << how;
  }
}

TEST(LearnerTest, what_was_not_asked_for_or_does_not_chain_is_not_applied) {
  LearnerDriver driver;
  driver.receive(a, entries_of(6, 8));
  EXPECT_EQ(driver.committed(), Version(5)) << "nothing was asked for";
  driver.hear(a, 1, 8);
  driver.tick();
  driver.receive(b, entries_of(6, 8));
  EXPECT_EQ(driver.committed(), Version(5)) << "another was asked";
  driver.receive(a, entries_of(7, 8));
  EXPECT_EQ(driver.committed(), Version(5)) << "other versions were asked for";
  Entries wrong{Version(1), Version(6), {entry_on(history(5, pn(1, b), "w")[4].position(), pn(1, b), "w6")}};
  driver.receive(a, wrong);
  EXPECT_EQ(driver.committed(), Version(5));
  EXPECT_TRUE(driver.last.writes.empty());
}

TEST(LearnerTest, trims_its_log_as_it_is_told) {
  LearnerDriver driver;
  Output out;
  driver.learner.trim_to(Version(4), out);
  EXPECT_EQ(driver.learner.log().first(), Version(4));
  EXPECT_EQ(describe(out.writes), std::vector<std::string>{"erase 1..4"});
}

// ---------------------------------------------------------------------------------------------- without a vote

// Member id d, of whom the monmap says that c has another one.
struct NewC : MonitorDriver {
  static MonitorStart made_of(bool is_marked) {
    MonitorStart with = made(is_marked);
    with.identity = {d, "c", 1, FormationState::formed, monmap_of(3).encode(), {}};
    with.address = "host-c:1002";
    return with;
  }
  explicit NewC(bool is_marked = false) : MonitorDriver(made_of(is_marked)) {}
  void hear(MemberId from, size_t first, size_t committed, MemberState state = MemberState::peon) {
    MonitorDriver::hear(from, first, committed, state);
  }
};

TEST(LearnerTest, a_restart_goes_on_as_a_learner_and_pulls_what_is_new) {
  NewC learner;
  EXPECT_EQ(learner.monitor.state(), MemberState::learner);
  learner.hear(a, 1, 8);
  const Output asks = learner.tick(milliseconds(20));
  ASSERT_EQ(NewC::sent<Fetch>(asks).size(), 1U);
  learner.receive(a, entries_of(6, 8));
  EXPECT_EQ(learner.monitor.committed(), chosen()[7].position());
}

TEST(LearnerTest, nothing_that_counts_is_sent_whatever_a_voter_says) {
  const Position five = chosen()[4].position();
  const ProposalNumber high = pn(7, a);
  const ClientRequest request{3, 1000, WriteRequest{{{WriteOp::Type::put, "k", SharedBytes(Bytes("v"))}}}};
  const std::vector<Message> all{
      Propose{high, Version(5)},
      ProposeReply{high, true, {}},
      Collect{high, five},
      Last{high, Version(1), five, {}},
      Begin{under(chosen()[5], high), five},
      Accept{high, five},
      Gap{high, five},
      Commit{high, chosen()[5].position()},
      Lease{high, 1, five, Version(1), {a, b}},
      LeaseAck{high, 1, five, five},
      HandOver{high},
      Refuse{high, high},
      ReadIndex{1},
      ReadIndexReply{1, five},
      Fetch{Version(1), Version(5)},
      Entries{Version(1), Version(6), {chosen()[5]}},
      SyncStart{1, Version(0), 1, {}, false},
      HoldTrim{1, b, Version(1)},
      FormPrepare{monmap_of(3).encode()},
      FormCommit{monmap_of(3).encode()},
      Forward{1, high, request},
      ForwardReply{1, {}},
  };
  NewC learner;
  for (const MemberId from : {a, b, c, stranger}) {
    for (const Message& message : all) {
      const Output out = learner.receive(from, message);
      EXPECT_TRUE(out.messages.empty() && out.messages_when_durable.empty()) << message_name(message);
      EXPECT_TRUE(out.writes.empty() && !out.identity && out.tasks.empty()) << message_name(message);
    }
  }
  EXPECT_EQ(learner.monitor.committed(), five);
}

TEST(LearnerTest, it_never_stands_for_election) {
  NewC learner;
  for (int i = 0; i < 200; ++i) {
    learner.hear(a, 1, 5, MemberState::probing);
    learner.hear(b, 1, 5, MemberState::probing);
    const Output out = learner.tick(milliseconds(100));
    EXPECT_TRUE(out.messages.empty() && out.messages_when_durable.empty());
  }
  EXPECT_EQ(learner.monitor.state(), MemberState::learner);
}

TEST(LearnerTest, requests_are_refused_at_once_with_the_reason_but_its_status_is_told) {
  NewC learner;
  const RangeRequest serializable{"a", "b", 0, Consistency::serializable};
  for (const decltype(ClientRequest::body)& body : std::vector<decltype(ClientRequest::body)>{
           WriteRequest{{{WriteOp::Type::put, "k", SharedBytes(Bytes("v"))}}}, RangeRequest{"a", "b"}, serializable,
           OpenSessionRequest{5}, TransferRequest{"a"}}) {
    const Output out = learner.step(RequestReceived{1, ClientRequest{9, 1000, body}});
    ASSERT_EQ(out.answers.size(), 1U);
    EXPECT_EQ(out.answers[0].reply.status.code(), Code::unavailable);
    EXPECT_NE(out.answers[0].reply.status.message().find("has no vote"), std::string::npos);
    EXPECT_TRUE(out.messages.empty());
  }
  const Output out = learner.step(RequestReceived{1, ClientRequest{9, 1000, StatusRequest{}}});
  const auto& status = std::get<StatusReply>(out.answers.at(0).reply.body);
  EXPECT_EQ(status.state, MemberState::learner);
  ASSERT_EQ(status.members.size(), 4U);
  EXPECT_EQ(status.members[2].id, c);
  EXPECT_FALSE(status.members[2].reachable);
  EXPECT_TRUE(status.members[2].has_vote);
  EXPECT_EQ(status.members[3].id, d);
  EXPECT_EQ(status.members[3].name, "c");
  EXPECT_FALSE(status.members[3].has_vote);
  EXPECT_EQ(status.members[3].committed, Version(5));
}

TEST(LearnerTest, what_it_needs_and_nobody_has_in_its_log_it_copies) {
  NewC learner;
  learner.hear(a, 20, 30, MemberState::leader);
  learner.hear(b, 20, 30);
  const Output marks = learner.tick(CoreOptions().lease);
  EXPECT_EQ(describe(marks.writes), std::vector<std::string>{"put local monitor_synchronizing"});
  EXPECT_EQ(learner.monitor.state(), MemberState::syncing);
  const Output asks = learner.step(StoreProgress{marks.step, marks.step});
  EXPECT_TRUE(NewC::sent<SyncStart>(asks).empty()) << "its store is cloned first";
  NewC marked(true);
  marked.hear(b, 20, 30);
  const Output again = marked.tick(CoreOptions().lease);
  EXPECT_EQ(marked.monitor.state(), MemberState::syncing);
  EXPECT_TRUE(marked.monitor.is_syncing());
}

TEST(LearnerTest, it_is_not_asked_for_copies) {
  NewC learner;
  const Output out = learner.receive(a, SyncStart{1, Version(0), 1, {}, false});
  EXPECT_TRUE(out.tasks.empty());
}

// ---------------------------------------------------------------------------------------------- at the members

struct Voter : MonitorDriver {
  // `id` says that it is the learner of this name.
  void hear_learner(MemberId id, size_t committed, const std::string& name = "c", Fsid of = fsid,
                    MemberState state = MemberState::learner) {
    Probe probe;
    probe.name = name;
    probe.address = "host-c:1002";
    probe.state = state;
    probe.formation = FormationState::formed;
    if (committed > 0) probe.committed = chosen()[committed - 1].position();
    step(PeerMessage{{of, id, 1}, probe});
    step(PeerConnected{id});
  }
  Output fetch(MemberId from, Fsid of = fsid) {
    return step(PeerMessage{{of, from, 1}, Fetch{Version(1), Version(5)}});
  }
};

TEST(LearnerTest, a_learner_is_served_from_the_log_and_a_stranger_is_not) {
  Voter voter;
  EXPECT_TRUE(voter.fetch(d).tasks.empty()) << "nothing was heard of it";
  voter.hear_learner(d, 0);
  EXPECT_EQ(voter.fetch(d).tasks.size(), 1U);
  voter.hear_learner(e, 0, "z");
  EXPECT_TRUE(voter.fetch(e).tasks.empty()) << "the cluster has no such name";
  Voter other;
  other.hear_learner(d, 0, "c", Fsid{{9}});
  EXPECT_TRUE(other.fetch(d).tasks.empty()) << "it is of another cluster";
  EXPECT_TRUE(other.fetch(d, Fsid{{9}}).tasks.empty());
  Voter outsider;
  outsider.hear_learner(d, 0, "c", fsid, MemberState::outsider);
  EXPECT_TRUE(outsider.fetch(d).tasks.empty());
}

TEST(LearnerTest, of_one_name_one_learner_is_served) {
  Voter voter;
  voter.hear_learner(e, 0);
  EXPECT_EQ(voter.fetch(e).tasks.size(), 1U);
  voter.hear_learner(d, 0);
  EXPECT_EQ(voter.fetch(d).tasks.size() + voter.fetch(e).tasks.size(), 1U);
  voter.hear_learner(MemberId(6), 0, "b");
  EXPECT_EQ(voter.fetch(MemberId(6)).tasks.size(), 1U);
}

TEST(LearnerTest, whoever_was_lost_twice_is_served_when_the_one_before_is_silent) {
  Voter voter;
  voter.hear_learner(d, 0);
  voter.hear_learner(e, 0);
  ASSERT_TRUE(voter.fetch(e).tasks.empty());
  voter.now += 3 * CoreOptions().lease + milliseconds(1);
  voter.hear_learner(e, 0);
  EXPECT_EQ(voter.fetch(e).tasks.size(), 1U);
}

// Under its id: its name is that of a member.
std::vector<std::string> refused_in_trace(const Output& out) {
  std::vector<std::string> peers;
  for (const SyncEvent& event : out.sync_events) {
    if (event.kind == SyncEventKind::session_refused) peers.push_back(event.peer);
  }
  return peers;
}

TEST(LearnerTest, one_place_for_a_sync_is_kept_for_who_has_a_vote) {
  Voter voter;
  voter.hear_learner(d, 0, "c");
  voter.hear_learner(e, 0, "b");
  const auto is_served = [](const Output& out) {
    return std::any_of(out.tasks.begin(), out.tasks.end(), [](const TaskRequest& request) {
      return std::holds_alternative<OpenSnapshotTask>(request.task);
    });
  };
  EXPECT_TRUE(is_served(voter.receive(d, SyncStart{1, Version(0), 1, {}, false})));
  const Output refused = voter.receive(e, SyncStart{2, Version(0), 1, {}, false});
  EXPECT_TRUE(refused.tasks.empty());
  ASSERT_EQ(Voter::sent<SyncAbort>(refused).size(), 1U);
  EXPECT_EQ(Voter::sent<SyncAbort>(refused)[0].reason.code(), Code::exhausted);
  EXPECT_EQ(refused_in_trace(refused), std::vector{to_string(e)});
  voter.step(PeerConnected{b});
  EXPECT_TRUE(is_served(voter.receive(b, SyncStart{3, Version(0), 1, {}, false})));
  EXPECT_TRUE(is_served(voter.receive(d, SyncStart{4, Version(0), 1, {}, false}))) << "its next one ends its last";
}

TEST(LearnerTest, who_is_not_known_as_a_learner_is_told_that_its_sync_is_not_served) {
  Voter voter;
  voter.step(PeerConnected{d});
  const Output refused = voter.receive(d, SyncStart{2, Version(0), 1, {}, false});
  EXPECT_TRUE(refused.tasks.empty());
  EXPECT_EQ(Voter::sent<SyncAbort>(refused).size(), 1U);
  EXPECT_EQ(refused_in_trace(refused), std::vector{to_string(d)});
}

TEST(LearnerTest, what_a_learner_has_no_right_to_is_ignored) {
  Voter voter;
  voter.hear_learner(d, 5);
  const Position five = chosen()[4].position();
  const ProposalNumber high = pn(9, d);
  for (const Message& message : std::vector<Message>{
           Propose{high, Version(5)}, Collect{high, five}, Begin{under(chosen()[4], high), five}, Commit{high, five},
           Lease{high, 1, five, Version(1), {d}}, HandOver{high}, ReadIndex{1}, HoldTrim{1, d, Version(1)},
           Forward{1, high, {}}, Entries{Version(1), Version(6), {chosen()[5]}}}) {
    const Output out = voter.receive(d, message);
    EXPECT_TRUE(out.messages.empty() && out.messages_when_durable.empty() && !out.promise && out.writes.empty())
        << message_name(message);
  }
}

}  // namespace
}  // namespace synod::test
