// The checker of the events of syncs, on a delta.
#include "test/unit/sim/sync_story.h"

namespace synod::test {
namespace {

// As the good story up to the mark, and then.
const Story delta = then(up_to("c [3] marked"),
                         {
                             "c [4] copy-cloned cookie=1",
                             "c [4] copy-resumed cookie=1 version=0 chunks=0",
                             "c [2] asked cookie=1 provider=b version=1 window=2 delta=yes",
                             "b [2] session-opened cookie=1 requester=c version=12 window=2",
                             "b [6] snapshot-opened cookie=1 requester=c version=11",
                             "b [8] ranges-sent cookie=1 requester=c sequence=1 ranges=5",
                             "b [8] ranges-sent cookie=1 requester=c sequence=2 ranges=4",
                             "c [8] ranges-received cookie=1 provider=b sequence=1 ranges=5",
                             "c [8] differing-sent cookie=1 provider=b sequence=1 ranges=2",
                             "b [8] differing-received cookie=1 requester=c sequence=1 ranges=2",
                             "b [9] chunk-sent cookie=1 requester=c sequence=1 keys=4 bytes=40 settles=1",
                             "c [8] ranges-received cookie=1 provider=b sequence=2 ranges=4",
                             "c [9] chunk-received cookie=1 provider=b sequence=1 keys=4 bytes=40 settles=1",
                             "c [8] differing-sent cookie=1 provider=b sequence=2 ranges=0",
                             "c [9] chunk-written cookie=1 chunks=1 sequence=1",
                             "c [9] ack-sent cookie=1 provider=b sequence=1",
                             "b [8] differing-received cookie=1 requester=c sequence=2 ranges=0",
                             "b [10] last-chunk-sent cookie=1 requester=c sequence=2 keys=0 bytes=0 settles=2 "
                             "digest=d",
                             "c [10] last-chunk-received cookie=1 provider=b sequence=2 keys=0 bytes=0 settles=2 "
                             "digest=d",
                             "c [9] chunk-written cookie=1 chunks=2 sequence=2",
                             "c [11] verifying cookie=1",
                             "c [11] verified cookie=1 version=11 digest=d",
                             "c [11] last-ack-sent cookie=1 provider=b sequence=2",
                             "c [12] switching cookie=1",
                             "c [12] switched cookie=1 version=11",
                             "b [9] ack-received cookie=1 requester=c sequence=1",
                             "b [11] last-ack-received cookie=1 requester=c sequence=2",
                         });
const size_t begins = index_of(delta, "c [4] copy-cloned");

TEST(SyncDeltaTest, a_delta_as_it_should_be_is_permitted) {
  EXPECT_EQ(verdict(delta), "");
  EXPECT_EQ(verdict_of_logs(delta), "");
}

TEST(SyncDeltaTest, a_line_that_is_left_out_is_missed_unless_nothing_stands_on_it) {
  const std::vector<std::string> not_missed = {"c [4] copy-cloned",  // the one that is gone on with
                                               "c [12] switched", "b [9] ack-received", "b [11] last-ack-received"};
  for (size_t i = begins; i < delta.size(); ++i) {
    const std::string found = verdict_of_logs(without(delta, i));
    EXPECT_EQ(found.empty(), starts_with_any(delta[i], not_missed)) << "without " << delta[i] << ": " << found;
  }
}

TEST(SyncDeltaTest, a_line_that_stands_twice_is_found) {
  for (size_t i = begins; i < delta.size(); ++i) {
    const bool may_be = delta[i].starts_with("c [4]");
    EXPECT_EQ(verdict(with(delta, i, delta[i])).empty(), may_be) << "twice " << delta[i];
  }
}

TEST(SyncDeltaTest, what_breaks_a_rule_of_it) {
  struct Breach {
    std::string line;  // the story up to the line that begins like this
    std::string then;
    std::string rule;
  };
  const std::string asked = "[2] asked cookie=1 provider=b version=1 window=2 delta=";
  const std::string ranges = "[8] ranges-received cookie=1 provider=b sequence=";
  for (const Breach& breach : std::vector<Breach>{
           {"c [3] marked", "c " + asked + "yes", "a delta has a copy"},
           {"c [3] marking", "c [4] copy-cloned cookie=1", "durable before the store is cloned"},
           {"c [2] asked", "c [4] copy-cloned cookie=1", "before a provider is asked"},
           {"c [2] asked", "b [8] ranges-sent cookie=1 requester=c sequence=1 ranges=5", "no session of that cookie"},
           {"b [2] session-opened", "b [8] ranges-sent cookie=1 requester=c sequence=1 ranges=5", "snapshot is open"},
           {"b [6] snapshot", "b [8] ranges-sent cookie=1 requester=c sequence=2 ranges=5", "one after the other"},
           {"b [8] ranges-sent cookie=1 requester=c sequence=2",
            "b [8] ranges-sent cookie=1 requester=c sequence=3 ranges=5", "a window of chunks and ranges"},
           {"b [10] last", "b [8] ranges-sent cookie=1 requester=c sequence=3 ranges=5", "after the last"},
           {"b [8] ranges-sent", "c " + ranges + "2 ranges=4", "has not sent those ranges"},
           {"b [8] ranges-sent cookie=1 requester=c sequence=2", "c " + ranges + "2 ranges=4", "one after the other"},
           {"b [6] snapshot", "c [8] differing-sent cookie=1 provider=b sequence=1 ranges=2", "have come before"},
           {"c [8] ranges-received", "c [8] differing-sent cookie=1 provider=b sequence=2 ranges=2",
            "one after the other"},
           {"c [8] ranges-received", "b [8] differing-received cookie=1 requester=c sequence=1 ranges=2",
            "has not answered"},
           {"c [8] differing-sent", "b [8] differing-received cookie=1 requester=c sequence=1 ranges=1",
            "other ranges"},
           {"c [8] differing-sent", "b [9] chunk-sent cookie=1 requester=c sequence=1 keys=4 bytes=40 settles=1",
            "has answered before"},
           {"b [9] chunk-sent", "b [9] chunk-sent cookie=1 requester=c sequence=2 keys=4 bytes=40 settles=1",
            "settled one after the other"},
           {"b [9] chunk-sent", "c [9] chunk-received cookie=1 provider=b sequence=1 keys=4 bytes=40 settles=2",
            "when they are answered"}}) {
    const Story begun(delta.begin(), delta.begin() + static_cast<ptrdiff_t>(index_of(delta, breach.line)) + 1);
    const std::string found = verdict(then(begun, {breach.then}));
    EXPECT_NE(found.find(full(breach.then)), std::string::npos) << full(breach.then) << "\nis not named in: " << found;
    EXPECT_NE(found.find(breach.rule), std::string::npos) << breach.rule << "\nis not named in: " << found;
  }
  // Who has asked for no delta gets none.
  Story whole = replaced(delta, "c " + asked + "yes", "c " + asked + "no");
  EXPECT_NE(verdict(whole).find("only for a delta"), std::string::npos) << verdict(whole);
}

TEST(SyncDeltaTest, a_clone_that_was_made_is_found_by_the_next_sync) {
  const Story cloned = up_to("c [3] marked");
  const Story next = {"c [1] must-copy cookie=2 version=2", "c [2] provider-chosen cookie=2 provider=b version=11",
                      "c [4] copy-resumed cookie=2 version=0 chunks=0",
                      "c [2] asked cookie=2 provider=b version=1 window=2 delta=yes"};
  for (const std::string end : {"c [7] failed cookie=1 provider=b chunks=0 reason=x",
                                "c [1] started cookie=0 start=2 marked=yes chunks=0 reason="}) {
    EXPECT_EQ(verdict(then(then(cloned, {"c [4] copy-cloned cookie=1", end}), next)), "");
  }
}

}  // namespace
}  // namespace synod::test
