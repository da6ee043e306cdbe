#include "test/sim/agreement_oracle.h"

#include <fmt/format.h>

namespace synod::sim {
namespace {

// How many versions below the last chosen one are remembered in full.
constexpr uint64_t versions_remembered = 2000;

}  // namespace

void AgreementOracle::on_accepted(const std::string& member, const LogEntry& entry) {
  check_beside_earlier(entry);
  auto& by = acceptances_[entry.version][{entry.pn, entry.hash}];
  by.insert(member);
  if (by.size() < majority_) return;
  const auto chosen = chosen_.find(entry.version);
  if (chosen == chosen_.end()) return become_chosen(entry);
  if (chosen->second.hash == entry.hash) return;
  findings_.violated(fmt::format("version {} was chosen as {} under pn {}, and again as {} under pn {}",
                                 entry.version.value(), short_text(chosen->second.hash), to_string(chosen->second.pn),
                                 short_text(entry.hash), to_string(entry.pn)));
}

void AgreementOracle::check_beside_earlier(const LogEntry& entry) {
  const auto& of_version = acceptances_[entry.version];
  const bool is_first = of_version.count({entry.pn, entry.hash}) == 0;
  const bool is_chosen = chosen_.count(entry.version) > 0;
  for (const auto& [earlier, by] : of_version) {
    const auto& [pn, hash] = earlier;
    if (pn == entry.pn && hash != entry.hash) {
      findings_.violated(
          fmt::format("two values under pn {} at version {}", to_string(entry.pn), entry.version.value()));
    }
    const bool is_recovered = hash == entry.hash && pn < entry.pn;
    if (is_recovered && is_first && !is_chosen) findings_.count(Rare::value_recovered_under_newer_pn);
  }
}

void AgreementOracle::become_chosen(const LogEntry& entry) {
  chosen_[entry.version] = {entry.hash, entry.pn};
  on_chosen_(entry.version, entry.value);
  if (chosen_.size() <= versions_remembered) return;
  const Version oldest = chosen_.begin()->first;
  acceptances_.erase(acceptances_.begin(), acceptances_.upper_bound(oldest));
  begun_.erase(begun_.begin(), begun_.upper_bound({oldest.next(), {}}));
  chosen_.erase(chosen_.begin());
}

const ChainHash* AgreementOracle::chosen_at(Version version) const {
  const auto chosen = chosen_.find(version);
  return chosen == chosen_.end() ? nullptr : &chosen->second.hash;
}

void AgreementOracle::check_chosen(const std::string& who, const Position& position) {
  if (position.version == Version()) return;
  if (!chosen_.empty() && position.version < chosen_.begin()->first) return;
  const ChainHash* chosen = chosen_at(position.version);
  if (chosen == nullptr) {
    findings_.violated(
        fmt::format("{} takes {} for committed, which no majority has durably accepted", who, short_text(position)));
  } else if (*chosen != position.hash) {
    findings_.violated(fmt::format("{} has {} where {} was chosen", who, short_text(position), short_text(*chosen)));
  }
}

void AgreementOracle::on_committed(const std::string& member, const Position& position) {
  Position& seen = committed_[member];
  if (position == seen) return;
  if (position.version < seen.version) {
    findings_.violated(fmt::format("{} goes back from {} to {}", member, short_text(seen), short_text(position)));
  }
  check_chosen(member, position);
  seen = position;
}

void AgreementOracle::on_sent(const std::string& from, const Source& source, const Message& message) {
  if (const auto* collect = std::get_if<Collect>(&message)) {
    const uint64_t life = collected_in_.try_emplace(collect->pn, source.start_count).first->second;
    if (life != source.start_count) {
      findings_.violated(fmt::format("two lives of {} collect under pn {}", from, to_string(collect->pn)));
    }
  } else if (const auto* begin = std::get_if<Begin>(&message)) {
    const LogEntry& entry = begin->entry;
    const auto [it, is_new] = begun_.try_emplace({entry.version, entry.pn}, entry.hash);
    if (it->second != entry.hash) {
      findings_.violated(fmt::format("{} proposes two values at version {} under pn {}", from, entry.version.value(),
                                     to_string(entry.pn)));
    }
    check_chosen(from + " (begin)", begin->committed);
  } else if (const auto* commit = std::get_if<Commit>(&message)) {
    check_chosen(from + " (commit)", commit->committed);
  } else if (const auto* lease = std::get_if<Lease>(&message)) {
    check_chosen(from + " (lease)", lease->committed);
  } else if (const auto* entries = std::get_if<Entries>(&message)) {
    for (const LogEntry& entry : entries->entries) check_chosen(from + " (entries)", entry.position());
  }
}

}  // namespace synod::sim
