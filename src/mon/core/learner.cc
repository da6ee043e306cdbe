#include "mon/core/learner.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace synod {
namespace {
// Of a lease, between two questions to a source that goes on committing.
constexpr int64_t questions_per_lease = 20;
}  // namespace

const Peer* Learner::choose_source(const std::vector<const Peer*>& sources) const {
  const Version needed = log_.committed().version.next();
  std::vector<const Peer*> fitting = sources;
  std::erase_if(fitting, [&](const Peer* peer) {
    return peer->probe.first > needed || peer->probe.state == MemberState::syncing;
  });
  const auto followed = std::find_if(fitting.begin(), fitting.end(), [&](const Peer* p) { return p->id == follows_; });
  if (followed != fitting.end()) return *followed;
  return best_provider(fitting, log_.committed().version, last_failed_);
}

void Learner::tick(TimePoint now, const std::vector<const Peer*>& sources, Effects& out) {
  if (asked_ && now >= asked_->deadline) on_source_lost(asked_->source);
  if (asked_ || now < ask_at_) return;
  if (const Peer* source = choose_source(sources)) ask(now, source->id, source->probe.committed.version, out);
}

void Learner::ask(TimePoint now, MemberId source, Version told, Effects& out) {
  SYNOD_ASSERT(!asked_, "one piece is asked for at a time");
  const Version needed = log_.committed().version.next();
  asked_ = Asked{source, needed, told, now + options_.lease};
  // All that the source has when it is asked: more than what it said before.
  out.send(source, Fetch{needed, Version(UINT64_MAX)});
}

void Learner::on_entries(TimePoint now, MemberId from, const Entries& entries, Effects& out) {
  if (!asked_ || asked_->source != from || asked_->from != entries.wanted) return;
  const Version told = asked_->told;
  asked_.reset();
  const Version before = log_.committed().version;
  for (const LogEntry& entry : entries.entries) {
    if (!log_.learn(entry, out.writes, chosen_)) break;
  }
  const Version committed = log_.committed().version;
  const bool is_news = committed > before;
  follows_ = is_news ? from : MemberId();
  // It had said that it has it; it may have trimmed it since.
  last_failed_ = !is_news && told > committed ? from : MemberId();
  // For more of what the source has said that it has, with the next tick.
  ask_at_ = is_news && committed < told ? now : now + options_.lease / questions_per_lease;
}

void Learner::on_source_lost(MemberId source) {
  if (follows_ == source) follows_ = MemberId();
  if (!asked_ || asked_->source != source) return;
  asked_.reset();
  last_failed_ = source;
}

std::vector<LogEntry> Learner::take_chosen() { return std::exchange(chosen_, {}); }

void Learner::check_invariants() const {
  log_.check_invariants();
  SYNOD_ASSERT(!asked_ || (asked_->source && asked_->from == log_.committed().version.next()),
               "what is asked for is what comes next");
}

}  // namespace synod
