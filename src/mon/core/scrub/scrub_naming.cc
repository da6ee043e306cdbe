#include "mon/core/scrub/scrub_naming.h"

#include <utility>

#include "base/assert.h"

namespace synod {

ScrubNaming::ScrubNaming(const CoreOptions& options, Version version, std::vector<MemberId> peers, TimePoint now,
                         Output& out)
    : options_(options), peers_(std::move(peers)) {
  SYNOD_ASSERT(!peers_.empty(), "I-24: whoever differs does so from others that agree");
  asked_.version = version;
  ask(now, out);
}

void ScrubNaming::ask(TimePoint now, Output& out) {
  is_comparing_ = false;
  deadline_ = now + options_.scrub_timeout;
  repeat(now, out);
}

void ScrubNaming::repeat(TimePoint now, Output& out) {
  repeat_at_ = now + options_.scrub_repeat;
  out.send(peers_[peer_], asked_);
}

void ScrubNaming::try_next_peer(TimePoint now, const std::string& why, Output& out) {
  if (++peer_ >= peers_.size()) {
    failure_ = why;
    is_over_ = true;
    return;
  }
  asked_ = ScrubAsk{asked_.version, false, {}, {}};
  ranges_.clear();
  range_ = 0;
  found_ = {};
  ask(now, out);
}

bool ScrubNaming::is_awaited(MemberId from, Version version, bool is_for_pairs, const Bytes& after) const {
  const bool is_asked = asked_.version == version && asked_.is_for_pairs == is_for_pairs && asked_.after == after;
  return !is_over_ && !is_comparing_ && from == peers_[peer_] && is_asked;
}

// A failure waits for the next tick, like an answer that does not come.
void ScrubNaming::on_segments(MemberId from, const ScrubSegments& told, Output&, const RunTask& run) {
  if (!is_awaited(from, told.version, false, told.after)) return;
  if (!told.failure.is_ok() || (told.segments.empty() && !told.is_last)) {
    deadline_ = TimePoint();
    return;
  }
  is_comparing_ = true;
  is_last_ = told.is_last;
  if (!told.segments.empty()) after_ = told.segments.back().last_key;
  run(CompareSegmentsTask{told});
}

void ScrubNaming::on_segments_compared(TimePoint now, const SegmentsCompared& compared, Output& out) {
  if (!is_comparing_ || asked_.is_for_pairs || compared.version != asked_.version) return;
  if (!compared.failure.is_ok()) return try_next_peer(now, compared.failure.message(), out);
  if (is_last_) {
    ranges_ = compared.ranges;
    return go_on_with_ranges(now, out);
  }
  asked_.after = after_;
  ask(now, out);
}

void ScrubNaming::go_on_with_ranges(TimePoint now, Output& out) {
  found_.is_all = range_ == ranges_.size();
  is_over_ = found_.is_all || (found_.keys.size() >= options_.scrub_keys_named && pairs_ >= options_.scrub_pairs_max);
  if (is_over_) return;
  asked_ = ScrubAsk{asked_.version, true, ranges_[range_].after, ranges_[range_].last_key};
  ask(now, out);
}

void ScrubNaming::on_pairs(MemberId from, const ScrubPairs& told, Output&, const RunTask& run) {
  if (!is_awaited(from, told.version, true, told.after)) return;
  if (!told.failure.is_ok() || (told.pairs.empty() && !told.is_last)) {
    deadline_ = TimePoint();
    return;
  }
  is_comparing_ = true;
  is_last_ = told.is_last;
  if (!told.pairs.empty()) after_ = told.pairs.back().key;
  pairs_ += told.pairs.size() + 1;
  run(ComparePairsTask{{told.after, asked_.last_key}, told, options_.scrub_keys_named - found_.keys.size()});
}

void ScrubNaming::on_pairs_compared(TimePoint now, const PairsCompared& compared, Output& out) {
  if (!is_comparing_ || !asked_.is_for_pairs || compared.version != asked_.version) return;
  if (!compared.failure.is_ok()) return try_next_peer(now, compared.failure.message(), out);
  found_.keys.insert(found_.keys.end(), compared.keys.begin(), compared.keys.end());
  found_.count += compared.count;
  SYNOD_ASSERT(found_.keys.size() <= options_.scrub_keys_named, "what is named is bounded");
  if (is_last_) {
    ++range_;
    return go_on_with_ranges(now, out);
  }
  // What is left of the range.
  ranges_[range_].after = after_;
  go_on_with_ranges(now, out);
}

void ScrubNaming::tick(TimePoint now, Output& out) {
  if (is_over_ || is_comparing_) return;
  if (now >= deadline_) {
    try_next_peer(now, "the other members do not tell what they have", out);
  } else if (now >= repeat_at_) {
    repeat(now, out);
  }
}

}  // namespace synod
