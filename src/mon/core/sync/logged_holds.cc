#include "mon/core/sync/logged_holds.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"

namespace synod {

using State = TrimHold::State;

namespace {

// Of one requester, in the time in which they lapse: it has one session at a time, and begins a new one once a lease.
constexpr size_t asks_max = 1000;

bool is_end_of(const TrimHold& chosen, const std::optional<TrimHold>& wanted) {
  return chosen.state == State::ended && wanted && wanted->state == State::ended && wanted->cookie == chosen.cookie;
}

// Of the session that is to be held, too.
bool is_further(const TrimHold& chosen, const std::optional<TrimHold>& wanted) {
  return chosen.state == State::held && wanted && wanted->state == State::held && wanted->cookie == chosen.cookie &&
         chosen.version > wanted->version;
}

// A session has asked since.
bool is_end_before(const TrimHold& chosen, const std::optional<TrimHold>& wanted) {
  return chosen.state == State::ended && wanted && wanted->state == State::held && wanted->cookie != chosen.cookie;
}

bool is_end_of_nothing(const TrimHold& chosen, const std::optional<TrimHold>& wanted) {
  return chosen.state == State::released && wanted && wanted->state == State::ended;
}

}  // namespace

void LoggedHolds::load(const std::vector<TrimHold>& holds) {
  holds_.clear();
  for (const TrimHold& stored : holds) {
    Hold& hold = holds_[stored.requester];
    hold.logged = stored;
    hold.bytes = stored.bytes;
  }
}

std::vector<TrimHold> LoggedHolds::on_chosen(TimePoint now, const LogChange& change, size_t value_bytes) {
  for (auto& [requester, hold] : holds_) hold.bytes += value_bytes;
  std::vector<TrimHold> changed;
  for (const TrimHold& chosen : change.holds) {
    Hold& hold = holds_[chosen.requester];
    const std::optional<TrimHold> before = hold.logged;
    if (chosen.state == State::released) {
      if (before) changed.push_back(*before);
      if (before) changed.back().state = State::released;
      hold.logged.reset();
    } else {
      const bool is_same = before && before->cookie == chosen.cookie && before->state == chosen.state;
      if (!is_same) changed.push_back(chosen);
      const bool is_renewed = before && before->version == chosen.version;
      hold.bytes = is_renewed ? std::max(hold.bytes, chosen.bytes) : chosen.bytes;
      hold.logged = chosen;
    }
    // Of what is released nothing but the requester is told.
    const bool is_release = hold.proposed && hold.proposed->state == State::released;
    if (hold.proposed == chosen || (is_release && chosen.state == State::released)) {
      hold.proposed.reset();
    } else if (!hold.proposed && is_end_of(chosen, hold.wanted)) {
      hold.wanted = chosen;  // as this leadership was about to propose, too
    } else if (!hold.proposed && is_further(chosen, hold.wanted)) {
      adopt_logged(now, hold);
      raise(hold, chosen.version);
    } else if (!hold.proposed && (hold.wanted == before || is_end_of_nothing(chosen, hold.wanted))) {
      follow_log(now, hold);  // an earlier leadership's, chosen in this one
    } else if (!hold.proposed && is_end_before(chosen, hold.wanted)) {
      end_by_log(now, hold);
    }
    if (!hold.logged && (!hold.wanted || hold.wanted->state == State::released)) holds_.erase(chosen.requester);
  }
  for (auto& [requester, hold] : holds_) raise(hold, change.trim_floor);
  return changed;
}

std::vector<TrimHold> LoggedHolds::all() const {
  std::vector<TrimHold> logged;
  for (const auto& [requester, hold] : holds_) {
    if (!hold.logged) continue;
    logged.push_back(*hold.logged);
    logged.back().bytes = hold.bytes;
  }
  return logged;
}

void LoggedHolds::want(TimePoint now, Hold& hold, const TrimHold& wanted) const {
  hold.wanted = wanted;
  hold.bytes = wanted.bytes;
  hold.since = now;
  hold.age_before = wanted.age_ms;
  hold.log_again = now + options_.hold_renewal;
}

void LoggedHolds::follow_log(TimePoint now, Hold& hold) const {
  hold.asks.clear();
  hold.wanted.reset();
  hold.asked = now;
  if (!hold.logged) return;
  adopt_logged(now, hold);
  hold.asks[hold.wanted->cookie] = {hold.wanted->version, now};
}

void LoggedHolds::adopt_logged(TimePoint now, Hold& hold) const {
  TrimHold wanted = *hold.logged;
  wanted.bytes = hold.bytes;
  want(now, hold, wanted);
  hold.wanted = hold.logged;
}

// The end that an earlier leadership proposed counts for whoever has asked before it was chosen as for those after.
void LoggedHolds::end_by_log(TimePoint now, Hold& hold) const {
  const uint64_t cookie = hold.wanted->cookie;
  const auto ask = hold.asks.find(cookie);
  if (ask == hold.asks.end()) return follow_log(now, hold);
  const Ask asked = ask->second;
  follow_log(now, hold);
  hold.asks[cookie] = asked;
  take(now, hold, {cookie, hold.logged->requester, asked.version});
}

// A floor that an earlier leadership proposed may pass what this one was asked for, and has not logged yet.
void LoggedHolds::raise(Hold& hold, Version floor) {
  SYNOD_ASSERT(!hold.logged || hold.logged->state != State::held || hold.logged->version >= floor,
               "I-22: no floor passes a hold that is logged");
  for (auto& [cookie, ask] : hold.asks) ask.version = std::max(ask.version, floor);
  if (hold.wanted && hold.wanted->state == State::held) hold.wanted->version = std::max(hold.wanted->version, floor);
}

void LoggedHolds::begin_leadership(TimePoint now) {
  if (SYNOD_MUTANT("hold-forgotten-by-next-leader")) holds_.clear();
  for (auto it = holds_.begin(); it != holds_.end();) {
    it->second.proposed.reset();
    follow_log(now, it->second);
    it = it->second.logged ? std::next(it) : holds_.erase(it);
  }
}

bool LoggedHolds::on_request(TimePoint now, const HoldTrim& request, Version floor) {
  SYNOD_ASSERT(floor > Version(), "[5] a hold keeps entries, and the genesis is none");
  Hold& hold = holds_[request.requester];
  if (hold.asks.size() >= asks_max && hold.asks.count(request.cookie) == 0) return false;
  const auto [ask, is_new] = hold.asks.try_emplace(request.cookie, Ask{std::max(request.version, floor), now});
  ask->second.heard = now;
  if (!is_new) return false;
  hold.asked = now;
  SYNOD_ASSERT(ask->second.version >= floor, "I-22: what is trimmed cannot be held");
  take(now, hold, {request.cookie, request.requester, ask->second.version});
  return true;
}

void LoggedHolds::take(TimePoint now, Hold& hold, const HoldTrim& request) const {
  const bool is_over = !hold.wanted || hold.wanted->state == State::released ||
                       (hold.wanted->state == State::ended && request.version > hold.wanted->version);
  if (is_over) {
    hold.asks = {{request.cookie, {request.version, now}}};
    want(now, hold, {request.requester, request.cookie, State::held, request.version, 0, 0});
    return;
  }
  // Whoever goes on with a copy goes on with its hold, and with what that has cost.
  hold.wanted->cookie = request.cookie;
  if (hold.wanted->state == State::held) hold.wanted->version = std::min(hold.wanted->version, request.version);
}

std::optional<TrimHold> LoggedHolds::on_progress(TimePoint now, MemberId member, TimePoint heard, Version committed,
                                                 bool is_in_quorum) {
  const auto it = holds_.find(member);
  if (it == holds_.end() || !it->second.wanted || heard < it->second.asked) return std::nullopt;
  Hold& hold = it->second;
  if (std::exchange(hold.committed, committed) < committed) hold.progressed = now;
  // Before its copy has become its store it is below.
  if (committed.next() < hold.wanted->version) return std::nullopt;
  const auto last = hold.asks.find(hold.wanted->cookie);
  if (is_in_quorum) {
    if (std::exchange(hold.wanted->state, State::released) != State::released) return hold.wanted;
  } else if (last == hold.asks.end() || last->second.version < committed.next()) {
    hold.asks = {{hold.wanted->cookie, {committed.next(), now}}};
  }
  return std::nullopt;
}

void LoggedHolds::on_sync_progress(TimePoint now, MemberId member, const SyncProgress& progress) {
  const auto it = holds_.find(member);
  if (it == holds_.end()) return;
  Hold& hold = it->second;
  const bool is_further = progress.bytes != hold.progress.bytes || progress.per_mille != hold.progress.per_mille ||
                          progress.chunks != hold.progress.chunks;
  if (is_further) hold.progressed = now;
  hold.progress = progress;
}

double LoggedHolds::used() const {
  uint64_t most = 0;
  for (const auto& [requester, hold] : holds_) {
    if (hold.logged && hold.logged->state == State::held) most = std::max(most, hold.bytes);
  }
  return std::min(1.0, static_cast<double>(most) / static_cast<double>(options_.sync_hold_bytes));
}

Duration LoggedHolds::admission_delay(TimePoint now) const {
  // Nobody waits for who does not come further.
  const bool goes_on = std::any_of(holds_.begin(), holds_.end(), [&](const auto& item) {
    const Hold& hold = item.second;
    return hold.logged && hold.logged->state == State::held && now < hold.progressed + options_.sync_stall;
  });
  const double over = goes_on ? std::max(0.0, used() - 0.5) * 2 : 0;
  return std::chrono::duration_cast<Duration>(options_.admission_delay_max * over);
}

void LoggedHolds::decide(TimePoint now, Hold& hold) const {
  TrimHold& wanted = *hold.wanted;
  std::erase_if(hold.asks, [&](const auto& ask) { return now >= ask.second.heard + options_.sync_timeout; });
  if (hold.asks.empty()) wanted.state = State::released;
  // One change of a hold at a time, so that what it has cost is told in order.
  if (wanted.state != State::held || !hold.logged || hold.proposed) return;
  const uint64_t age = hold.age_before + static_cast<uint64_t>(to_milliseconds(now - hold.since));
  const bool is_at_bound =
      hold.bytes > options_.sync_hold_bytes || age > static_cast<uint64_t>(to_milliseconds(options_.sync_hold_age));
  if (!is_at_bound && now < hold.log_again) return;
  hold.log_again = now + options_.hold_renewal;
  wanted.bytes = hold.bytes;
  wanted.age_ms = age;
  if (is_at_bound) {
    wanted.state = State::ended;
    return;
  }
  const auto lowest = std::min_element(hold.asks.begin(), hold.asks.end(), [](const auto& one, const auto& other) {
    return one.second.version < other.second.version;
  });
  if (lowest->second.version <= wanted.version) return;
  want(now, hold, {wanted.requester, wanted.cookie, State::held, lowest->second.version, 0, 0});
}

std::vector<TrimHold> LoggedHolds::tick(TimePoint now) {
  std::vector<TrimHold> over;
  for (auto it = holds_.begin(); it != holds_.end();) {
    Hold& hold = it->second;
    const std::optional<TrimHold> before = hold.wanted;
    if (hold.wanted) decide(now, hold);
    if (before && before->state != hold.wanted->state) over.push_back(*hold.wanted);
    const bool is_nothing = !hold.logged && !hold.proposed && hold.wanted->state == State::released;
    it = is_nothing ? holds_.erase(it) : std::next(it);
  }
  return over;
}

std::vector<TrimHold> LoggedHolds::due() const {
  std::vector<TrimHold> changes;
  for (const auto& [requester, hold] : holds_) {
    if (hold.wanted && hold.wanted != (hold.proposed ? hold.proposed : hold.logged)) changes.push_back(*hold.wanted);
  }
  return changes;
}

void LoggedHolds::on_proposed(const std::vector<TrimHold>& holds) {
  for (const TrimHold& proposed : holds) holds_.at(proposed.requester).proposed = proposed;
}

Version LoggedHolds::limit(Version floor) const {
  if (SYNOD_MUTANT("ignore-the-hold")) return floor;
  Version limited = floor;
  for (const auto& [requester, hold] : holds_) {
    if (hold.wanted && hold.wanted->state == State::held) limited = std::min(limited, hold.wanted->version);
  }
  return limited;
}

void LoggedHolds::check_invariants() const {
  for (const auto& [requester, hold] : holds_) {
    SYNOD_ASSERT(hold.logged || hold.wanted, "[5] a hold is logged, or to be logged");
    SYNOD_ASSERT(hold.asks.size() <= asks_max, "[5] what one requester asks for is bounded");
    SYNOD_ASSERT(!hold.logged || hold.logged->state != State::released, "[13] what is released is not there");
    SYNOD_ASSERT(!hold.logged || hold.logged->requester == requester, "[5] one hold for each requester");
    SYNOD_ASSERT(!hold.wanted || hold.wanted->requester == requester, "[5] one hold for each requester");
  }
}

}  // namespace synod
