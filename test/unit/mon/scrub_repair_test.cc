// A repair: a sync that begins though nobody is ahead, from one that had what the majority has, and that is not given
// up.
#include "mon/core/sync/requester.h"
#include "test/unit/mon/monitor_driver.h"

namespace synod::test {
namespace {

using std::chrono::seconds;

const Repair of_b_and_c{Version(3), {b, c}};

// Member a of three, at version 5, started with the mark of a repair.
struct Repaired : MonitorDriver {
  explicit Repaired(const Repair& repair = of_b_and_c) : MonitorDriver(made_with(repair)) {}
  static MonitorStart made_with(const Repair& repair) {
    MonitorStart with = made(true);
    with.repair = repair;
    return with;
  }
  // As long as no other member that was not heard yet might come.
  Output wait() { return tick(CoreOptions().lease); }
  static std::vector<MemberId> asked(const Output& out) {
    std::vector<MemberId> members;
    for (const Envelope& envelope : out.messages) {
      if (std::holds_alternative<SyncStart>(envelope.message)) members.push_back(envelope.to);
    }
    return members;
  }
};

bool takes_mark_away(const Output& out) {
  return describe(out.writes) == std::vector<std::string>{"erase local monitor_synchronizing"};
}

TEST(ScrubRepair, is_made_by_a_member_that_is_level) {
  CoreOptions options;
  MonitorStart with = Repaired::made_with(of_b_and_c);
  with.options.sync_delta = false;
  MonitorDriver driver(with);
  driver.hear(b, 1, 5);
  driver.hear(c, 1, 3);
  const Output out = driver.tick(options.lease);
  EXPECT_EQ(Repaired::asked(out), std::vector<MemberId>{b});
  EXPECT_TRUE(driver.monitor.is_syncing());
  EXPECT_FALSE(takes_mark_away(out)) << "though nobody is ahead of it";
}

TEST(ScrubRepair, is_not_made_by_who_is_behind_nor_by_who_did_not_agree) {
  Repaired behind;
  behind.hear(b, 1, 4);
  behind.hear(c, 1, 3);
  EXPECT_TRUE(Repaired::asked(behind.wait()).empty());
  EXPECT_FALSE(behind.monitor.is_syncing());
  Repaired other(Repair{Version(3), {c}});
  other.hear(b, 1, 9);
  other.wait();
  EXPECT_FALSE(other.monitor.is_syncing()) << "b may have what is wrong, too";
  other.hear(c, 1, 9);
  other.wait();
  EXPECT_TRUE(other.monitor.is_syncing());
}

TEST(ScrubRepair, may_be_made_by_anybody_once_those_who_agreed_are_no_members_any_more) {
  Repaired driver(Repair{Version(3), {stranger}});
  driver.hear(b, 1, 5);
  driver.wait();
  EXPECT_TRUE(driver.monitor.is_syncing());
}

TEST(ScrubRepair, the_store_that_it_leaves_is_kept_and_the_marker_says_what_it_is) {
  Output out;
  SyncPlan plan{42, b, "b", std::nullopt, false, false, true, of_b_and_c.to_marker()};
  SyncRequester requester(CoreOptions(), plan, AcceptedLog(log_with(history(5, pn(1, b)), 5)), TimePoint(), out);
  ASSERT_EQ(out.writes.size(), 1U);
  const auto& marker = std::get<PutLocal>(out.writes[0]);
  EXPECT_EQ(marker.key, synchronizing_key);
  EXPECT_EQ(Repair::from_marker(marker.value.view()), of_b_and_c);
  std::vector<Task> tasks;
  const auto run = [&](Task task) { tasks.push_back(std::move(task)); };
  requester.on_marker_durable(TimePoint(), out, run);
  SyncChunk chunk;
  chunk.cookie = 42;
  chunk.sequence = 1;
  chunk.is_last = true;
  chunk.transaction = value("x");
  chunk.checksum = checksum64(chunk.transaction.view());
  const Position level = history(5, pn(1, b))[4].position();
  chunk.cursor = {level, level, "x", true, level};
  requester.on_message(TimePoint(), b, chunk, out, run);
  requester.on_result(TimePoint(), StoreCreated{}, out, run);
  requester.on_result(TimePoint(), ChunkWritten{}, out, run);
  EXPECT_EQ(requester.on_result(TimePoint(), Verified{level, {}}, out, run), SyncRequester::Outcome::running)
      << "I-19: a copy that is level takes nobody back";
  ASSERT_TRUE(std::holds_alternative<SwitchTask>(tasks.back()));
  EXPECT_TRUE(std::get<SwitchTask>(tasks.back()).keeps_evidence);
}

// Two of three are alive, and the other one is behind this one: without it there is no quorum, and what only it has
// committed would be gone for as long as the third is.
TEST(ScrubRepair, a_member_without_which_there_is_no_quorum_votes_again) {
  Repaired driver;
  driver.hear(c, 1, 3);
  Output out = driver.wait();
  EXPECT_FALSE(takes_mark_away(out)) << "somebody may come who can heal it";
  driver.hear(c, 1, 3);
  out = driver.tick(2 * CoreOptions().lease);
  ASSERT_TRUE(takes_mark_away(out));
  const Output after = driver.step(StoreProgress{out.step, out.step});
  EXPECT_EQ(driver.monitor.state(), MemberState::probing);
  ASSERT_EQ(after.writes.size(), 1U);
  EXPECT_NE(std::get<PutLocal>(after.writes[0]).value.view().find("votes again"), ByteView::npos);
  driver.hear(c, 1, 3);
  driver.hear(b, 1, 5);
  driver.tick(CoreOptions().lease);
  EXPECT_FALSE(driver.monitor.is_marked()) << "the next scrub decides";
}

// What it has may be the reason for which it is to be healed.
TEST(ScrubRepair, a_store_that_a_majority_has_refuted_is_copied_by_nobody_also_after_a_restart) {
  MonitorStart with = MonitorDriver::made();
  with.scrub.is_refuted = true;
  MonitorDriver refuted(with);
  MonitorDriver other(MonitorDriver::made());
  SyncStart start;
  start.cookie = 42;
  start.window = 1;
  for (MonitorDriver* driver : {&refuted, &other}) driver->hear(b, 1, 5);
  const std::vector<SyncAbort> refused = MonitorDriver::sent<SyncAbort>(refuted.receive(b, start));
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_NE(refused[0].reason.message().find("not to be what the majority has"), std::string::npos);
  EXPECT_TRUE(MonitorDriver::sent<SyncAbort>(other.receive(b, start)).empty());
}

TEST(ScrubRepair, not_while_nobody_is_heard_or_somebody_could_heal_it) {
  Repaired alone;
  EXPECT_FALSE(takes_mark_away(alone.tick(std::chrono::hours(1))));
  Repaired driver;
  driver.tick(std::chrono::hours(1));
  driver.hear(b, 1, 5);
  const Output out = driver.tick(Duration(0));
  EXPECT_FALSE(takes_mark_away(out));
  EXPECT_TRUE(driver.monitor.is_syncing());
}

}  // namespace
}  // namespace synod::test
