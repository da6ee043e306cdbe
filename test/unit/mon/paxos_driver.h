// One Paxos object, driven by hand-made messages; it is member a unless said otherwise. What it sends to itself is
// delivered as the executor does: at once, or when its writes are durable.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mon/core/consensus/paxos.h"
#include "test/unit/mon/builders.h"

namespace synod::test {

// Every delay is as short as it may be.
class FixedRandom : public Random {
 public:
  uint64_t next() override { return 0; }
};

class PaxosDriver {
 public:
  struct Start {
    size_t size = 3;
    ProposalNumber promised = {};
    LogState log = empty_log();
    Duration quiet = {};
    CoreOptions options = {};
    MemberId self = a;
    std::optional<Monmap> monmap = {};
  };
  struct Sent {
    MemberId to;
    Message message;
    bool waited = false;  // for the disk
  };

  PaxosDriver() : PaxosDriver(Start()) {}
  explicit PaxosDriver(Start start)
      : options_(start.options),
        self_(start.self),
        paxos_(start.options, random_, start.self, start.monmap ? *start.monmap : monmap_of(start.size), start.promised,
               std::move(start.log), now_, now_ + start.quiet) {}

  // The driver delivers `message` and performs what follows. Returns the effects of this one step.
  Effects receive(MemberId from, const Message& message) {
    return perform([&](Effects& out) { paxos_.step(now_, from, message, out); });
  }
  Effects tick(bool may_elect = true) {
    return perform([&](Effects& out) { paxos_.tick(now_, may_elect, out); });
  }
  // The core was told that its oldest write is pending for too long, or that it is not any more.
  void set_disk_hangs(bool hangs) { disk_ = hangs ? DiskState::hangs : DiskState::ready; }
  void set_disk_busy() { disk_ = DiskState::busy; }
  Position propose(const std::string& text) {
    Position position;
    perform([&](Effects& out) { position = paxos_.propose(value(text), out); });
    return position;
  }
  void peer_connected(MemberId peer) { paxos_.on_peer_connected(now_, peer); }
  void pass(Duration duration) { now_ += duration; }

  // While the disk is held, nothing becomes durable and what waits for it does not leave.
  void hold_disk() { disk_is_held_ = true; }
  void release_disk() {
    disk_is_held_ = false;
    flush();
  }

  // What left for another member, oldest first; taken away.
  template <class T>
  std::optional<T> take(MemberId to) {
    for (auto it = sent_.begin(); it != sent_.end(); ++it) {
      if (it->to != to || !std::holds_alternative<T>(it->message)) continue;
      T found = std::get<T>(it->message);
      sent_.erase(it);
      return found;
    }
    return std::nullopt;
  }
  template <class T>
  size_t count(MemberId to) const {
    size_t found = 0;
    for (const Sent& sent : sent_) found += sent.to == to && std::holds_alternative<T>(sent.message);
    return found;
  }
  // The versions of the begins to a member, in order.
  std::vector<uint64_t> begins(MemberId to) const {
    std::vector<uint64_t> versions;
    for (const Sent& sent : sent_) {
      const auto* begin = std::get_if<Begin>(&sent.message);
      if (sent.to == to && begin != nullptr) versions.push_back(begin->entry.version.value());
    }
    return versions;
  }
  const std::vector<Sent>& sent() const { return sent_; }
  void forget_sent() { sent_.clear(); }
  const std::vector<LogEntry>& chosen() const { return chosen_; }
  const std::vector<std::string>& trace() const { return trace_; }

  Paxos& paxos() { return paxos_; }
  TimePoint now() const { return now_; }
  Duration lease() const { return options_.lease; }

  // Elections by hand; each returns the pn asked for.
  ProposalNumber become_candidate() {
    pass(options_.lease / 2);
    tick();
    const std::optional<Propose> propose = take<Propose>(self_ == b ? a : b);
    return propose ? propose->pn : ProposalNumber();
  }
  ProposalNumber become_collecting() {
    const ProposalNumber number = become_candidate();
    receive(b, ProposeReply{number, true, {}});
    return number;
  }
  // Elected by itself and b, of which b reports what it had accepted. Settled: b grants the lease and accepts what was
  // recovered, so requests can be served.
  ProposalNumber become_leader(std::vector<LogEntry> accepted_by_b = {}, bool settled = true) {
    const ProposalNumber number = become_collecting();
    forget_sent();
    receive(b, Last{number, paxos_.log().first(), paxos_.log().committed(), std::move(accepted_by_b)});
    if (!settled) return number;
    grant(b);
    accept_all(b);
    forget_sent();
    return number;
  }
  // Member `by` grants the lease that it was asked for last, and is level with what is committed.
  void grant(MemberId by) {
    std::optional<Lease> lease;
    for (const Sent& sent : sent_) {
      if (sent.to == by && std::holds_alternative<Lease>(sent.message)) lease = std::get<Lease>(sent.message);
    }
    if (!lease) return;
    const Position at = paxos_.log().committed();
    receive(by, LeaseAck{lease->pn, lease->sequence, at, at});
  }
  // Member `by` accepts every begin that it was sent and has not answered.
  void accept_all(MemberId by) {
    while (const std::optional<Begin> begin = take<Begin>(by)) {
      receive(by, Accept{begin->entry.pn, begin->entry.position()});
    }
  }

  // Any step that fills effects, performed.
  template <class Step>
  Effects perform(const Step& step) {
    Effects out;
    paxos_.begin_step(now_, disk_, out);
    step(out);
    for (LogEntry& entry : paxos_.take_chosen()) chosen_.push_back(std::move(entry));
    for (const Event& event : out.events) trace_.push_back(event.text);
    for (const Envelope& envelope : out.messages) deliver({envelope.to, envelope.message, false});
    for (const Envelope& envelope : out.messages_when_durable) held_.push_back({envelope.to, envelope.message, true});
    if (!disk_is_held_) flush();
    feed_self();
    return out;
  }

 private:
  // After the step, not inside it.
  void feed_self() {
    if (is_feeding_) return;
    is_feeding_ = true;
    while (!to_self_.empty()) {
      const Message next = std::move(to_self_.front());
      to_self_.pop_front();
      perform([&](Effects& more) { paxos_.step(now_, self_, next, more); });
    }
    is_feeding_ = false;
    paxos_.check_invariants();
  }
  void deliver(Sent sent) {
    if (sent.to == self_) {
      to_self_.push_back(std::move(sent.message));
    } else {
      sent_.push_back(std::move(sent));
    }
  }
  void flush() {
    paxos_.on_promise_durable();
    while (!held_.empty()) {
      Sent next = std::move(held_.front());
      held_.pop_front();
      deliver(std::move(next));
    }
    feed_self();
  }

  FixedRandom random_;
  CoreOptions options_;
  MemberId self_;
  TimePoint now_{std::chrono::hours(1)};
  Paxos paxos_;
  bool disk_is_held_ = false;
  DiskState disk_ = DiskState::ready;
  bool is_feeding_ = false;
  std::deque<Sent> held_;
  std::deque<Message> to_self_;
  std::vector<Sent> sent_;
  std::vector<LogEntry> chosen_;
  std::vector<std::string> trace_;
};

}  // namespace synod::test
