#include "mon/core/sync/provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace synod {

void SyncProvider::on_message(TimePoint now, MemberId from, const Message& message, const View& view, Output& out,
                              const RunTask& run) {
  if (const auto* start = std::get_if<SyncStart>(&message)) {
    on_start(now, from, *start, view, out, run);
  } else if (const auto* reply = std::get_if<HoldTrimReply>(&message)) {
    if (from == view.leader) on_hold_reply(*reply, out, run);
  } else if (const auto* ack = std::get_if<SyncAck>(&message)) {
    on_ack(now, from, *ack, out, run);
  } else if (const auto* abort = std::get_if<SyncAbort>(&message)) {
    const auto it = sessions_.find(abort->cookie);
    if (it != sessions_.end() && it->second.requester == from) end(abort->cookie, Status::ok(), out, run);
  }
}

void SyncProvider::on_start(TimePoint now, MemberId from, const SyncStart& start, const View& view, Output& out,
                            const RunTask& run) {
  const auto same = sessions_.find(start.cookie);
  if (same != sessions_.end() && same->second.requester == from) return;  // it came twice
  std::vector<uint64_t> superseded;
  for (const auto& [cookie, session] : sessions_) {
    if (session.requester == from) superseded.push_back(cookie);
  }
  for (uint64_t cookie : superseded) end(cookie, Status::ok(), out, run);
  if (sessions_.size() >= options_.sync_sessions_max || sessions_.count(start.cookie) > 0) {
    out.send(from, SyncAbort{start.cookie, Status(Code::exhausted, "it serves as many syncs as it may")});
    return;
  }
  Session& session = sessions_[start.cookie];
  session.number = ++last_number_;
  session.requester = from;
  session.hold = view.visible.next();
  session.expires = now + options_.sync_timeout;
  session.renew_at = now;
  session.hold_deadline = now + options_.hold_renewal;
  own_holds_.hold(start.cookie, session.hold, now + options_.sync_timeout);
  out.trace(LogLevel::info, fmt::format("sync [2] serves member {}, cookie {:016x}, from version {} on",
                                        to_string(from), start.cookie, session.hold.value()));
  tick(now, view, out, run);
}

// The hold begins with what this member had yet to apply, so the snapshot, taken later, reaches up to it at least.
void SyncProvider::on_hold_reply(const HoldTrimReply& reply, Output& out, const RunTask& run) {
  const auto it = sessions_.find(reply.cookie);
  if (it == sessions_.end() || it->second.is_held) return;
  if (reply.first > it->second.hold) {
    end(reply.cookie,
        Status(Code::unavailable, fmt::format("the leader's log begins at version {}, past {} which the sync needs",
                                              reply.first.value(), it->second.hold.value())),
        out, run);
    return;
  }
  it->second.is_held = true;
  out.trace(LogLevel::info,
            fmt::format("sync [5] the leader holds version {}, cookie {:016x}", reply.first.value(), reply.cookie));
  open_snapshot(reply.cookie, it->second, run);
}

void SyncProvider::open_snapshot(uint64_t cookie, Session& session, const RunTask& run) {
  SYNOD_ASSERT(session.sequence == 0, "[6] one snapshot for a session");
  session.is_held = true;
  run(session.number, OpenSnapshotTask{cookie});
  read_chunk(cookie, session, run);
}

void SyncProvider::read_chunk(uint64_t cookie, Session& session, const RunTask& run) {
  session.is_reading = true;
  run(session.number, ReadChunkTask{cookie, options_.sync_chunk_bytes, options_.sync_chunk_keys});
}

void SyncProvider::on_result(TimePoint now, uint64_t number, const TaskResult& result, Output& out) {
  const auto it =
      std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& item) { return item.second.number == number; });
  if (it == sessions_.end()) return;
  auto& [cookie, session] = *it;
  if (const auto* opened = std::get_if<SnapshotOpened>(&result)) {
    SYNOD_ASSERT(opened->position.version.next() >= session.hold, "[6] the snapshot reaches up to what is held");
    session.position = opened->position;
    out.trace(LogLevel::info,
              fmt::format("sync [6] snapshot at version {}, cookie {:016x}", opened->position.version.value(), cookie));
  } else if (const auto* chunk = std::get_if<ChunkRead>(&result)) {
    SYNOD_ASSERT(session.is_reading, "[9] one chunk is read for each acknowledgement");
    // Reading took this end's own time, not the requester's.
    session.expires = now + options_.sync_timeout;
    session.is_reading = false;
    send_chunk(cookie, session, *chunk, out);
  }
}

