// One member as the requester of a sync.
#include "test/sim/check/sync/sync_order.h"

namespace synod::sim {

using Kind = SyncEventKind;

// Beside a session.
bool SyncOrder::on_copy(const Step& step) {
  Member& member = step.member;
  if (step.event.kind == Kind::copy_given_up) {
    require(step, !member.requested, "[4] a copy is given up before the next sync begins");
    require(step, member.copy.includes(step.event.chunks), "[4] the copy that is given up is the one that is there");
    member.copy.least = 0;
    return true;
  }
  if (step.event.kind != Kind::in_quorum && step.event.kind != Kind::level) return false;
  require(step, !member.has_begun || member.switched == step.event.cookie,
          "[14] a sync that is finished has switched before, in the same life, and is finished once");
  member.switched.reset();
  return true;
}

bool SyncOrder::on_requester(const Step& step) {
  Member& member = step.member;
  switch (step.event.kind) {
    case Kind::must_copy: on_begun(step); return true;
    case Kind::provider_chosen:
    case Kind::asked:
    case Kind::copy_made:
    case Kind::copy_cloned:
    case Kind::copy_resumed:
    case Kind::abort_received:
    case Kind::failed:
    case Kind::alive_received:
    case Kind::ranges_received:
    case Kind::differing_sent:
    case Kind::chunk_received:
    case Kind::chunk_written:
    case Kind::ack_sent:
    case Kind::last_chunk_received:
    case Kind::verifying:
    case Kind::verified:
    case Kind::last_ack_sent:
    case Kind::switching:
    case Kind::switched: break;
    default: return false;
  }
  // Its trace may begin within a session.
  if (!member.requested && !member.has_begun) {
    if (step.event.kind == Kind::switched) become_switched(step);
    return true;
  }
  require(step, member.requested && member.requested->cookie == step.event.cookie, "no sync of that cookie runs here");
  if (!violation_.empty()) return true;
  Requested& requested = *member.requested;
  if (step.event.kind == Kind::provider_chosen) {
    require(step, requested.provider.empty(), "[2] one provider is chosen");
    require(step, step.event.version >= requested.needed, "[2] nobody copies from who has no more than it");
    require(step, step.event.peer != step.name, "[2] nobody copies from itself");
    requested.provider = step.event.peer;
  } else if (step.event.kind == Kind::asked) {
    on_asked(step, requested);
  } else if (!on_transfer(step, requested)) {
    on_end(step, requested);
  }
  return true;
}

void SyncOrder::on_begun(const Step& step) {
  require(step, !step.member.requested, "[1] a sync begins when the one before is over");
  const auto session = sessions_.find(step.event.cookie);
  require(step, session == sessions_.end() || session->second.requester.empty(), "[1] no cookie is used twice");
  Requested& requested = step.member.requested.emplace();
  requested.cookie = step.event.cookie;
  requested.needed = step.event.version;
}

void SyncOrder::on_asked(const Step& step, Requested& requested) {
  Member& member = step.member;
  require(step, !requested.is_asked, "[2] a provider is asked once");
  require(step, requested.provider == step.event.peer, "[2] the provider is asked that was chosen");
  require(step, member.mark == Mark::present || member.mark == Mark::unknown,
          "[3] the mark is durable before a provider is asked");
  require(step, requested.has_copy || member.copy.least == 0, "[4] a copy that is there is gone on with");
  require(step, requested.has_copy || !step.event.is_delta, "[4] a delta has a copy to compare");
  requested.is_asked = true;
  requested.is_delta = step.event.is_delta;
  requested.window = step.event.window;
  if (member.last_cookie != 0) sessions_[member.last_cookie].is_over_at_requester = true;
  member.last_cookie = requested.cookie;
  ++member.asked_of[requested.provider];
  Session& session = sessions_[requested.cookie];
  session.requester = step.name;
  session.provider = requested.provider;
  session.window = requested.window;
  session.unmarks_before = member.unmarks;
}

bool SyncOrder::on_transfer(const Step& step, Requested& requested) {
  const SyncEvent& event = step.event;
  const Member& member = step.member;
  Chunks& copy = step.member.copy;
  switch (event.kind) {
    case Kind::copy_resumed:
      require(step, !requested.is_asked, "[4] a copy is gone on with from the beginning of a session");
      require(step, copy.includes(event.chunks), "[4] the copy that is gone on with is the one that is there");
      requested.has_copy = true;
      requested.before = event.chunks;
      copy = {event.chunks, event.chunks};
      break;
    case Kind::copy_cloned:
      require(step, !requested.is_asked && !requested.has_copy, "[4] a store is cloned before a provider is asked");
      require(step, member.mark == Mark::present || member.mark == Mark::unknown,
              "[3] the mark is durable before the store is cloned");
      copy = {0, 0};
      break;
    case Kind::copy_made:
      require(step, requested.is_asked && requested.received > 0, "[4] a copy is made when a chunk has come");
      require(step, !requested.has_copy, "[4] there is one copy");
      requested.has_copy = true;
      copy = {0, requested.received};
      break;
    case Kind::alive_received: require(step, requested.is_asked, "[2] nobody answers before it is asked"); break;
    case Kind::chunk_received:
    case Kind::last_chunk_received: on_chunk_received(step, requested); break;
    case Kind::chunk_written:
      require(step, event.sequence == requested.written + 1, "[9] chunks are written one after the other");
      require(step, event.sequence <= requested.received, "[9] a chunk has come before it is written");
      require(step, requested.has_copy, "[4] there is a copy before a chunk is written to it");
      require(step, event.chunks == requested.before + event.sequence, "[9] a copy counts what was written to it");
      requested.written = event.sequence;
      copy.least = event.chunks;
      break;
    case Kind::ack_sent:
    case Kind::last_ack_sent: on_acknowledged(step, requested); break;
    default: return on_delta(step, requested) || on_verification(step, requested);
  }
  return true;
}

bool SyncOrder::on_delta(const Step& step, Requested& requested) {
  const SyncEvent& event = step.event;
  if (event.kind == Kind::ranges_received) {
    require(step, requested.is_asked && requested.is_delta, "[8] only for a delta ranges are compared");
    require(step, !requested.last, "[10] nothing comes after the last chunk");
    require(step, event.sequence == requested.ranges + 1, "[8] ranges are taken one after the other");
    requested.ranges = event.sequence;
    return true;
  }
  if (event.kind != Kind::differing_sent) return false;
  require(step, event.sequence == requested.answered + 1, "[8] ranges are answered one after the other");
  require(step, event.sequence <= requested.ranges, "[8] ranges have come before they are answered");
  requested.answered = event.sequence;
  requested.differing.insert(event.sequence);
  sessions_[requested.cookie].differing[event.sequence] = event.ranges;
  return true;
}

void SyncOrder::on_chunk_received(const Step& step, Requested& requested) {
  require(step, requested.is_asked, "[2] nobody answers before it is asked");
  require(step, !requested.last, "[10] nothing comes after the last chunk");
  require(step, step.event.sequence == requested.received + 1, "[9] chunks are taken one after the other");
  require(step, step.event.settles == 0 || requested.differing.erase(step.event.settles) > 0,
          "[8] a chunk for ranges comes when they are answered, once");
  requested.received = step.event.sequence;
  require(step, requested.received - requested.written <= requested.window, "[9] a window of chunks is taken at most");
  if (step.event.kind == Kind::last_chunk_received) requested.last = step.event.digest;
  Chunks& copy = step.member.copy;
  if (copy.most < UINT64_MAX) ++copy.most;
}

void SyncOrder::on_acknowledged(const Step& step, Requested& requested) {
  const uint64_t sequence = step.event.sequence;
  const bool is_last = requested.last && sequence == requested.received;
  require(step, sequence > requested.acknowledged, "[9] a chunk is acknowledged once");
  require(step, sequence <= requested.written, "[9] a chunk is durable before it is acknowledged");
  require(step, is_last == (step.event.kind == Kind::last_ack_sent),
          "[11] the last chunk has an acknowledgement of its own");
  require(step, !is_last || requested.verified, "[11] a copy is verified before the last chunk is acknowledged");
  requested.acknowledged = sequence;
  Session& session = sessions_[requested.cookie];
  session.acknowledged.insert(sequence);
  session.is_last_acknowledged = is_last;
}

bool SyncOrder::on_verification(const Step& step, Requested& requested) {
  switch (step.event.kind) {
    case Kind::verifying:
      require(step, requested.last && requested.written == requested.received && !requested.is_verifying,
              "[11] a copy is verified once, when all chunks are written and the last was among them");
      requested.is_verifying = true;
      return true;
    case Kind::verified:
      require(step, requested.is_verifying && !requested.verified, "[11] what was looked at is verified, once");
      require(step, requested.last == step.event.digest, "[11] the copy has the digest that came with the last chunk");
      require(step, step.event.version.next() >= requested.needed, "[11] no copy takes a member back");
      requested.verified = step.event.version;
      return true;
    case Kind::switching:
      require(step, requested.verified && !requested.is_switching,
              "[12] what was verified takes the store's place, once");
      requested.is_switching = true;
      return true;
    default: return false;
  }
}

void SyncOrder::on_end(const Step& step, Requested& requested) {
  const SyncEvent& event = step.event;
  Member& member = step.member;
  if (event.kind == Kind::abort_received) {
    require(step, requested.is_asked, "[2] nobody answers before it is asked");
  } else if (event.kind == Kind::failed) {
    require(step, requested.provider == event.peer, "a session is one with the provider that was chosen");
    require(step, !requested.verified, "[11] what is verified does not fail");
    const bool is_kept = event.chunks != 0;
    require(step, !is_kept || member.copy.includes(event.chunks), "[4] the copy that is kept is the one that is there");
    member.copy = is_kept ? Chunks{event.chunks, event.chunks} : Chunks{0, member.copy.most};
    if (requested.is_asked) sessions_[requested.cookie].is_over_at_requester = true;
    member.requested.reset();
  } else {
    require(step, requested.is_switching, "[12] a store is told to switch before it has");
    require(step, requested.verified == event.version, "[12] what was verified becomes the store");
    become_switched(step);
  }
}

void SyncOrder::become_switched(const Step& step) {
  Member& member = step.member;
  sessions_[step.event.cookie].is_over_at_requester = true;
  member.switched = step.event.cookie;
  member.mark = Mark::absent;
  member.copy = {0, 0};
  ++member.unmarks;
  // Of the versions between the old store and the new one it has not seen what they say.
  member.holds.clear();
  member.hold_at.clear();
  if (!member.runs.empty()) member.runs.back().is_open = false;
  member.requested.reset();
}

}  // namespace synod::sim
