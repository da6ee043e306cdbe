// A member whose name the monmap has under another id: what it does without a vote, and what the members do for it.
#include <algorithm>

#include "base/assert.h"
#include "mon/core/monitor.h"

namespace synod {

// ---------------------------------------------------------------------------------------------- the learner

bool Monitor::is_learner() const { return monmap_ && !is_member() && monmap_->find_name(identity_.name) != nullptr; }

void Monitor::tick_learner(TimePoint now, Output& out) {
  // A piece after the other is written.
  if (disk(now) != DiskState::ready) return;
  std::vector<const Peer*> sources = reachable_voters(now);
  std::erase_if(sources, [&](const Peer* peer) { return connected_.count(peer->id) == 0; });
  learner_->tick(now, sources, out);
}

// I-23: it answers nothing of what it may be asked as a member that it is not.
void Monitor::on_message_for_learner(TimePoint now, MemberId from, const Message& message, Output& out) {
  if (!monmap_->is_voter(from)) return;
  if (const auto* entries = std::get_if<Entries>(&message)) {
    if (learner_) learner_->on_entries(now, from, *entries, out);
  } else if (requester_) {
    on_sync_message(now, from, message, out);
  }
}

bool Monitor::is_level_with_all(TimePoint now) const {
  const std::vector<const Peer*> voters = reachable_voters(now);
  return !voters.empty() && std::none_of(voters.begin(), voters.end(), [&](const Peer* peer) {
    return peer->probe.committed.version > last_committed_.version;
  });
}

namespace {

bool may_be_sent_without_a_vote(const Message& message) {
  return std::holds_alternative<Probe>(message) || std::holds_alternative<Fetch>(message) ||
         std::holds_alternative<SyncStart>(message) || std::holds_alternative<SyncDiffering>(message) ||
         std::holds_alternative<SyncAck>(message) || std::holds_alternative<SyncAbort>(message);
}

}  // namespace

void Monitor::check_sent(const Output& out) const {
  if (!monmap_ || is_member()) return;
  SYNOD_ASSERT(!out.promise, "I-23: who has no vote promises nothing");
  for (const std::vector<Envelope>* list : {&out.messages, &out.messages_when_durable}) {
    for (const Envelope& envelope : *list) {
      SYNOD_ASSERT(may_be_sent_without_a_vote(envelope.message), "I-23: who has no vote sends nothing that counts");
    }
  }
}

// ---------------------------------------------------------------------------------------------- its cluster

// At most one for each name, so that what is done for them is bounded. If two daemons claim a name, it is the same one
// for all members.
std::vector<const Peer*> Monitor::learners(TimePoint now) const {
  std::map<std::string, const Peer*> found;
  for (const Peer* peer : peers_.reachable(now)) {
    const Probe& probe = peer->probe;
    if (peer->source.fsid != monmap_->fsid || monmap_->find(peer->id) != nullptr || peer->id == identity_.id) continue;
    if (probe.state != MemberState::learner && probe.state != MemberState::syncing) continue;
    if (monmap_->find_name(probe.name) != nullptr) found.try_emplace(probe.name, peer);
  }
  std::vector<const Peer*> peers;
  for (const auto& [name, peer] : found) peers.push_back(peer);
  return peers;
}

void Monitor::on_message_of_learner(TimePoint now, MemberId from, const Message& message, Output& out) {
  const std::vector<const Peer*> served = learners(now);
  const bool is_served = std::any_of(served.begin(), served.end(), [&](const Peer* peer) { return peer->id == from; });
  if (const auto* start = std::get_if<SyncStart>(&message)) {
    // One place is kept for a member whose vote may be waited for.
    const bool has_room =
        provider_.is_serving(from) || provider_.session_count() < std::max<size_t>(options_.sync_sessions_max - 1, 1);
    if (is_served && has_room) return on_sync_message(now, from, message, out);
    const Status reason = is_served ? Status(Code::exhausted, "it serves as many syncs as it may")
                                    : Status(Code::unavailable, "it has not heard that a learner asks, or of another");
    out.emit(
        {.kind = SyncEventKind::session_refused, .cookie = start->cookie, .peer_id = from, .reason = reason.message()});
    out.send(from, SyncAbort{start->cookie, reason});
  } else if (is_served && std::holds_alternative<Fetch>(message)) {
    on_fetch(from, std::get<Fetch>(message), out);
  } else if (is_served && (std::holds_alternative<SyncDiffering>(message) || std::holds_alternative<SyncAck>(message) ||
                           std::holds_alternative<SyncAbort>(message))) {
    on_sync_message(now, from, message, out);
  }
}

// What it needs next is kept without a hold.
bool Monitor::is_learner_level(const Peer& learner) const {
  return learner.probe.committed.version.value() + options_.log_retain_versions / 2 >= last_committed_.version.value();
}

}  // namespace synod
