// The requester's part in a delta: ranges come, are compared with the copy, and what differs is answered.
#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "mon/core/sync/requester.h"

namespace synod {

std::string SyncRequester::breach_of(const SyncRanges& ranges) const {
  if (!is_delta_) return "sent ranges, and the copy has nothing to compare with them";
  if (ranges_.size() >= options_.sync_window) {
    return fmt::format("sent ranges more than a window of {} times", options_.sync_window);
  }
  const bool is_over = ranges_sequence_ > 0 && compared_.empty();
  bool follows = !is_over && !ranges.ranges.empty() && ranges.after == compared_;
  const Bytes* below = &ranges.after;
  for (const SyncRange& range : ranges.ranges) {
    const bool is_last = &range == &ranges.ranges.back();
    follows = follows && (range.last_key.empty() ? is_last : range.last_key > *below);
    below = &range.last_key;
  }
  return follows ? "" : "sent ranges that do not follow those before";
}

void SyncRequester::on_ranges(TimePoint now, const SyncRanges& ranges, Output& out, const RunTask& run) {
  if ((phase_ != Phase::starting && phase_ != Phase::copying) || ranges.sequence != ranges_sequence_ + 1) return;
  const std::string breach = breach_of(ranges);
  if (!breach.empty()) return fail(fmt::format("the provider {} {}", provider_name_, breach));
  phase_ = Phase::copying;
  ranges_sequence_ = ranges.sequence;
  out.emit({.kind = SyncEventKind::ranges_received,
            .cookie = cookie_,
            .peer_id = provider_,
            .sequence = ranges.sequence,
            .ranges = ranges.ranges.size()});
  compared_ = ranges.ranges.back().last_key;
  deadline_ = now + options_.sync_timeout;
  watch(now, ranges.per_mille);
  ranges_.push_back({ranges.sequence, ranges.after, ranges.ranges, false, {}, {}});
  ++comparing_;
  run(CompareRangesTask{ranges.after, ranges.ranges});
}

void SyncRequester::on_compared(TimePoint now, const RangesCompared& compared, Output& out) {
  SYNOD_ASSERT(comparing_ > 0 && comparing_ <= ranges_.size(), "[8] ranges are compared after they have come");
  const auto asked = ranges_.end() - static_cast<ptrdiff_t>(comparing_);
  --comparing_;
  deadline_ = now + options_.sync_timeout;
  if (!failure_.empty()) return;
  if (!compared.failure.is_ok()) {
    refute();
    return fail(compared.failure.message());
  }
  asked->is_answered = true;
  for (const DifferingRange& differing : compared.differing) {
    const Bytes& after = differing.index == 0 ? asked->after : asked->ranges[differing.index - 1].last_key;
    std::vector<KeyRange>& differ = differing.is_cleared ? asked->cleared : asked->compared;
    differ.push_back({after, asked->ranges[differing.index].last_key});
  }
  out.emit({.kind = SyncEventKind::differing_sent,
            .cookie = cookie_,
            .peer_id = provider_,
            .sequence = asked->sequence,
            .ranges = compared.differing.size()});
  out.send(provider_, SyncDiffering{cookie_, asked->sequence, compared.differing});
  const bool is_last = asked->ranges.back().last_key.empty();
  if (compared.differing.empty() && !is_last) ranges_.erase(asked);
}

bool SyncRequester::is_asked_for(const SyncChunk& chunk) const {
  const bool has_all_keys = newest_copy() != nullptr && newest_copy()->cursor.has_all_keys;
  if (!is_delta_ || has_all_keys) return chunk.ranges == 0;
  return !ranges_.empty() && ranges_.front().is_answered && ranges_.front().sequence == chunk.ranges;
}

void SyncRequester::take_ranges(const SyncChunk& chunk, WriteChunkTask& write) {
  write.cleared = std::move(ranges_.front().cleared);
  write.compared = std::move(ranges_.front().compared);
  write.erased = chunk.erased;
  ranges_.pop_front();
}

}  // namespace synod
