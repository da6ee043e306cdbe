#include "mon/core/sync/provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace synod {

using Kind = SyncEventKind;

void SyncProvider::on_message(TimePoint now, MemberId from, const Message& message, const View& view, Output& out,
                              const RunTask& run) {
  if (const auto* start = std::get_if<SyncStart>(&message)) {
    on_start(now, from, *start, view, out, run);
  } else if (const auto* ack = std::get_if<SyncAck>(&message)) {
    on_ack(now, from, *ack, out, run);
  } else if (const auto* differing = std::get_if<SyncDiffering>(&message)) {
    on_differing(now, from, *differing, out, run);
  } else if (const auto* abort = std::get_if<SyncAbort>(&message)) {
    const auto it = sessions_.find(abort->cookie);
    if (it != sessions_.end() && it->second.requester == from) end(abort->cookie, Status::ok(), out, run);
  }
}

namespace {

// `unavailable`: not with this provider now; `refused`: its log begins too late, which does not get better.
Status can_resume(const SyncCursor& copy, const SyncProvider::View& view) {
  if (view.visible < copy.highest.version) {
    return Status(Code::unavailable, fmt::format("it is at version {}, and the copy has keys of version {}",
                                                 view.visible.value(), copy.highest.version.value()));
  }
  if (view.first > copy.log_needed()) {
    return Status(Code::refused, fmt::format("its log begins at version {}, past {} which the copy needs",
                                             view.first.value(), copy.log_needed().value()));
  }
  return Status::ok();
}

Status unknown_session() { return {Code::not_found, "the session is unknown here, or has expired"}; }

void refuse(MemberId requester, uint64_t cookie, const Status& why, Output& out) {
  out.emit({.kind = Kind::session_refused, .cookie = cookie, .peer_id = requester, .reason = why.message()});
  out.send(requester, SyncAbort{cookie, why});
}

}  // namespace

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
    return refuse(from, start.cookie, Status(Code::exhausted, "it serves as many syncs as it may"), out);
  }
  const Status able = start.resume ? can_resume(*start.resume, view) : Status::ok();
  const Status refused = view.unfit.is_ok() ? able : view.unfit;
  if (!refused.is_ok()) return refuse(from, start.cookie, refused, out);
  Session& session = sessions_[start.cookie];
  session.number = ++last_number_;
  session.requester = from;
  session.resume = start.resume;
  session.is_comparing = start.is_delta && !(start.resume && start.resume->has_all_keys);
  session.window = std::clamp<uint32_t>(start.window, 1, options_.sync_window);
  session.needed = view.visible.next();
  session.hold = session.needed;
  if (start.resume) session.hold = std::min(session.hold, start.resume->log_needed());
  session.expires = now + options_.sync_timeout;
  session.renew_at = now;
  out.emit({.kind = Kind::session_opened,
            .cookie = start.cookie,
            .peer_id = from,
            .version = session.hold,
            .window = session.window});
  out.trace(LogLevel::info,
            fmt::format("sync [2] serves member {}, cookie {:016x}, holds its log from version {} on, {}",
                        to_string(from), start.cookie, session.hold.value(),
                        !start.resume                ? (start.is_delta ? "for a delta" : "for a new copy")
                        : start.resume->has_all_keys ? "for a copy that has all keys"
                                                     : "for a copy that has some keys"));
  // A sync never waits for a quorum, so the snapshot does not wait for the leader's hold.
  own_holds_.hold(start.cookie, session.hold, now + options_.sync_timeout);
  run(session.number, OpenSnapshotTask{start.cookie, session.resume, start.takes_compressed});
  tick(now, view, out, run);
}

