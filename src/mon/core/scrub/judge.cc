#include "mon/core/scrub/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/escape.h"
#include "base/mutant.h"

namespace synod {
namespace {

constexpr size_t names_bytes_max = 1000;  // of a sentence

std::string names_of(const Monmap& monmap, const std::set<MemberId>& members) {
  std::string names;
  for (const Member& member : monmap.members) {
    if (members.count(member.id) > 0) names += (names.empty() ? "" : ", ") + member.name;
  }
  return names;
}

}  // namespace

ScrubJudgement judge(const Monmap& monmap, const std::vector<ScrubCheck>& checks) {
  ScrubJudgement judgement;
  std::map<Digest, std::set<MemberId>> by_digest;
  for (const Member& member : monmap.members) {
    if (!monmap.is_voter(member.id)) continue;
    const auto check =
        std::find_if(checks.begin(), checks.end(), [&](const ScrubCheck& one) { return one.member == member.id; });
    const ScrubState state = check == checks.end() ? ScrubState::missing : check->state;
    if (state == ScrubState::done) {
      by_digest[check->digest].insert(member.id);
    } else {
      (state == ScrubState::unreadable ? judgement.differing : judgement.unchecked).insert(member.id);
    }
  }
  for (const auto& [digest, members] : by_digest) {
    if (!monmap.is_majority(members) && !SYNOD_MUTANT("scrub-trusts-minority")) continue;
    judgement.agreed = digest;
    judgement.agreeing = members;
  }
  for (const auto& [digest, members] : by_digest) {
    const bool differs = judgement.agreed ? digest != *judgement.agreed : by_digest.size() > 1;
    if (differs) judgement.differing.insert(members.begin(), members.end());
  }
  return judgement;
}

bool may_stop_voting(const Monmap& monmap, const ScrubJudgement& judgement, MemberId self,
                     const std::set<MemberId>& voting) {
  if (!judgement.agreed || judgement.differing.count(self) == 0) return false;
  std::set<MemberId> remaining;
  for (const MemberId member : judgement.agreeing) {
    if (voting.count(member) > 0 && member != self) remaining.insert(member);
  }
  return monmap.is_majority(remaining) || SYNOD_MUTANT("scrub-trusts-minority");
}

std::string describe(const Monmap& monmap, const ScrubJudgement& judgement) {
  std::string text;
  if (!judgement.agreed && !judgement.differing.empty()) {
    text = fmt::format("the stores of {} differ, and no majority of the members has the same",
                       names_of(monmap, judgement.differing));
  } else if (!judgement.differing.empty()) {
    text = fmt::format("the store of {} is not what the majority has ({})", names_of(monmap, judgement.differing),
                       names_of(monmap, judgement.agreeing));
  }
  if (judgement.unchecked.empty()) return text;
  return text + fmt::format("{}{} was not checked", text.empty() ? "" : "; ", names_of(monmap, judgement.unchecked));
}

std::string describe(const DifferingKeys& differing) {
  std::string text =
      fmt::format("{}{} key{}", differing.is_all ? "" : "at least ", differing.count, differing.count == 1 ? "" : "s");
  size_t named = 0;
  for (const Bytes& key : differing.keys) {
    const std::string name = escape(key);
    if (text.size() + name.size() > names_bytes_max) break;
    text += (named++ == 0 ? ": " : ", ") + name;
  }
  return text + (named > 0 && named < differing.count ? ", ..." : "");
}

}  // namespace synod
