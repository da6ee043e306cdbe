#include "mon/core/scrub/scrub_walk.h"

#include "base/assert.h"

namespace synod {
void ScrubWalk::begin(TimePoint now, MemberId self, const Position& point, uint64_t step) {
  phase_ = Phase::opening;
  point_ = point;
  step_ = step;
  check_ = {self, ScrubState::walking, 0, 0, {}, {}};
  is_reading_ = false;
  led_at_ = now;
  told_ = MemberId();
}

void ScrubWalk::on_visible(TimePoint now, uint64_t visible_step, const RunTask& run) {
  if (phase_ != Phase::opening || visible_step < step_) return;
  phase_ = Phase::walking;
  pace_.restart(now);
  read_next(now, run);
}

void ScrubWalk::read_next(TimePoint now, const RunTask& run) {
  if (phase_ != Phase::walking || is_reading_ || !pace_.is_due(now)) return;
  is_reading_ = true;
  run(ReadScrubTask{point_.version, pace_.piece_bytes(options_.scrub_piece_bytes)});
}

void ScrubWalk::on_read(TimePoint now, const ScrubRead& read, const RunTask& run) {
  if (phase_ != Phase::walking || read.version != point_.version) return;
  SYNOD_ASSERT(is_reading_, "a piece is read when it was asked for");
  is_reading_ = false;
  check_.keys += read.keys;
  check_.bytes += read.bytes;
  pace_.spend(now, read.bytes);
  if (read.failure.code() == Code::not_found) {
    phase_ = Phase::closed;  // the store is another one meanwhile, of which this says nothing
  } else if (!read.failure.is_ok()) {
    check_.state = ScrubState::unreadable;
    check_.reason = read.failure.message();
    phase_ = Phase::waiting;
    told_ = MemberId();
  } else if (read.is_last) {
    check_.digest = read.digest;
    phase_ = Phase::keeping;
    run(KeepSegmentsTask{point_.version});
  } else {
    read_next(now, run);
  }
}

void ScrubWalk::on_kept(const SegmentsKept& kept) {
  if (phase_ != Phase::keeping || kept.version != point_.version) return;
  check_.state = ScrubState::done;
  phase_ = Phase::waiting;
  told_ = MemberId();
}

void ScrubWalk::tick(TimePoint now, MemberId leader, Output& out, const RunTask& run) {
  pace_.tick(now, phase_ == Phase::walking, 0);
  read_next(now, run);
  if (leader) led_at_ = now;
  if (phase_ == Phase::serving && now >= serve_until_) close(run);
  if (phase_ == Phase::closed || phase_ == Phase::serving || !leader) return;
  if (leader == told_ && now < tell_at_) return;
  told_ = leader;
  tell_at_ = now + options_.scrub_repeat;
  out.send(leader, ScrubReport{point_, check_});
}

void ScrubWalk::serve(TimePoint now) {
  SYNOD_ASSERT(phase_ == Phase::waiting, "others ask for what was found");
  phase_ = Phase::serving;
  on_asked(now);
}

void ScrubWalk::on_asked(TimePoint now) { serve_until_ = now + options_.scrub_timeout; }

void ScrubWalk::close(const RunTask& run) {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  run(CloseScrubTask{point_.version});
}

}  // namespace synod
