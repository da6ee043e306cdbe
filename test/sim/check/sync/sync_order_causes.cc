// What must have happened at another member before.
#include <algorithm>

#include "test/sim/check/sync/sync_order.h"

namespace synod::sim {

using Kind = SyncEventKind;

bool SyncOrder::is_whole(const std::string& member) const {
  const auto it = members_.find(member);
  return it != members_.end() && it->second.is_whole;
}

bool SyncOrder::are_all_whole() const {
  return std::all_of(members_.begin(), members_.end(), [](const auto& item) { return item.second.is_whole; });
}

std::string SyncOrder::missing_cause(const std::string& member, const SyncEvent& event) const {
  const Session nobody_asked;
  const auto it = sessions_.find(event.cookie);
  const Session& session = it == sessions_.end() ? nobody_asked : it->second;
  const std::string& other = event.kind == Kind::verified ? session.provider : event.peer;
  const char* missing = missing_for_hold(member, event, session);
  if (missing == nullptr && is_whole(other)) missing = missing_at_provider(event, session);
  if (missing == nullptr && is_whole(other)) missing = missing_at_requester(member, event, session);
  return missing == nullptr ? "" : missing;
}

const char* SyncOrder::missing_at_provider(const SyncEvent& event, const Session& session) {
  // What is sent in a second session under the same cookie may be cut into other chunks.
  const bool is_one = session.opened <= 1;
  const auto last = session.last_chunks.find(event.sequence);
  switch (event.kind) {
    case Kind::abort_received: return session.is_requester_told ? nullptr : "the provider has not said that";
    case Kind::alive_received: return session.has_sent_alive ? nullptr : "the provider has not said that";
    case Kind::ranges_received:
      return session.ranges_sent >= event.sequence ? nullptr : "[8] the provider has not sent those ranges";
    case Kind::chunk_received:
      if (is_one && last != session.last_chunks.end()) return "[10] that chunk was sent as the last one";
      return session.chunks_sent >= event.sequence ? nullptr : "[9] the provider has not sent that chunk";
    case Kind::last_chunk_received:
      if (last == session.last_chunks.end()) return "[10] the provider has not sent that chunk as its last one";
      return !is_one || last->second == event.digest ? nullptr : "[10] the provider has sent another digest";
    case Kind::verified:
      return session.snapshots.count(event.version) > 0 ? nullptr : "[11] the provider has no snapshot of that version";
    default: return nullptr;
  }
}

const char* SyncOrder::missing_at_requester(const std::string& member, const SyncEvent& event,
                                            const Session& session) const {
  const bool is_asked = session.requester == event.peer && session.provider == member;
  const bool is_acknowledged = session.acknowledged.count(event.sequence) > 0;
  switch (event.kind) {
    case Kind::session_opened:
      if (is_asked && event.window > session.window) return "[2] the requester has asked for fewer chunks at a time";
      return is_asked ? nullptr : "[2] the requester has not asked for that";
    case Kind::session_refused: return is_asked ? nullptr : "[2] the requester has not asked for that";
    case Kind::session_closed: {
      // A request for an older session that comes again ends this one, too.
      const Member& requester = members_.at(event.peer);
      const auto asked = requester.asked_of.find(member);
      const bool has_asked_again = asked != requester.asked_of.end() && asked->second > 1;
      if (session.is_over_at_requester || has_asked_again) return nullptr;
      return "[7] the requester has neither given that session up nor asked for another";
    }
    case Kind::differing_received: {
      const auto answered = session.differing.find(event.sequence);
      if (answered == session.differing.end()) return "[8] the requester has not answered for those ranges";
      return answered->second == event.ranges ? nullptr : "[8] the requester has found other ranges to differ";
    }
    case Kind::ack_received: return is_acknowledged ? nullptr : "[9] the requester has not acknowledged that chunk";
    case Kind::last_ack_received:
      if (session.opened <= 1 && !session.is_last_acknowledged) return "[11] the requester has not verified its copy";
      return is_acknowledged ? nullptr : "[11] the requester has not acknowledged that chunk";
    default: return nullptr;
  }
}

bool SyncOrder::is_over_by_progress(const SyncEvent& event) {
  return event.reason == "quorum" || event.reason == "level";
}

// Any leader may have decided on a hold.
const char* SyncOrder::missing_for_hold(const std::string& member, const SyncEvent& event,
                                        const Session& session) const {
  const bool is_of_known_session = !session.requester.empty();
  if (event.kind == Kind::hold_taken) {
    if (!is_whole(is_of_known_session ? session.provider : event.peer)) return nullptr;
    return session.hold_asked_of.count(member) > 0 ? nullptr : "[5] the provider has not asked this leader for it";
  }
  if (event.kind == Kind::hold_over) {
    if (!is_over_by_progress(event) || !is_of_known_session || !is_whole(event.peer)) return nullptr;
    const bool has_been_unmarked = members_.at(event.peer).unmarks > session.unmarks_before;
    return has_been_unmarked ? nullptr
                             : "[13] since this hold was asked for, the requester has not been in quorum, nor level";
  }
  if (!are_all_whole() || !is_whole(event.peer)) return nullptr;
  const auto taken = taken_.find(event.peer);
  const bool is_taken = taken != taken_.end() && taken->second.count(event.cookie) > 0;
  const auto decided = decided_.find({event.peer, event.kind});
  const uint64_t decisions = decided == decided_.end() ? 0 : decided->second;
  if (event.kind == Kind::hold_logged || event.kind == Kind::hold_ended) {
    if (!is_taken) return "[5] no leader has taken on that hold";
    return event.kind == Kind::hold_logged || decisions > 0 ? nullptr : "[5] no leader has found it at its bound";
  }
  if (event.kind != Kind::hold_released) return nullptr;
  const auto chosen = chosen_.find(event.peer);
  uint64_t others = 0;
  if (chosen != chosen_.end()) {
    for (const auto& [at, logged] : chosen->second) others += at != event.at && logged.kind == event.kind ? 1 : 0;
  }
  return decisions > others ? nullptr : "[13] no leader has decided that it is over";
}

}  // namespace synod::sim
