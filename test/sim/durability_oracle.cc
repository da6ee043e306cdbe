#include "test/sim/durability_oracle.h"

#include <fmt/format.h>

#include <algorithm>

namespace synod::sim {
namespace {

// An acceptance is still there, or gave way to one under a higher pn at or below its version.
bool is_covered(const std::vector<LogEntry>& entries, Version version, const ProposalNumber& pn,
                const ChainHash& hash) {
  return std::any_of(entries.begin(), entries.end(), [&](const LogEntry& entry) {
    const bool is_same = entry.version == version && entry.hash == hash && entry.pn >= pn;
    return is_same || (entry.version <= version && entry.pn > pn);
  });
}

}  // namespace

ProposalNumber DurabilityOracle::Held::promise() const {
  ProposalNumber highest = promised;
  for (const auto& [version, acceptance] : accepted) highest = std::max(highest, acceptance.pn);
  return highest;
}

bool DurabilityOracle::has_accepted(const std::string& member) const {
  const auto held = members_.find(member);
  return held != members_.end() && !held->second.accepted.empty();
}

bool DurabilityOracle::is_chosen(Version version, const ChainHash& hash) const {
  const ChainHash* chosen = agreement_.chosen_at(version);
  return chosen != nullptr && *chosen == hash;
}

// ---------------------------------------------------------------------------------------------- disks

void DurabilityOracle::check_durable(const std::string& member, const MonitorStart& start) {
  const Held& held = members_[member];
  const LogState log = start.log.value_or(LogState{});
  ProposalNumber promise = start.identity.promised;
  for (const LogEntry& entry : log.accepted) promise = std::max(promise, entry.pn);
  if (promise < std::max(held.promise(), held.told)) {
    findings_.violated(fmt::format("{} holds the promise {}, and had promised {}, told {}", member, to_string(promise),
                                   to_string(held.promise()), to_string(held.told)));
  }
  if (log.applied.version < held.applied.version) {
    findings_.violated(
        fmt::format("{} holds {}, and was durably at {}", member, short_text(log.applied), short_text(held.applied)));
  }
  check_accepted(member, held, log);
  agreement_.check_chosen("the disk of " + member, log.applied);
}

void DurabilityOracle::check_accepted(const std::string& member, const Held& held, const LogState& log) {
  for (const auto& [version, acceptance] : held.accepted) {
    if (version <= log.applied.version) {
      // What it accepted is one chain: on top of a value that was not chosen nothing ever can be.
      const ChainHash* chosen = agreement_.chosen_at(version);
      if (chosen != nullptr && *chosen != acceptance.hash) return;
    } else if (!is_covered(log.accepted, version, acceptance.pn, acceptance.hash)) {
      findings_.violated(fmt::format("{} has forgotten its acceptance of {} under pn {}", member,
                                     short_text(Position{version, acceptance.hash}), to_string(acceptance.pn)));
    }
  }
}

void DurabilityOracle::on_start(const std::string& member, const MonitorStart& start, bool has_vote) {
  Held& held = members_[member];
  const ProposalNumber told = held.told;
  held = Held();
  held.told = told;
  held.has_vote = has_vote;
  held.promised = start.identity.promised;
  if (!start.log) return;
  held.applied = start.log->applied;
  for (const LogEntry& entry : start.log->accepted) {
    held.accepted[entry.version] = {entry.pn, entry.hash};
    if (has_vote) agreement_.on_accepted(member, entry);
  }
}

void DurabilityOracle::on_identity(const std::string& member, ByteView identity) {
  Held& held = members_[member];
  const Result<Identity> decoded = Identity::decode(identity);
  if (!decoded || decoded->promised < held.promised) {
    findings_.violated(member + " wrote an identity that is damaged, or promises less than before");
  } else {
    held.promised = decoded->promised;
  }
}

void DurabilityOracle::on_durable(const std::string& member, const StoreWrite& write) {
  Held& held = members_[member];
  if (const auto* put = std::get_if<PutEntry>(&write)) {
    on_put(member, put->entry);
  } else if (const auto* erase = std::get_if<EraseEntries>(&write)) {
    // Trimming erases below; what is erased up here gives way to another value.
    const auto from = held.accepted.lower_bound(erase->from);
    const auto to = held.accepted.lower_bound(erase->to);
    if (from != to) findings_.count(Rare::accepted_value_replaced);
    held.accepted.erase(from, to);
  } else if (const auto* apply = std::get_if<ApplyEntry>(&write)) {
    held.applied = apply->position;
    held.accepted.erase(held.accepted.begin(), held.accepted.upper_bound(apply->position.version));
  }
}

void DurabilityOracle::on_put(const std::string& member, const LogEntry& entry) {
  Held& held = members_[member];
  if (entry.version <= held.applied.version) return;
  held.accepted[entry.version] = {entry.pn, entry.hash};
  if (held.has_vote) agreement_.on_accepted(member, entry);
}

void DurabilityOracle::on_new_log(const std::string& member, const LogState& log) {
  Held& held = members_[member];
  check_kept(member, held, log);
  held.applied = log.applied;
  held.accepted.clear();
  for (const LogEntry& entry : log.accepted) held.accepted[entry.version] = {entry.pn, entry.hash};
  agreement_.check_chosen(member + " after a sync", held.applied);
}

// I-9, rule 7: a sync neither clears nor copies what was accepted above what it delivers.
void DurabilityOracle::check_kept(const std::string& member, const Held& held, const LogState& log) {
  for (auto it = held.accepted.upper_bound(log.applied.version); it != held.accepted.end(); ++it) {
    const auto& [version, acceptance] = *it;
    const bool is_kept = std::any_of(log.accepted.begin(), log.accepted.end(), [&, at = it](const LogEntry& entry) {
      return entry.version == at->first && Acceptance{entry.pn, entry.hash} == at->second;
    });
    if (is_kept || !is_chosen(version, acceptance.hash)) continue;
    findings_.violated(fmt::format("the sync of {} lost its acceptance of {}", member,
                                   short_text(Position{version, acceptance.hash})));
  }
}

// ---------------------------------------------------------------------------------------------- messages

void DurabilityOracle::on_sent(const std::string& from, const Message& message) {
  Held& held = members_[from];
  if (const auto* accept = std::get_if<Accept>(&message)) {
    check_acceptance_told(from, held, *accept);
  } else if (const auto* last = std::get_if<Last>(&message)) {
    check_report(from, held, *last);
    check_promise_told(from, held, last->pn, "a promise");
  } else if (const auto* ack = std::get_if<LeaseAck>(&message)) {
    check_promise_told(from, held, ack->pn, "a grant");
  } else if (const auto* collect = std::get_if<Collect>(&message)) {
    if (held.promise() < collect->pn) {
      findings_.violated(
          fmt::format("{} asks for promises to pn {} before its own is durable", from, to_string(collect->pn)));
    }
  }
}

void DurabilityOracle::check_acceptance_told(const std::string& from, Held& held, const Accept& accept) {
  const Position& position = accept.position;
  // Of what is chosen, anybody may say so.
  if (is_chosen(position.version, position.hash)) return;
  const auto it = held.accepted.find(position.version);
  const bool is_held = it != held.accepted.end() && it->second == Acceptance{accept.pn, position.hash};
  if (!is_held && held.applied.version < position.version) {
    findings_.violated(fmt::format("{} sends its acceptance of {} under pn {} before it is durable", from,
                                   short_text(position), to_string(accept.pn)));
  }
  check_promise_told(from, held, accept.pn, "an acceptance");
}

void DurabilityOracle::check_report(const std::string& from, const Held& held, const Last& last) {
  for (const LogEntry& entry : last.accepted) {
    if (entry.version <= held.applied.version) continue;
    const auto it = held.accepted.find(entry.version);
    if (it != held.accepted.end() && it->second == Acceptance{entry.pn, entry.hash}) continue;
    findings_.violated(fmt::format("{} reports {} under pn {}, which it does not durably hold", from,
                                   short_text(entry.position()), to_string(entry.pn)));
  }
}

// A promise, an acceptance or a grant is durable before it is told, and none is ever below one told before.
void DurabilityOracle::check_promise_told(const std::string& from, Held& held, const ProposalNumber& pn,
                                          const char* what) {
  if (pn < held.told) {
    findings_.violated(
        fmt::format("{} sends {} under pn {} after one under {}", from, what, to_string(pn), to_string(held.told)));
  }
  if (held.promise() < pn) {
    findings_.violated(
        fmt::format("{} sends {} under pn {} before that promise is durable", from, what, to_string(pn)));
  }
  held.told = std::max(held.told, pn);
}

}  // namespace synod::sim
