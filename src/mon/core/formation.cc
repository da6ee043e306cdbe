#include "mon/core/formation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.h"

namespace synod {

Formation::Formation(const CoreOptions& options, Random& random, std::vector<InitialMember> members,
                     bool may_form_alone, TimePoint now)
    : options_(options),
      random_(random),
      members_(std::move(members)),
      may_form_alone_(may_form_alone),
      may_propose_at_(now + options.formation_wait),
      repeat_at_(now) {}

std::optional<Monmap> Formation::step(TimePoint now, MemberId from, const Message& message, Identity& identity,
                                      Output& out) {
  if (identity.formation == FormationState::formed) return std::nullopt;
  if (const auto* probe = std::get_if<Probe>(&message)) return on_probe(now, *probe, identity, out);
  if (outsider_of_) return std::nullopt;
  if (const auto* prepare = std::get_if<FormPrepare>(&message)) {
    on_prepare(from, *prepare, identity, out);
  } else if (const auto* prepared = std::get_if<FormPrepared>(&message)) {
    const bool is_listed = proposed_ && proposed_->find(from) != nullptr;
    if (is_listed && prepared->fsid == proposed_->fsid) prepared_.insert(from);
    if (proposed_ && prepared_.size() == proposed_->members.size()) return proposed_;
  } else if (const auto* commit = std::get_if<FormCommit>(&message)) {
    const bool is_mine = identity.formation == FormationState::prepared && commit->monmap == identity.monmap;
    Result<Monmap> monmap = Monmap::decode(commit->monmap);
    if (is_mine && monmap) return *std::move(monmap);
  }
  return std::nullopt;
}

std::optional<Monmap> Formation::on_probe(TimePoint now, const Probe& probe, const Identity& identity, Output& out) {
  if (probe.formation != FormationState::formed) return std::nullopt;
  const Result<Monmap> current = Monmap::decode(probe.monmap);
  if (!current) return std::nullopt;
  const Result<Monmap> own = Monmap::decode(identity.monmap);
  if (own && own->fsid == current->fsid && current->find(identity.id) != nullptr) return *own;
  if (!outsider_of_) {
    out.trace(LogLevel::warning,
              fmt::format("is not a member: cluster {} exists (says {}) and does not list this member id {}, which "
                          "has no vote there",
                          to_string(current->fsid), probe.name, to_string(identity.id)));
    may_follow_at_ = now + options_.formation_wait;
  }
  outsider_of_ = current->fsid;
  waits_for_ = fmt::format("cluster {} exists and does not list member id {}: this directory is new or was lost",
                           to_string(current->fsid), to_string(identity.id));
  return std::nullopt;
}

// So that a stranger who calls cannot capture a good directory, those are asked who were found at the addresses of the
// list, and more than half of them have to belong to one cluster. A learner knows only what it was told.
std::optional<Monmap> Formation::cluster_to_follow(TimePoint now, const PeerTable& peers,
                                                   const std::set<MemberId>& connected,
                                                   const Identity& identity) const {
  if (now < may_follow_at_) return std::nullopt;  // more of them may be heard
  std::map<Fsid, std::vector<Monmap>> clusters;
  size_t asked = 0;
  for (const Peer* peer : peers.reachable(now)) {
    const bool is_found = connected.count(peer->id) > 0 && peer->probe.formation == FormationState::formed &&
                          std::find(members_.begin(), members_.end(),
                                    InitialMember{peer->probe.name, peer->probe.address}) != members_.end();
    const Result<Monmap> monmap = is_found ? Monmap::decode(peer->probe.monmap) : Status(Code::not_found, "");
    if (!monmap || monmap->find(peer->id) == nullptr) continue;
    clusters[monmap->fsid].push_back(*monmap);
    ++asked;
  }
  for (const auto& [fsid, monmaps] : clusters) {
    if (monmaps.size() * 2 <= asked) continue;
    const Monmap& newest = *std::max_element(monmaps.begin(), monmaps.end(),
                                             [](const auto& m, const auto& n) { return m.epoch < n.epoch; });
    const Member* namesake = newest.find_name(identity.name);
    if (namesake != nullptr && namesake->id != identity.id) return newest;
  }
  return std::nullopt;
}

bool Formation::matches_list(const Monmap& monmap, const Identity& identity) const {
  if (monmap.members.size() != members_.size()) return false;
  for (size_t i = 0; i < members_.size(); ++i) {
    const Member& member = monmap.members[i];
    if (member.name != members_[i].name || member.address != members_[i].address || !member.id) return false;
  }
  const Member* self = monmap.find_name(identity.name);
  return self != nullptr && self->id == identity.id;
}

void Formation::on_prepare(MemberId from, const FormPrepare& prepare_message, Identity& identity, Output& out) {
  const Result<Monmap> monmap = Monmap::decode(prepare_message.monmap);
  if (!monmap || !monmap->fsid || !matches_list(*monmap, identity)) return;
  if (monmap->members.front().id != from) return;  // only the first in the list proposes
  prepare(*monmap, identity, out);
  out.send_when_durable(from, FormPrepared{monmap->fsid});
}

void Formation::prepare(const Monmap& monmap, Identity& identity, Output& out) {
  SYNOD_ASSERT(!outsider_of_, "I-7: nothing is prepared once a cluster is known to exist");
  SYNOD_ASSERT(identity.formation != FormationState::formed, "I-7: a formed member is not prepared again");
  SYNOD_ASSERT(monmap.find(identity.id) != nullptr, "I-1: a member prepares for what lists it");
  Bytes encoded = monmap.encode();
  if (identity.formation == FormationState::prepared && identity.monmap == encoded) return;
  identity.formation = FormationState::prepared;
  identity.monmap = std::move(encoded);
  out.identity = identity.encode();
  out.trace(LogLevel::info, fmt::format("is prepared for cluster {}", to_string(monmap.fsid)));
}

std::optional<Monmap> Formation::tick(TimePoint now, const PeerTable& peers, const std::set<MemberId>& connected,
                                      Identity& identity, Output& out) {
  if (identity.formation == FormationState::formed) return std::nullopt;
  if (outsider_of_) return cluster_to_follow(now, peers, connected, identity);
  std::string missing;
  for (const InitialMember& member : members_) {
    if (member.name == identity.name || peers.find_reachable_name(member.name, now) != nullptr) continue;
    missing += (missing.empty() ? "" : ", ") + member.name + " (" + member.address + ")";
  }
  if (!missing.empty()) {
    waits_for_ = "forming: has not heard of " + missing;
  } else {
    waits_for_ = fmt::format("forming: waits for {} to propose", members_.front().name);
  }
  if (now < may_propose_at_ || members_.front().name != identity.name || !missing.empty()) return std::nullopt;
  if (now < repeat_at_ || (members_.size() == 1 && !may_form_alone_)) return std::nullopt;
  repeat_at_ = now + options_.lease / 2;
  return propose(now, peers, identity, out);
}

std::optional<Monmap> Formation::propose(TimePoint now, const PeerTable& peers, Identity& identity, Output& out) {
  SYNOD_ASSERT(!members_.empty() && members_.front().name == identity.name, "the first in the list proposes");
  Monmap monmap;
  monmap.epoch = 1;
  for (const InitialMember& member : members_) {
    const bool is_self = member.name == identity.name;
    const Peer* peer = is_self ? nullptr : peers.find_reachable_name(member.name, now);
    if (peer != nullptr && peer->probe.members_digest != digest_of(members_)) {
      waits_for_ = fmt::format("forming: {} was started with another list of first members", member.name);
      return std::nullopt;
    }
    monmap.members.push_back({member.name, is_self ? identity.id : peer->id, member.address, MemberRole::voter});
  }
  if (!proposed_ || proposed_->members != monmap.members) {
    for (size_t i = 0; i < monmap.fsid.bytes.size(); ++i) monmap.fsid.bytes[i] = static_cast<uint8_t>(random_.next());
    proposed_ = monmap;
    prepared_.clear();
    out.trace(LogLevel::info, fmt::format("proposes to form cluster {}", to_string(monmap.fsid)));
  }
  prepare(*proposed_, identity, out);
  out.send_when_durable(identity.id, FormPrepared{proposed_->fsid});
  waits_for_ = "forming: waits for all members to be prepared";
  for (const Member& member : proposed_->members) {
    if (member.id != identity.id) out.send_when_durable(member.id, FormPrepare{identity.monmap});
  }
  return std::nullopt;
}

void Formation::check_invariants(const Identity& identity) const {
  const bool is_prepared = identity.formation == FormationState::prepared;
  SYNOD_ASSERT(identity.id, "I-1: every member has an id");
  SYNOD_ASSERT(identity.start_count > 0, "I-4: a start is counted before the first message");
  SYNOD_ASSERT((identity.formation == FormationState::fresh) == identity.monmap.empty(),
               "I-7: prepared or formed is what has a monmap");
  SYNOD_ASSERT(prepared_.empty() || proposed_, "who is prepared is prepared for something");
  SYNOD_ASSERT(!proposed_ || proposed_->members.front().name == identity.name, "the first in the list proposes");
  if (proposed_) {
    SYNOD_ASSERT(proposed_->fsid, "a proposed cluster has an id");
    SYNOD_ASSERT(proposed_->members.size() == members_.size(), "I-7: formation is unanimous");
    for (const MemberId member : prepared_) {
      SYNOD_ASSERT(proposed_->find(member) != nullptr, "I-1: only listed members are prepared");
    }
  }
  SYNOD_ASSERT(!is_prepared || identity.promised == ProposalNumber(), "I-7: nothing is promised before formation");
}

void Formation::announce(const Monmap& monmap, MemberId self, Output& out) const {
  if (!proposed_ || proposed_->fsid != monmap.fsid) return;
  for (const Member& member : monmap.members) {
    if (member.id != self) out.send(member.id, FormCommit{monmap.encode()});
  }
}

}  // namespace synod
