// What a scrub's reports mean: which members agree, which differ, and of whom nothing is known. Each member judges for
// itself, by the same reports. Pure functions.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mon/core/monmap.h"
#include "msg/messages.h"

namespace synod {

struct ScrubJudgement {
  std::optional<Digest> agreed;  // what a majority of the voters has
  std::set<MemberId> agreeing;   // those that have it
  std::set<MemberId> differing;  // those that have another, or cannot read theirs; without agreement all that do not
                                 // have the same
  std::set<MemberId> unchecked;  // voters of which there is no report

  // All voters have the same. Whatever could not be checked is no pass.
  bool is_pass() const { return agreed && differing.empty() && unchecked.empty(); }
};

ScrubJudgement judge(const Monmap& monmap, const std::vector<ScrubCheck>& checks);

// I-24: a member stops voting only if a majority of the voters agrees on a digest that is not its own, and a quorum
// remains without it. `voting`: members that can be heard and take part.
bool may_stop_voting(const Monmap& monmap, const ScrubJudgement& judgement, MemberId self,
                     const std::set<MemberId>& voting);

// One sentence, at most some hundred bytes long, for people: "c differs from the majority; d was not checked". Empty if
// it is a pass.
std::string describe(const Monmap& monmap, const ScrubJudgement& judgement);

// "3 keys: kv/k/a, kv/k/b, kv/k/c", with as many names as fit.
std::string describe(const DifferingKeys& differing);

}  // namespace synod
