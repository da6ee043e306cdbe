// One member as a provider.
#include <algorithm>

#include "test/sim/check/sync/sync_order.h"

namespace synod::sim {

using Kind = SyncEventKind;

bool SyncOrder::on_provider(const Step& step) {
  const SyncEvent& event = step.event;
  Member& member = step.member;
  if (event.kind == Kind::session_opened) {
    on_opened(step);
    return true;
  }
  if (event.kind == Kind::session_refused) {
    sessions_[event.cookie].is_requester_told = true;
    return true;
  }
  const auto it = member.served.find(event.cookie);
  // Its trace may begin within a session.
  if (it == member.served.end() && !member.has_begun) return true;
  require(step, it != member.served.end(), "no session of that cookie is open here");
  if (it == member.served.end()) return true;
  require(step, it->second.requester == event.peer, "a session is one with the requester that has opened it");
  return on_session(step, it->second);
}

void SyncOrder::on_opened(const Step& step) {
  const SyncEvent& event = step.event;
  Member& member = step.member;
  require(step, member.mark == Mark::absent || member.mark == Mark::unknown,
          "[2] a member that syncs itself serves nobody");
  require(step, member.served.count(event.cookie) == 0, "[2] a session is opened once");
  const bool has_another = std::any_of(member.served.begin(), member.served.end(),
                                       [&](const auto& item) { return item.second.requester == event.peer; });
  require(step, !has_another, "[2] one requester has one session");
  require(step, event.window > 0, "[9] a window has room for a chunk");
  member.served[event.cookie] = Served{.requester = event.peer, .window = event.window, .hold = event.version};
  ++sessions_[event.cookie].opened;
}

bool SyncOrder::on_session(const Step& step, Served& served) {
  const SyncEvent& event = step.event;
  Session& session = sessions_[event.cookie];
  switch (event.kind) {
    case Kind::hold_asked:
      require(step, event.version == served.hold, "[5] the leader is asked for what the provider itself holds");
      session.hold_asked_of.insert(event.leader);
      break;
    case Kind::snapshot_opened:
      require(step, !served.is_open, "[6] a session has one snapshot");
      require(step, event.version.next() >= served.hold, "[6] the snapshot reaches up to what is held");
      served.is_open = true;
      session.snapshots.insert(event.version);
      break;
    case Kind::alive_sent:
      require(step, !served.has_sent_last, "[10] nothing is sent after the last chunk");
      session.has_sent_alive = true;
      break;
    case Kind::ranges_sent:
      require(step, served.is_open, "[6] a snapshot is open before ranges are sent");
      require(step, !served.has_sent_last, "[10] nothing is sent after the last chunk");
      require(step, event.sequence == served.ranges + 1, "[8] ranges are sent one after the other");
      served.ranges = event.sequence;
      session.ranges_sent = std::max(session.ranges_sent, event.sequence);
      require_window(step, served);
      break;
    case Kind::differing_received:
      require(step, event.sequence == served.answered + 1, "[8] ranges are answered one after the other");
      require(step, event.sequence <= served.ranges, "[8] ranges are sent before they are answered");
      served.answered = event.sequence;
      break;
    case Kind::chunk_sent:
    case Kind::last_chunk_sent: on_chunk_sent(step, served); break;
    case Kind::ack_received:
    case Kind::last_ack_received: on_ack_received(step, served); break;
    case Kind::session_ended: session.is_requester_told = true; [[fallthrough]];
    case Kind::session_closed: step.member.served.erase(event.cookie); break;
    default: return false;
  }
  return true;
}

void SyncOrder::on_chunk_sent(const Step& step, Served& served) {
  const SyncEvent& event = step.event;
  require(step, served.is_open, "[6] a snapshot is open before a chunk is sent");
  require(step, !served.has_sent_last, "[10] nothing is sent after the last chunk");
  require(step, event.sequence == served.sent + 1, "[9] chunks are sent one after the other");
  if (event.settles != 0) {
    require(step, event.settles <= served.answered, "[8] the requester has answered before ranges are settled");
    require(step, event.settles > served.settled, "[8] ranges are settled one after the other");
    served.settled = event.settles;
  }
  served.sent = event.sequence;
  require_window(step, served);
  Session& session = sessions_[event.cookie];
  session.chunks_sent = std::max(session.chunks_sent, event.sequence);
  if (event.kind != Kind::last_chunk_sent) return;
  served.has_sent_last = true;
  session.last_chunks[event.sequence] = event.digest;
}

// What the requester has answered may be settled without a chunk.
void SyncOrder::require_window(const Step& step, const Served& served) {
  const uint64_t under_way = served.sent - served.acknowledged + (served.ranges - served.answered);
  require(step, under_way <= served.window, "[9] a window of chunks and ranges is under way at most");
}

void SyncOrder::on_ack_received(const Step& step, Served& served) {
  const SyncEvent& event = step.event;
  require(step, event.sequence > served.acknowledged, "[9] an acknowledgement is taken once");
  require(step, event.sequence <= served.sent, "[9] what was sent is acknowledged");
  const bool is_last = served.has_sent_last && event.sequence == served.sent;
  require(step, is_last == (event.kind == Kind::last_ack_received),
          "[11] the session is over with the acknowledgement of the last chunk");
  served.acknowledged = event.sequence;
  if (is_last) step.member.served.erase(event.cookie);
}

}  // namespace synod::sim
