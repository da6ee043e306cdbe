#include "mon/core/sync/requester.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"

namespace synod {
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

SyncRequester::SyncRequester(const CoreOptions& options, uint64_t cookie, MemberId provider, std::string provider_name,
                             const AcceptedLog& log, TimePoint now, Output& out)
    : options_(options),
      cookie_(cookie),
      provider_(provider),
      committed_(log.committed().version),
      accepted_(log.accepted().begin(), log.accepted().end()),
      started_(now),
      deadline_(now + options.sync_timeout) {
  progress_.provider = std::move(provider_name);
  const std::string marker = fmt::format("cookie={:016x} provider={}", cookie_, progress_.provider);
  out.writes.push_back(PutLocal{Bytes(synchronizing_key), SharedBytes(marker)});
  out.is_durable = true;
  if (SYNOD_MUTANT("sync-before-marker")) on_marker_durable(now, out);
  out.trace(LogLevel::info, fmt::format("sync [3] marks its store, cookie {:016x}, provider {}, committed version {}",
                                        cookie_, progress_.provider, committed_.value()));
}

void SyncRequester::on_marker_durable(TimePoint now, Output& out) {
  if (phase_ != Phase::marking) return;
  phase_ = Phase::starting;
  deadline_ = now + options_.sync_timeout;
  out.send(provider_, SyncStart{cookie_, committed_});
}

void SyncRequester::on_message(TimePoint now, MemberId from, const Message& message, Output& out, const RunTask& run) {
  if (from != provider_ || !needs_provider()) return;
  if (const auto* chunk = std::get_if<SyncChunk>(&message); chunk != nullptr && chunk->cookie == cookie_) {
    on_chunk(now, *chunk, out, run);
  } else if (const auto* abort = std::get_if<SyncAbort>(&message); abort != nullptr && abort->cookie == cookie_) {
    failure_ = fmt::format("the provider {} ended the session: {}", progress_.provider, abort->reason.message());
  }
}

void SyncRequester::on_chunk(TimePoint now, const SyncChunk& chunk, Output&, const RunTask& run) {
  const bool is_expected = (phase_ == Phase::starting || phase_ == Phase::copying) && chunk.sequence == sequence_ + 1;
  if (!is_expected) return;
  SYNOD_ASSERT(!last_chunk_ || !last_chunk_->is_last, "[10] nothing follows the last chunk");
  if (checksum64(chunk.transaction.view()) != chunk.checksum) {
    failure_ = fmt::format("chunk {} does not have its checksum", chunk.sequence);
    return;
  }
  if (phase_ == Phase::starting) run(CreateStoreTask{});
  phase_ = Phase::writing;
  sequence_ = chunk.sequence;
  deadline_ = now + options_.sync_timeout;
  progress_.version = chunk.position.version;
  run(WriteChunkTask{chunk.transaction, chunk.sequence});
  last_chunk_ = chunk;
  last_chunk_->transaction = SharedBytes();
}

SyncRequester::Outcome SyncRequester::on_result(TimePoint now, const TaskResult& result, Output& out,
                                                const RunTask& run) {
  if (phase_ == Phase::over) return Outcome::failed;
  if (const auto* failed = std::get_if<Status>(&result)) return fail(failed->message(), out);
  if (const auto* written = std::get_if<ChunkWritten>(&result)) {
    SYNOD_ASSERT(phase_ == Phase::writing && last_chunk_, "a chunk is written after it has come");
    ++progress_.chunks;
    progress_.keys += written->keys;
    progress_.bytes += written->bytes;
    if (last_chunk_->is_last) {
      phase_ = Phase::verifying;
      run(VerifyTask{});
    } else {
      phase_ = Phase::copying;
      deadline_ = now + options_.sync_timeout;
      out.send(provider_, SyncAck{cookie_, sequence_});
    }
  } else if (const auto* verified = std::get_if<Verified>(&result)) {
    return on_verified(*verified, out, run);
  } else if (const auto* switched = std::get_if<Switched>(&result)) {
    SYNOD_ASSERT(phase_ == Phase::switching, "[12] only what was verified becomes the current store");
    SYNOD_ASSERT(switched->log.applied.version >= committed_, "I-19: a sync takes no member back");
    phase_ = Phase::over;
    return Outcome::switched;
  }
  return Outcome::running;
}

SyncRequester::Outcome SyncRequester::on_verified(const Verified& verified, Output& out, const RunTask& run) {
  SYNOD_ASSERT(phase_ == Phase::verifying && last_chunk_ && last_chunk_->is_last, "[11] all of it is there");
  if (verified.position != last_chunk_->position || verified.digest != last_chunk_->digest) {
    return fail(fmt::format("the copy at version {} has digest {}, the provider's at version {} has {}",
                            verified.position.version.value(), to_string(verified.digest),
                            last_chunk_->position.version.value(), to_string(last_chunk_->digest)),
                out);
  }
  // What this member has applied it may have accepted as part of the only majority: an older copy would undo that.
  if (verified.position.version < committed_) {
    return fail(fmt::format("the copy is at version {}, and this member has committed {}",
                            verified.position.version.value(), committed_.value()),
                out);
  }
  phase_ = Phase::switching;
  out.trace(LogLevel::info, fmt::format("sync [11] verified version {}, digest {}", verified.position.version.value(),
                                        to_string(verified.digest)));
  out.send(provider_, SyncAck{cookie_, sequence_});
  run(SwitchTask{SYNOD_MUTANT("sync-keeps-unchained") ? accepted_ : chaining_on(verified.position, accepted_)});
  return Outcome::running;
}

void SyncRequester::check_invariants() const {
  SYNOD_ASSERT(phase_ != Phase::marking || sequence_ == 0, "[3] nothing is asked for before the marker is durable");
  SYNOD_ASSERT(progress_.chunks <= sequence_, "[9] a chunk is counted once");
  SYNOD_ASSERT(sequence_ - progress_.chunks <= 1, "[9] one chunk is on its way to the disk at most");
  SYNOD_ASSERT(last_chunk_.has_value() == (sequence_ > 0), "[9] the last chunk is remembered");
  SYNOD_ASSERT(phase_ != Phase::writing || progress_.chunks + 1 == sequence_, "[9] a chunk is being written");
  SYNOD_ASSERT(phase_ != Phase::copying || progress_.chunks == sequence_, "[9] acknowledged when it is written");
  SYNOD_ASSERT(accepted_.empty() || accepted_.front().version == committed_.next(),
               "I-9: what was accepted before is carried over as it was");
}

SyncRequester::Outcome SyncRequester::tick(TimePoint now, Output& out) {
  if (!failure_.empty() && needs_provider()) return fail(failure_, out);
  // No timer spans this end's own work, which takes as long as its disk needs.
  const bool waits_for_provider = phase_ == Phase::starting || phase_ == Phase::copying;
  if (waits_for_provider && now >= deadline_) {
    return fail(fmt::format("nothing came from the provider {} in time", progress_.provider), out);
  }
  return Outcome::running;
}

SyncRequester::Outcome SyncRequester::on_provider_lost(Output& out) {
  if (!needs_provider()) return Outcome::running;
  return fail(fmt::format("the connection to the provider {} broke", progress_.provider), out);
}

SyncRequester::Outcome SyncRequester::fail(std::string why, Output& out) {
  SYNOD_ASSERT(phase_ != Phase::over, "a sync ends once");
  phase_ = Phase::over;
  failure_ = std::move(why);
  out.trace(LogLevel::warning, fmt::format("sync failed, cookie {:016x}: {}", cookie_, failure_));
  out.send(provider_, SyncAbort{cookie_, Status(Code::unavailable, failure_)});
  return Outcome::failed;
}

}  // namespace synod