void SyncProvider::on_hold(const TrimHold& hold, Output& out, const RunTask& run) {
  const auto it = sessions_.find(hold.cookie);
  const bool is_mine = it != sessions_.end() && it->second.requester == hold.requester;
  // While the session goes on, the leader is asked again.
  const bool is_over = hold.state == TrimHold::State::ended || (hold.state == TrimHold::State::released && !is_mine);
  if (is_over) own_holds_.release(hold.cookie);
  if (!is_mine) return;
  Session& session = it->second;
  if (hold.state == TrimHold::State::held) {
    session.is_hold_logged = true;
    if (hold.version <= session.needed) return;
    end(hold.cookie,
        Status(Code::unavailable, fmt::format("the leader's log begins at version {}, past {} which the sync needs",
                                              hold.version.value(), session.needed.value())),
        out, run);
  } else if (hold.state == TrimHold::State::ended) {
    session.is_hold_ended = true;
    if (session.is_hold_logged) return;  // the copy may be done before its log is gone
    end(hold.cookie,
        Status(Code::refused, fmt::format("the log was held from version {} on, which the copy needs, and the hold has "
                                          "come to its bound at {} bytes",
                                          hold.version.value(), hold.bytes)),
        out, run);
  }
}

bool SyncProvider::is_serving(MemberId requester) const {
  return std::any_of(sessions_.begin(), sessions_.end(),
                     [&](const auto& item) { return item.second.requester == requester; });
}

bool SyncProvider::wants_read(const Session& session) {
  if (session.is_reading || session.is_last_sent) return false;
  if (session.is_comparing && session.has_read_ranges) return false;  // what is left of it, the requester says
  const uint64_t unsettled = session.ranges_sent - session.ranges_settled;
  return session.sequence - session.acknowledged + unsettled < session.window;
}

void SyncProvider::read_next(TimePoint now, uint64_t cookie, Session& session, const RunTask& run) {
  if (!wants_read(session) || !pace_.is_due(now)) return;
  session.is_reading = true;
  // In small pieces where the rate is low: each is sent at once.
  const size_t bytes = pace_.piece_bytes(options_.sync_chunk_bytes);
  if (session.is_comparing) {
    run(session.number, ReadRangesTask{cookie, bytes, options_.sync_chunk_keys});
  } else {
    run(session.number, ReadChunkTask{cookie, bytes, options_.sync_chunk_keys});
  }
}

void SyncProvider::on_result(TimePoint now, uint64_t number, const TaskResult& result, Output& out,
                             const RunTask& run) {
  const auto it =
      std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& item) { return item.second.number == number; });
  if (it == sessions_.end()) return;
  auto& [cookie, session] = *it;
  if (const auto* opened = std::get_if<SnapshotOpened>(&result)) {
    SYNOD_ASSERT(opened->position.version.next() >= session.needed, "[6] the snapshot reaches up to what is held");
    session.is_open = true;
    out.emit({.kind = Kind::snapshot_opened,
              .cookie = cookie,
              .peer_id = session.requester,
              .version = opened->position.version});
    out.trace(LogLevel::info,
              fmt::format("sync [6] snapshot at version {}, cookie {:016x}", opened->position.version.value(), cookie));
  } else if (const auto* chunk = std::get_if<ChunkRead>(&result)) {
    on_chunk_read(now, cookie, session, *chunk, out);
    read_next(now, cookie, session, run);
  } else if (const auto* ranges = std::get_if<RangesRead>(&result)) {
    on_ranges_read(now, cookie, session, *ranges, out);
    read_next(now, cookie, session, run);
  } else if (const auto* failed = std::get_if<Status>(&result)) {
    end(cookie, *failed, out, run);
  }
}

void SyncProvider::on_ranges_read(TimePoint now, uint64_t cookie, Session& session, const RangesRead& ranges,
                                  Output& out) {
  SYNOD_ASSERT(session.is_reading && session.is_open,
               "[8] ranges are read from the snapshot, when they were asked for");
  // Reading took this end's own time, not the requester's.
  session.expires = now + options_.sync_timeout;
  session.is_reading = false;
  session.has_read_ranges = ranges.is_last;
  if (ranges.is_skipped) return say_alive(cookie, session, out);
  SyncRanges message = ranges;
  message.cookie = cookie;
  message.sequence = ++session.ranges_sent;
  size_t bytes = 0;
  for (const SyncRange& range : message.ranges) bytes += range.last_key.size() + sizeof(range.digest);
  pace_.spend(now, bytes);
  out.emit({.kind = Kind::ranges_sent,
            .cookie = cookie,
            .peer_id = session.requester,
            .sequence = message.sequence,
            .ranges = message.ranges.size()});
  out.send(session.requester, std::move(message));
}

