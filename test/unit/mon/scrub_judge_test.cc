// Who agrees, who differs, and who stops voting: by a table.
#include <gtest/gtest.h>

#include "mon/core/scrub/judge.h"
#include "mon/core/scrub/repair.h"
#include "test/unit/mon/builders.h"

namespace synod::test {
namespace {

// One letter for each voter: an upper case one is a digest, 'x' cannot read its store, '-' has said nothing, 'w' is at
// it still, '.' is not in the verdict at all.
std::vector<ScrubCheck> checks_of(const std::string& letters) {
  std::vector<ScrubCheck> checks;
  for (size_t i = 0; i < letters.size(); ++i) {
    ScrubCheck check{MemberId(i + 1), ScrubState::done, 10, 100, {}, {}};
    check.digest.bytes[0] = static_cast<uint8_t>(letters[i]);
    if (letters[i] == 'x') check.state = ScrubState::unreadable;
    if (letters[i] == '-') check.state = ScrubState::missing;
    if (letters[i] == 'w') check.state = ScrubState::walking;
    if (letters[i] != '.') checks.push_back(check);
  }
  return checks;
}

std::string names(const std::set<MemberId>& members) {
  std::string text;
  for (const MemberId member : members) text += static_cast<char>('a' + member.value() - 1);
  return text;
}

std::set<MemberId> members(const std::string& names) {
  std::set<MemberId> found;
  for (const char name : names) found.insert(MemberId(static_cast<uint64_t>(name - 'a' + 1)));
  return found;
}

struct Row {
  const char* letters;
  char agreed;  // ' ': nobody
  const char* differing;
  const char* unchecked;
  const char* voting;  // can be heard, and take part
  const char* stop;    // who stops voting
};

constexpr Row rows[] = {
    // three voters
    {"AAA", 'A', "", "", "abc", ""},
    {"AAB", 'A', "c", "", "abc", "c"},
    {"BAA", 'A', "a", "", "abc", "a"},
    {"AAx", 'A', "c", "", "abc", "c"},
    {"AAB", 'A', "c", "", "ac", ""},  // b is gone: without c there would be no quorum
    {"AAB", 'A', "c", "", "c", ""},
    {"ABC", ' ', "abc", "", "abc", ""},  // nobody agrees
    {"AxB", ' ', "abc", "", "abc", ""},
    {"AB-", ' ', "ab", "c", "ab", ""},  // two alive: either may be the wrong one
    {"AA-", 'A', "", "c", "ab", ""},
    {"AA.", 'A', "", "c", "ab", ""},
    {"Aw-", ' ', "", "bc", "abc", ""},
    {"A-x", ' ', "c", "b", "ac", ""},
    {"Axx", ' ', "bc", "", "abc", ""},
    {"xxx", ' ', "abc", "", "abc", ""},
    {"---", ' ', "", "abc", "abc", ""},
    // five
    {"AAAAA", 'A', "", "", "abcde", ""},
    {"AAABC", 'A', "de", "", "abcde", "de"},
    {"AAABB", 'A', "de", "", "abcde", "de"},
    {"AABBC", ' ', "abcde", "", "abcde", ""},
    {"AAB--", ' ', "abc", "de", "abc", ""},  // a majority of those that reported is none
    {"AAAB-", 'A', "d", "e", "abcde", "d"},
    {"AAAB-", 'A', "d", "e", "abd", ""},
    {"AAAAx", 'A', "e", "", "abce", "e"},
    // two, and one
    {"AB", ' ', "ab", "", "ab", ""},
    {"AA", 'A', "", "", "ab", ""},
    {"A", 'A', "", "", "a", ""},
    {"x", ' ', "a", "", "a", ""},
};

TEST(ScrubJudge, finds_who_differs_and_who_may_stop_voting) {
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.letters) + ", voting " + row.voting);
    const Monmap monmap = monmap_of(std::string(row.letters).size());
    const ScrubJudgement judgement = judge(monmap, checks_of(row.letters));
    EXPECT_EQ(judgement.agreed ? static_cast<char>(judgement.agreed->bytes[0]) : ' ', row.agreed);
    EXPECT_EQ(names(judgement.differing), row.differing);
    EXPECT_EQ(names(judgement.unchecked), row.unchecked);
    EXPECT_EQ(judgement.is_pass(), std::string(row.differing).empty() && std::string(row.unchecked).empty());
    EXPECT_EQ(describe(monmap, judgement).empty(), judgement.is_pass());
    std::set<MemberId> stop;
    for (const Member& member : monmap.members) {
      if (may_stop_voting(monmap, judgement, member.id, members(row.voting))) stop.insert(member.id);
    }
    EXPECT_EQ(names(stop), row.stop);
  }
}

TEST(ScrubJudge, those_without_a_vote_are_not_asked_and_not_counted) {
  Monmap monmap = monmap_of(5);
  monmap.members[3].role = monmap.members[4].role = MemberRole::learner;
  const ScrubJudgement judgement = judge(monmap, checks_of("AABBB"));
  EXPECT_EQ(names(judgement.agreeing), "ab") << "of three voters";
  EXPECT_EQ(names(judgement.differing), "c");
  EXPECT_TRUE(judgement.unchecked.empty());
}

TEST(ScrubJudge, a_stranger_s_report_counts_for_nothing) {
  std::vector<ScrubCheck> checks = checks_of("AB-");
  checks.push_back(checks.front());
  checks.back().member = stranger;
  EXPECT_FALSE(judge(monmap_of(3), checks).agreed);
}

TEST(ScrubJudge, its_sentences_name_members_and_keys) {
  const Monmap monmap = monmap_of(5);
  EXPECT_EQ(describe(monmap, judge(monmap, checks_of("AAAB-"))),
            "the store of d is not what the majority has (a, b, c); e was not checked");
  EXPECT_EQ(describe(monmap, judge(monmap, checks_of("AABBC"))),
            "the stores of a, b, c, d, e differ, and no majority of the members has the same");
  EXPECT_EQ(describe(DifferingKeys{{"kv/k/a\n"}, 1, true}), "1 key: kv/k/a\\n");
  EXPECT_EQ(describe(DifferingKeys{{"a", "b"}, 7, false}), "at least 7 keys: a, b, ...");
  EXPECT_EQ(describe(DifferingKeys{{}, 0, true}), "0 keys");
  EXPECT_LT(describe(DifferingKeys{std::vector<Bytes>(100, Bytes(900, 'k')), 100, true}).size(), 2100U);
  EXPECT_EQ(describe(DifferingKeys{{Bytes(60'000, 'k')}, 1, true}), "1 key");
}

// ---------------------------------------------------------------------------------------------- the marker

TEST(Repair, is_read_back_from_the_marker) {
  for (const Repair& repair : {Repair{Version(812), {a, b}}, Repair{Version(1), {}}, Repair{Version(7), {stranger}}}) {
    EXPECT_EQ(Repair::from_marker("cookie=1 provider=x" + repair.to_marker()), repair);
  }
  EXPECT_FALSE(Repair::from_marker("cookie=1 provider=x"));
  EXPECT_FALSE(Repair::from_marker(""));
}

TEST(Repair, of_which_not_all_can_be_read_is_one_still) {
  for (const char* marker : {" repair=", " repair=x", " repair=7", " repair=7 of=", " repair=7 of=,,",
                             " repair=7 of=zz", " repair=99999999999999999999999 of=1"}) {
    EXPECT_TRUE(Repair::from_marker(marker)) << marker;
  }
}

}  // namespace
}  // namespace synod::test
