#include "mon/core/sync/requester.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"

namespace synod {

using Kind = SyncEventKind;

namespace {

// The accepted entries that chain on the delivered position. The others stand on a history that was not chosen, or are
// part of what was delivered.
std::vector<LogEntry> chaining_on(const Position& delivered, const std::vector<LogEntry>& accepted) {
  std::vector<LogEntry> kept;
  Position below = delivered;
  for (const LogEntry& entry : accepted) {
    if (entry.version != below.version.next() || entry.predecessor != below.hash) continue;
    below = entry.position();
    kept.push_back(entry);
  }
  return kept;
}

}  // namespace

SyncRequester::SyncRequester(const CoreOptions& options, SyncPlan plan, const AcceptedLog& log, TimePoint now,
                             Output& out)
    : options_(options),
      cookie_(plan.cookie),
      provider_(plan.provider),
      provider_name_(std::move(plan.provider_name)),
      is_delta_(plan.copy ? plan.copy->is_delta : plan.is_delta),
      is_repair_(plan.is_repair),
      takes_compressed_(plan.takes_compressed),
      committed_(log.committed().version),
      accepted_(log.accepted().begin(), log.accepted().end()),
      started_(now),
      deadline_(now + options.sync_timeout),
      copy_(std::move(plan.copy)) {
  if (copy_) compared_ = copy_->cursor.last_key;
  if (!plan.is_marked) {
    const std::string marker = fmt::format("cookie={:016x} provider={}{}", cookie_, provider_name_, plan.marker);
    out.writes.push_back(PutLocal{Bytes(synchronizing_key), SharedBytes(marker)});
    out.is_durable = true;
    out.emit({.kind = Kind::marking, .cookie = cookie_});
  }
  if (SYNOD_MUTANT("sync-before-marker")) ask(now, out);
  out.trace(LogLevel::info, fmt::format("sync [3] {}, cookie {:016x}, provider {}, committed version {}",
                                        plan.is_marked ? "finds its store marked" : "marks its store", cookie_,
                                        provider_name_, committed_.value()));
}

void SyncRequester::on_marker_durable(TimePoint now, Output& out, const RunTask& run) {
  if (phase_ != Phase::marking) return;
  if (!is_delta_ || copy_) return ask(now, out);
  phase_ = Phase::cloning;
  CopyRecord empty;
  empty.is_delta = true;
  run(CloneStoreTask{empty.encode()});
}

void SyncRequester::on_store_created(TimePoint now, Output& out) {
  out.emit({.kind = phase_ == Phase::cloning ? Kind::copy_cloned : Kind::copy_made, .cookie = cookie_});
  if (phase_ != Phase::cloning) return;  // an empty one is made before the first chunk is written to it
  copy_.emplace();
  copy_->is_delta = true;
  if (failure_.empty()) ask(now, out);
}

// Step 2.
void SyncRequester::ask(TimePoint now, Output& out) {
  phase_ = Phase::starting;
  deadline_ = now + options_.sync_timeout;
  SyncStart start{cookie_, committed_, options_.sync_window, std::nullopt, is_delta_, takes_compressed_};
  if (copy_) {
    out.emit({.kind = Kind::copy_resumed,
              .cookie = cookie_,
              .version = copy_->cursor.highest.version,
              .chunks = copy_->chunks});
  }
  if (copy_ && copy_->has_begun()) {
    start.resume = copy_->cursor;
    out.trace(LogLevel::info,
              fmt::format("sync [4] goes on with a copy of {} chunks, {} keys, {} bytes, cookie {:016x}", copy_->chunks,
                          copy_->keys, copy_->bytes, cookie_));
  } else if (is_delta_) {
    out.trace(LogLevel::info, fmt::format("sync [4] begins with a copy of its own store, cookie {:016x}", cookie_));
  }
  out.emit({.kind = Kind::asked,
            .cookie = cookie_,
            .peer_id = provider_,
            .version = committed_,
            .window = options_.sync_window,
            .is_delta = is_delta_});
  out.send(provider_, std::move(start));
}

void SyncRequester::on_message(TimePoint now, MemberId from, const Message& message, Output& out, const RunTask& run) {
  if (from != provider_ || !needs_provider() || !failure_.empty()) return;
  if (const auto* chunk = std::get_if<SyncChunk>(&message); chunk != nullptr && chunk->cookie == cookie_) {
    on_chunk(now, *chunk, out, run);
  } else if (const auto* ranges = std::get_if<SyncRanges>(&message); ranges != nullptr && ranges->cookie == cookie_) {
    on_ranges(now, *ranges, out, run);
  } else if (const auto* abort = std::get_if<SyncAbort>(&message); abort != nullptr && abort->cookie == cookie_) {
    out.emit(
        {.kind = Kind::abort_received, .cookie = cookie_, .peer_id = provider_, .reason = abort->reason.message()});
    // The provider's log does not reach back to the copy any more.
    if (abort->reason.code() == Code::refused) keeps_copy_ = false;
    fail(fmt::format("the provider {} ended the session: {}", provider_name_, abort->reason.message()));
  }
}

const CopyRecord* SyncRequester::newest_copy() const {
  if (!on_the_way_.empty()) return &on_the_way_.back();
  return copy_ ? &*copy_ : nullptr;
}

std::string SyncRequester::breach_of(const SyncChunk& chunk) const {
  if (on_the_way_.size() >= options_.sync_window) {
    return fmt::format("sent more than a window of {} chunks", options_.sync_window);
  }
  if (chunk.is_compressed && !takes_compressed_) return "sent a compressed chunk, which was not asked for";
  return is_asked_for(chunk) ? "" : "sent a chunk that was not asked for";
}

void SyncRequester::on_chunk(TimePoint now, const SyncChunk& chunk, Output& out, const RunTask& run) {
  if ((phase_ != Phase::starting && phase_ != Phase::copying) || has_last_) return;
  if (chunk.sequence == 0) {
    deadline_ = now + options_.sync_timeout;
    out.emit({.kind = Kind::alive_received, .cookie = cookie_, .peer_id = provider_});
  }
  if (chunk.sequence != sequence_ + 1) return;
  if (checksum64(chunk.transaction.view()) != chunk.checksum) {
    return fail(fmt::format("chunk {} does not have its checksum", chunk.sequence));
  }
  const std::string breach = breach_of(chunk);
  if (!breach.empty()) return fail(fmt::format("the provider {} {}", provider_name_, breach));
  if (chunk.is_last != chunk.cursor.is_complete()) {
    return fail(fmt::format("chunk {} is {}the last one, and the copy is {}complete with it", chunk.sequence,
                            chunk.is_last ? "" : "not ", chunk.is_last ? "not " : ""));
  }
  if (!copy_ && phase_ == Phase::starting) run(CreateStoreTask{});
  phase_ = Phase::copying;
  sequence_ = chunk.sequence;
  out.emit({.kind = chunk.is_last ? Kind::last_chunk_received : Kind::chunk_received,
            .cookie = cookie_,
            .peer_id = provider_,
            .sequence = sequence_,
            .keys = chunk.keys,
            .bytes = chunk.bytes,
            .settles = chunk.ranges,
            .digest = chunk.digest});
  deadline_ = now + options_.sync_timeout;
  CopyRecord record = newest_copy() != nullptr ? *newest_copy() : CopyRecord{};
  record.cursor = chunk.cursor;
  record.chunks += 1;
  record.keys += chunk.keys;
  record.bytes += chunk.bytes;
  if (SYNOD_MUTANT("sync-acknowledged-early")) acknowledge(Kind::ack_sent, sequence_, out);
  WriteChunkTask write{chunk.transaction, record.encode()};
  write.record_before = record_before(chunk);
  write.is_compressed = chunk.is_compressed;
  if (chunk.ranges != 0) take_ranges(chunk, write);
  run(std::move(write));
  on_the_way_.push_back(std::move(record));
  watch(now, chunk.per_mille);
  has_last_ = chunk.is_last;
  digest_ = chunk.digest;
}

// The first chunk of a newer snapshot may be in the copy without its own record, if the power fails between: that there
// are keys of that version is said before.
Bytes SyncRequester::record_before(const SyncChunk& chunk) const {
  const CopyRecord* const newest = newest_copy();
  const bool is_known = newest == nullptr || !newest->has_begun() || newest->cursor.highest == chunk.cursor.highest;
  if (is_known) return {};
  CopyRecord before = *newest;
  before.cursor.highest = chunk.cursor.highest;
  return before.encode();
}

void SyncRequester::watch(TimePoint now, uint32_t per_mille) {
  latest_ = {now, newest_copy() != nullptr ? newest_copy()->bytes : 0, std::min<uint32_t>(per_mille, 1000)};
  if (!first_) first_ = latest_;
}

SyncRequester::Outcome SyncRequester::on_result(TimePoint now, const TaskResult& result, Output& out,
                                                const RunTask& run) {
  if (phase_ == Phase::over) return Outcome::failed;
  if (const auto* failed = std::get_if<Status>(&result)) {
    // A chunk, or a copy, that is not what it should be.
    refute();
    if (phase_ == Phase::copying) on_the_way_.pop_front();
    if (failure_.empty()) fail(failed->message());
  } else if (std::holds_alternative<StoreCreated>(result)) {
    on_store_created(now, out);
  } else if (const auto* compared = std::get_if<RangesCompared>(&result)) {
    on_compared(now, *compared, out);
  } else if (std::holds_alternative<ChunkWritten>(result)) {
    on_chunk_written(now, out, run);
  } else if (const auto* verified = std::get_if<Verified>(&result)) {
    return on_verified(*verified, out, run);
  } else if (const auto* switched = std::get_if<Switched>(&result)) {
    SYNOD_ASSERT(phase_ == Phase::switching, "[12] only what was verified becomes the current store");
    SYNOD_ASSERT(switched->log.applied.version >= committed_, "I-19: a sync takes no member back");
    phase_ = Phase::over;
    out.emit({.kind = Kind::switched, .cookie = cookie_, .version = switched->log.applied.version});
    return Outcome::switched;
  }
  return settle(out);
}

void SyncRequester::on_chunk_written(TimePoint now, Output& out, const RunTask& run) {
  SYNOD_ASSERT(phase_ == Phase::copying && !on_the_way_.empty(), "[9] a chunk is written after it has come");
  copy_ = std::move(on_the_way_.front());
  on_the_way_.pop_front();
  const uint64_t written = sequence_ - on_the_way_.size();
  out.emit({.kind = Kind::chunk_written, .cookie = cookie_, .chunks = copy_->chunks, .sequence = written});
  deadline_ = now + options_.sync_timeout;
  if (!failure_.empty()) return;
  if (has_last_ && on_the_way_.empty()) {
    phase_ = Phase::verifying;
    out.emit({.kind = Kind::verifying, .cookie = cookie_});
    run(VerifyTask{});
    return;
  }
  acknowledge(Kind::ack_sent, written, out);
}

void SyncRequester::acknowledge(SyncEventKind kind, uint64_t sequence, Output& out) {
  out.emit({.kind = kind, .cookie = cookie_, .peer_id = provider_, .sequence = sequence});
  out.send(provider_, SyncAck{cookie_, sequence});
}

SyncRequester::Outcome SyncRequester::on_verified(const Verified& verified, Output& out, const RunTask& run) {
  SYNOD_ASSERT(phase_ == Phase::verifying && copy_ && has_last_, "[11] all of it is there");
  const Position& wanted = copy_->cursor.highest;
  const bool is_equal = verified.digest == digest_ || SYNOD_MUTANT("sync-digest-not-compared");
  if (verified.position != wanted || !is_equal) {
    refute();
    fail(fmt::format("the copy at version {} has digest {}, the provider's at version {} has {}",
                     verified.position.version.value(), to_string(verified.digest), wanted.version.value(),
                     to_string(digest_)));
    return settle(out);
  }
  // What this member has applied it may have accepted as part of the only majority: an older copy would undo that.
  if (verified.position.version < committed_) {
    keeps_copy_ = false;
    fail(fmt::format("the copy is at version {}, and this member has committed {}", verified.position.version.value(),
                     committed_.value()));
    return settle(out);
  }
  phase_ = Phase::switching;
  if (SYNOD_MUTANT("sync-drops-the-mark-early")) out.writes.push_back(EraseLocal{Bytes(synchronizing_key)});
  out.emit(
      {.kind = Kind::verified, .cookie = cookie_, .version = verified.position.version, .digest = verified.digest});
  out.trace(LogLevel::info, fmt::format("sync [11] verified version {}, digest {}", verified.position.version.value(),
                                        to_string(verified.digest)));
  acknowledge(Kind::last_ack_sent, sequence_, out);
  out.emit({.kind = Kind::switching, .cookie = cookie_});
  run(SwitchTask{SYNOD_MUTANT("sync-keeps-unchained") ? accepted_ : chaining_on(verified.position, accepted_),
                 is_repair_});
  return Outcome::running;
}

void SyncRequester::check_invariants() const {
  SYNOD_ASSERT(phase_ != Phase::marking || sequence_ == 0, "[3] nothing is asked for before the marker is durable");
  SYNOD_ASSERT(on_the_way_.size() <= options_.sync_window, "[9] a window of chunks is on its way to the disk at most");
  SYNOD_ASSERT(on_the_way_.size() <= sequence_, "[9] what is on its way to the disk has come");
  SYNOD_ASSERT(on_the_way_.empty() || phase_ == Phase::copying, "[9] all chunks are on disk before they are verified");
  SYNOD_ASSERT(sequence_ == on_the_way_.size() || copy_, "[9] what is not on its way is in the copy");
  SYNOD_ASSERT(comparing_ <= ranges_.size() && ranges_.size() <= options_.sync_window,
               "[8] a window of ranges is compared at most");
  SYNOD_ASSERT(phase_ < Phase::verifying || phase_ == Phase::over || copy_->cursor.is_complete(),
               "[11] only a complete copy is verified");
  SYNOD_ASSERT(accepted_.empty() || accepted_.front().version == committed_.next(),
               "I-9: what was accepted before is carried over as it was");
}

SyncProgress SyncRequester::progress() const {
  SyncProgress progress;
  progress.provider = provider_name_;
  progress.cookie = cookie_;
  progress.per_mille = latest_.per_mille;
  if (first_ && latest_.when > first_->when) {
    const double seconds = std::chrono::duration<double>(latest_.when - first_->when).count();
    const auto done = static_cast<double>(latest_.per_mille) - first_->per_mille;
    progress.bytes_per_second = static_cast<uint64_t>(static_cast<double>(latest_.bytes - first_->bytes) / seconds);
    if (done > 0) progress.remaining_ms = static_cast<uint64_t>((1000.0 - latest_.per_mille) / done * seconds * 1000);
  }
  if (copy_) {
    progress.chunks = copy_->chunks;
    progress.keys = copy_->keys;
    progress.bytes = copy_->bytes;
  }
  if (newest_copy() != nullptr) progress.version = newest_copy()->cursor.highest.version;
  return progress;
}

SyncRequester::Outcome SyncRequester::tick(TimePoint now, Output& out) {
  // No timer spans this end's own work, which takes as long as its disk needs.
  const bool is_idle = on_the_way_.empty() && comparing_ == 0;
  const bool waits_for_provider = phase_ == Phase::starting || (phase_ == Phase::copying && is_idle);
  if (waits_for_provider && now >= deadline_ && failure_.empty()) {
    fail(fmt::format("nothing came from the provider {} in time", provider_name_));
  }
  return settle(out);
}

SyncRequester::Outcome SyncRequester::on_provider_lost(Output& out) {
  if (needs_provider() && failure_.empty())
    fail(fmt::format("the connection to the provider {} broke", provider_name_));
  return settle(out);
}

SyncRequester::Outcome SyncRequester::on_provider_restarted(Output& out) {
  if (needs_provider() && failure_.empty()) fail(fmt::format("the provider {} has started again", provider_name_));
  return settle(out);
}

void SyncRequester::fail(std::string why) {
  SYNOD_ASSERT(phase_ != Phase::over && failure_.empty(), "a sync fails once");
  failure_ = std::move(why);
}

SyncRequester::Outcome SyncRequester::settle(Output& out) {
  // What is still made, written or compared would otherwise be so under the next sync's hands.
  const bool is_cloning = phase_ == Phase::cloning && !copy_ && !is_refuted_;
  if (failure_.empty() || is_cloning || !on_the_way_.empty() || comparing_ > 0) return Outcome::running;
  phase_ = Phase::over;
  out.emit({.kind = Kind::failed,
            .cookie = cookie_,
            .peer_id = provider_,
            .chunks = keeps_copy_ && copy_ ? copy_->chunks : 0,
            .reason = failure_});
  out.trace(LogLevel::warning, fmt::format("sync failed, cookie {:016x}: {}", cookie_, failure_));
  out.send(provider_, SyncAbort{cookie_, Status(Code::unavailable, failure_)});
  return Outcome::failed;
}

}  // namespace synod