void SyncProvider::on_differing(TimePoint now, MemberId from, const SyncDiffering& differing, Output& out,
                                const RunTask& run) {
  const auto it = sessions_.find(differing.cookie);
  if (it == sessions_.end()) return refuse(from, differing.cookie, unknown_session(), out);
  Session& session = it->second;
  // It may come twice.
  const bool is_next = differing.sequence == session.ranges_answered + 1 && differing.sequence <= session.ranges_sent;
  if (session.requester != from || !is_next) return;
  session.expires = now + options_.sync_timeout;
  session.ranges_answered = differing.sequence;
  out.emit({.kind = Kind::differing_received,
            .cookie = differing.cookie,
            .peer_id = from,
            .sequence = differing.sequence,
            .ranges = differing.ranges.size()});
  run(session.number, SettleRangesTask{differing.cookie, differing.sequence, differing.ranges});
}

void SyncProvider::on_chunk_read(TimePoint now, uint64_t cookie, Session& session, const ChunkRead& chunk,
                                 Output& out) {
  session.expires = now + options_.sync_timeout;
  if (chunk.ranges != 0) {
    SYNOD_ASSERT(session.is_comparing && chunk.ranges == session.ranges_settled + 1, "[8] ranges are settled in order");
    SYNOD_ASSERT(chunk.ranges <= session.ranges_answered, "[8] the requester says what differs");
    session.ranges_settled = chunk.ranges;
    session.is_comparing = !session.has_read_ranges || session.ranges_settled < session.ranges_sent;
    if (!chunk.is_skipped) send_chunk(now, cookie, session, chunk, out);
    return;
  }
  SYNOD_ASSERT(session.is_reading && session.is_open, "[9] a chunk is read from the snapshot, when it was asked for");
  session.is_reading = false;
  if (chunk.is_skipped) {
    say_alive(cookie, session, out);
  } else {
    send_chunk(now, cookie, session, chunk, out);
  }
}

void SyncProvider::say_alive(uint64_t cookie, const Session& session, Output& out) {
  SyncChunk no_chunk;
  no_chunk.cookie = cookie;
  out.emit({.kind = Kind::alive_sent, .cookie = cookie, .peer_id = session.requester});
  out.send(session.requester, std::move(no_chunk));
}

void SyncProvider::send_chunk(TimePoint now, uint64_t cookie, Session& session, const ChunkRead& chunk, Output& out) {
  SYNOD_ASSERT(!session.is_last_sent, "nothing follows the last chunk");
  SyncChunk message = chunk;
  message.cookie = cookie;
  message.sequence = ++session.sequence;
  session.is_last_sent = message.is_last;
  pace_.spend(now, message.transaction.size());
  session.bytes += message.bytes;
  session.bytes_sent += message.transaction.size();
  out.emit({.kind = message.is_last ? Kind::last_chunk_sent : Kind::chunk_sent,
            .cookie = cookie,
            .peer_id = session.requester,
            .sequence = message.sequence,
            .keys = message.keys,
            .bytes = message.bytes,
            .settles = message.ranges,
            .digest = message.digest});
  out.send(session.requester, std::move(message));
}

void SyncProvider::on_ack(TimePoint now, MemberId from, const SyncAck& ack, Output& out, const RunTask& run) {
  const auto it = sessions_.find(ack.cookie);
  if (it == sessions_.end()) {
    return refuse(from, ack.cookie, unknown_session(), out);
  }
  Session& session = it->second;
  // It may come twice, or late.
  if (session.requester != from || ack.sequence <= session.acknowledged || ack.sequence > session.sequence) return;
  session.expires = now + options_.sync_timeout;
  session.acknowledged = ack.sequence;
  const bool is_last = session.is_last_sent && session.acknowledged == session.sequence;
  out.emit({.kind = is_last ? Kind::last_ack_received : Kind::ack_received,
            .cookie = ack.cookie,
            .peer_id = from,
            .sequence = ack.sequence});
  if (!is_last) {
    read_next(now, ack.cookie, session, run);
    return;
  }
  // The hold goes on for its grace, so that the requester finds in the log what was chosen meanwhile.
  out.trace(LogLevel::info,
            fmt::format("sync [11] member {} has it all, {} chunks, {} bytes sent as {}, cookie {:016x}",
                        to_string(from), session.sequence, session.bytes, session.bytes_sent, ack.cookie));
  own_holds_.hold(ack.cookie, session.hold, now + options_.sync_timeout);
  run(session.number, CloseSnapshotTask{ack.cookie});
  sessions_.erase(it);
}

