// The messenger's links: dialing, and dialing again.
#include <algorithm>

#include "base/log.h"
#include "msg/messenger_state.h"

namespace synod {

void Messenger::add_link(const std::string& address) {
  const auto [link, is_new] = links_.try_emplace(address);
  if (!is_new) return;
  link->second.backoff = limits_.backoff_min;
  dial(address);
}

void Messenger::remove_link(const std::string& address) {
  const auto found = links_.find(address);
  if (found == links_.end()) return;
  if (found->second.redial != 0) timers_.cancel(found->second.redial);
  const ConnectionPtr connection = find(found->second.connection);
  links_.erase(found);
  if (connection) finish(*connection, Status(Code::unavailable, "removed"));
}

bool Messenger::is_up(const std::string& address) const {
  const auto link = links_.find(address);
  return link != links_.end() && link->second.is_up;
}

Status Messenger::link_status(const std::string& address) const {
  const auto link = links_.find(address);
  return link == links_.end() ? Status(Code::not_found, "no link to " + address) : link->second.reason;
}

void Messenger::dial(const std::string& address) {
  Link& link = links_.at(address);
  link.redial = 0;
  link.connection = transport_.connect(address);
  open(link.connection, address);
}

void Messenger::redial_later(const std::string& address, const Status& reason, Backoff backoff) {
  const auto found = links_.find(address);
  if (found == links_.end()) return;  // removed
  Link& link = found->second;
  const bool was_up = std::exchange(link.is_up, false);
  // A peer that is down fails every dial; the first one is news, and the first one that it refuses.
  const bool is_news = was_up || link.reason.code() != reason.code();
  const LogLevel level = is_news ? LogLevel::info : LogLevel::debug;
  log(level, "link to {}: down: {}", address, reason.to_string());
  link.connection = 0;
  link.reason = reason;
  if (backoff == Backoff::restart) link.backoff = limits_.backoff_min;
  // Between half of the back-off and all of it, so that members that start together do not dial in step.
  const auto half = static_cast<uint64_t>(link.backoff.count()) / 2;
  const Duration delay = link.backoff / 2 + Duration(static_cast<int64_t>(random_.next() % (half + 1)));
  link.backoff = std::min(2 * link.backoff, limits_.backoff_max);
  link.redial = timers_.call_at(clock_.now() + delay, [this, address] { dial(address); });
  if (!was_up) return;
  notify([this, address, reason] {
    if (links_.contains(address)) handler_.on_link_down(address, reason);
  });
}

}  // namespace synod