void SyncProvider::send_chunk(uint64_t cookie, Session& session, const ChunkRead& chunk, Output& out) {
  SYNOD_ASSERT(!session.is_last_sent, "nothing follows the last chunk");
  SYNOD_ASSERT(session.is_held, "[5] nothing is copied before the log is held");
  SyncChunk message;
  message.cookie = cookie;
  message.sequence = ++session.sequence;
  message.is_last = chunk.is_last;
  message.keys = chunk.keys;
  message.checksum = chunk.checksum;
  message.transaction = chunk.transaction;
  message.position = session.position;
  if (chunk.is_last) message.digest = chunk.digest;
  session.is_last_sent = chunk.is_last;
  out.send(session.requester, std::move(message));
}

void SyncProvider::on_ack(TimePoint now, MemberId from, const SyncAck& ack, Output& out, const RunTask& run) {
  const auto it = sessions_.find(ack.cookie);
  if (it == sessions_.end()) {
    out.send(from, SyncAbort{ack.cookie, Status(Code::not_found, "the session is unknown here, or has expired")});
    return;
  }
  Session& session = it->second;
  // An acknowledgement may come twice; one chunk is read for it.
  if (session.requester != from || ack.sequence != session.sequence || session.is_reading) return;
  session.expires = now + options_.sync_timeout;
  if (!session.is_last_sent) {
    read_chunk(ack.cookie, session, run);
    return;
  }
  // The hold goes on for its grace, so that the requester finds in the log what was chosen meanwhile.
  out.trace(LogLevel::info, fmt::format("sync [11] member {} has it all, {} chunks, cookie {:016x}", to_string(from),
                                        session.sequence, ack.cookie));
  own_holds_.hold(ack.cookie, session.hold, now + options_.sync_timeout);
  run(session.number, CloseSnapshotTask{ack.cookie});
  sessions_.erase(it);
}

void SyncProvider::tick(TimePoint now, const View& view, Output& out, const RunTask& run) {
  own_holds_.expire(now);
  std::vector<uint64_t> expired;
  for (auto& [cookie, session] : sessions_) {
    if (now >= session.expires) expired.push_back(cookie);
    if (now >= session.renew_at && view.leader) {
      session.renew_at = now + options_.hold_renewal;
      own_holds_.hold(cookie, session.hold, now + options_.sync_timeout);
      out.send(view.leader, HoldTrim{cookie, session.requester, session.hold});
    }
    // A sync never waits for a quorum: without a leader nothing is trimmed, and the own hold does.
    if (!session.is_held && !view.leader) open_snapshot(cookie, session, run);
    if (!session.is_held && now >= session.hold_deadline) expired.push_back(cookie);
  }
  for (uint64_t cookie : expired) {
    end(cookie, Status(Code::unavailable, "the session expired, or the leader did not answer the trim hold"), out, run);
  }
}

void SyncProvider::check_invariants(MemberId self) const {
  SYNOD_ASSERT(sessions_.size() <= options_.sync_sessions_max, "[2] the number of sessions is bounded");
  std::map<MemberId, uint64_t> requesters;
  for (const auto& [cookie, session] : sessions_) {
    SYNOD_ASSERT(session.requester != self, "[2] no member copies from itself");
    SYNOD_ASSERT(session.number > 0 && session.number <= last_number_, "[2] sessions are numbered upwards");
    SYNOD_ASSERT(requesters.emplace(session.requester, cookie).second, "[2] one session for each requester");
    SYNOD_ASSERT(session.is_held || session.sequence == 0, "[5] nothing is copied before the log is held");
    SYNOD_ASSERT(session.hold > Version(), "[5] a hold keeps entries, and the genesis is none");
  }
}

void SyncProvider::release(uint64_t cookie) {
  if (sessions_.count(cookie) == 0) own_holds_.release(cookie);
}

void SyncProvider::end_all(Output& out, const RunTask& run) {
  while (!sessions_.empty()) {
    end(sessions_.begin()->first, Status(Code::unavailable, "the provider has to sync itself"), out, run);
  }
}

void SyncProvider::end(uint64_t cookie, const Status& reason, Output& out, const RunTask& run) {
  const auto it = sessions_.find(cookie);
  if (it == sessions_.end()) return;
  if (!reason.is_ok()) {
    out.trace(LogLevel::warning, fmt::format("sync session {:016x} ends: {}", cookie, reason.message()));
    out.send(it->second.requester, SyncAbort{cookie, reason});
  }
  if (it->second.is_held) run(it->second.number, CloseSnapshotTask{cookie});
  own_holds_.release(cookie);
  sessions_.erase(it);
}

}  // namespace synod