void SyncProvider::tick(TimePoint now, const View& view, Output& out, const RunTask& run) {
  own_holds_.expire(now);
  if (!view.unfit.is_ok()) end_all(view.unfit, out, run);
  pace_.tick(now, !sessions_.empty(), view.hold_used);
  std::vector<uint64_t> expired;
  for (auto& [cookie, session] : sessions_) {
    if (now >= session.expires) expired.push_back(cookie);
    if (!session.is_hold_ended) {
      own_holds_.hold(cookie, session.hold, now + options_.sync_timeout);
      if (view.leader && (now >= session.renew_at || session.asked != view.leader)) {
        session.renew_at = now + options_.hold_renewal;
        session.asked = view.leader;
        out.emit({.kind = Kind::hold_asked,
                  .cookie = cookie,
                  .peer_id = session.requester,
                  .leader_id = view.leader,
                  .version = session.hold});
        out.send(view.leader, HoldTrim{cookie, session.requester, session.hold});
      }
    }
    if (!pace_.is_due(now) && wants_read(session)) {
      // It is this end that is slow.
      session.expires = now + options_.sync_timeout;
      if (now >= session.say_alive_at) {
        session.say_alive_at = now + options_.hold_renewal;
        say_alive(cookie, session, out);
      }
    }
    read_next(now, cookie, session, run);
  }
  for (uint64_t cookie : expired) {
    end(cookie, Status(Code::unavailable, "nothing came from the requester in time: the session has expired"), out,
        run);
  }
}

void SyncProvider::check_invariants(MemberId self) const {
  SYNOD_ASSERT(sessions_.size() <= options_.sync_sessions_max, "[2] the number of sessions is bounded");
  std::map<MemberId, uint64_t> requesters;
  for (const auto& [cookie, session] : sessions_) {
    SYNOD_ASSERT(session.requester != self, "[2] no member copies from itself");
    SYNOD_ASSERT(session.number > 0 && session.number <= last_number_, "[2] sessions are numbered upwards");
    SYNOD_ASSERT(requesters.emplace(session.requester, cookie).second, "[2] one session for each requester");
    SYNOD_ASSERT(session.is_hold_ended || own_holds_.limit(session.hold.next()) <= session.hold,
                 "[5] nothing is copied unless the log is held");
    SYNOD_ASSERT(session.hold > Version() && session.hold <= session.needed, "[5] a hold keeps what will be needed");
    SYNOD_ASSERT(session.acknowledged <= session.sequence, "[9] what was sent is acknowledged");
    SYNOD_ASSERT(session.ranges_settled <= session.ranges_answered && session.ranges_answered <= session.ranges_sent,
                 "[8] what was sent is answered, and then settled");
    SYNOD_ASSERT(
        session.sequence - session.acknowledged + session.ranges_sent - session.ranges_settled <= session.window,
        "[9] a window of chunks is under way");
  }
}

void SyncProvider::end_all(const Status& reason, Output& out, const RunTask& run) {
  while (!sessions_.empty()) end(sessions_.begin()->first, reason, out, run);
}

void SyncProvider::end(uint64_t cookie, const Status& reason, Output& out, const RunTask& run) {
  const auto it = sessions_.find(cookie);
  if (it == sessions_.end()) return;
  out.emit({.kind = reason.is_ok() ? Kind::session_closed : Kind::session_ended,
            .cookie = cookie,
            .peer_id = it->second.requester,
            .reason = reason.message()});
  if (!reason.is_ok()) {
    out.trace(LogLevel::warning, fmt::format("sync session {:016x} ends: {}", cookie, reason.message()));
    out.send(it->second.requester, SyncAbort{cookie, reason});
  }
  run(it->second.number, CloseSnapshotTask{cookie});
  // The hold lapses by itself: the requester may go on with what it has got.
  sessions_.erase(it);
}

}  // namespace synod
