#include "mon/daemon/executor.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/mutant.h"
#include "mon/core/exit_codes.h"

namespace synod {
namespace {
constexpr Duration tick_interval = std::chrono::milliseconds(20);
constexpr size_t trace_lines_kept = 64;
}  // namespace

Executor::Executor(World world, MonitorStart start, MessengerLimits limits, OnExit on_exit)
    : world_(world),
      address_(start.address),
      monitor_(std::move(start), world.random, world.clock.now()),
      messenger_(
          world.transport, world.timers, world.clock, world.random, limits,
          [this] {
            return Messenger::Self{monitor_.source(),
                                   Hello{protocol_version, PeerKind::monitor, monitor_.name(), address_}};
          },
          *this),
      on_exit_(std::move(on_exit)) {}

Executor::~Executor() {
  if (timer_ != 0) world_.timers.cancel(timer_);
}

Status Executor::start() {
  SYNOD_RETURN_IF_ERROR(messenger_.listen(address_));
  for (const std::string& address : monitor_.addresses()) messenger_.add_link(address);
  tick();
  return Status::ok();
}

void Executor::tick() {
  timer_ = world_.timers.call_at(world_.clock.now() + tick_interval, [this] { tick(); });
  feed(Tick{});
}

// ---------------------------------------------------------------------------------------------- in

// What a step causes at once (the member's messages to itself) is fed after it, not inside it.
void Executor::feed(Input input) {
  inputs_.push_back(std::move(input));
  if (is_stepping_) return;
  is_stepping_ = true;
  while (!inputs_.empty() && !is_stopped_) {
    Input next = std::move(inputs_.front());
    inputs_.pop_front();
    // Read after the input has happened: one reading never serves a message that came later.
    perform(monitor_.step(world_.clock.now(), std::move(next)));
    if (checks_every_step_) monitor_.check_invariants();
  }
  is_stepping_ = false;
}

void Executor::on_link_up(const std::string& address, const PeerInfo& peer) {
  const MemberId member = peer.source.member;
  if (!member || peer.hello.kind != PeerKind::monitor) return;
  links_[member] = address;
  members_[address] = member;
  log(LogLevel::info, "{} connected to {} at {}", monitor_.trace_prefix(), peer.hello.name, address);
  feed(PeerConnected{member});
}

void Executor::on_link_down(const std::string& address, const Status& reason) {
  const auto it = members_.find(address);
  if (it == members_.end()) return;
  const MemberId member = it->second;
  members_.erase(it);
  if (links_[member] == address) links_.erase(member);
  log(LogLevel::info, "{} lost the connection to {}: {}", monitor_.trace_prefix(), address, reason.message());
  feed(PeerDisconnected{member});
}

void Executor::on_message(ConnectionId connection, const PeerInfo& peer, Received received) {
  if (peer.hello.kind == PeerKind::monitor) {
    // A copy of this directory runs elsewhere: its votes are not this member's. Its probes tell which of them stops.
    const bool is_copy = received.source.member == monitor_.id();
    if (is_copy && !std::holds_alternative<Probe>(received.message)) return;
    feed(PeerMessage{received.source, std::move(received.message)});
  } else if (auto* request = std::get_if<ClientRequest>(&received.message)) {
    feed(RequestReceived{connection, std::move(*request)});
  } else {
    messenger_.close(connection);
  }
}

void Executor::on_disconnected(ConnectionId) {}

// ---------------------------------------------------------------------------------------------- out

void Executor::perform(Output out) {
  if (on_sync_event_) {
    for (const SyncEvent& event : out.sync_events) on_sync_event_(event);
  }
  persist(out);
  for (Envelope& envelope : out.messages) send(std::move(envelope));
  for (Envelope& envelope : out.messages_when_durable) {
    held_.push_back({SYNOD_MUTANT("ack-before-persist") ? 0 : last_durable_submitted_, std::move(envelope)});
  }
  send_held();
  if (out.probe) {
    for (const auto& [address, member] : members_) messenger_.send(address, *out.probe);
  }
  for (TaskRequest& request : out.tasks) run_task(std::move(request));
  for (Answer& answer : out.answers) messenger_.reply(answer.token, std::move(answer.reply));
  publish(out);
}

void Executor::persist(Output& out) {
  if (!out.identity && out.writes.empty()) return;
  const bool is_durable = out.identity.has_value() || out.is_durable;
  if (is_durable) last_durable_submitted_ = out.step;
  WriteJob job{std::move(out.identity), std::move(out.writes),
               out.is_durable ? Durability::durable : Durability::visible};
  world_.storage.write(std::move(job), [this, step = out.step, is_durable](const Status& status) {
    on_written(step, is_durable, status);
  });
}

void Executor::on_written(uint64_t step, bool was_durable, const Status& status) {
  // A failed write is final, although a later one may be reported as done: it goes to another file, or failed unseen.
  if (is_stopped_) return;
  if (!status.is_ok() && !SYNOD_MUTANT("ignore-failed-write")) {
    stop(exit_disk_failure, status.message());
    return;
  }
  progress_.visible_step = step;
  if (was_durable) progress_.durable_step = step;
  send_held();
  feed(progress_);
}

void Executor::send_held() {
  while (!held_.empty() && held_.front().needs <= progress_.durable_step) {
    Held held = std::move(held_.front());
    held_.pop_front();
    SYNOD_ASSERT(held.needs <= progress_.durable_step, "I-10: nothing leaves before its write is durable");
    send(std::move(held.envelope));
  }
}

// What cannot be sent is lost, as on any network: the protocol repeats what matters.
void Executor::send(Envelope envelope) {
  if (envelope.to == monitor_.id()) {
    feed(PeerMessage{monitor_.source(), std::move(envelope.message)});
  } else if (const auto link = links_.find(envelope.to); link != links_.end()) {
    messenger_.send(link->second, envelope.message);
  }
}

void Executor::run_task(TaskRequest request) {
  world_.storage.run(std::move(request.task), [this, id = request.id](Result<TaskResult> result) {
    if (result) {
      feed(TaskDone{id, *std::move(result)});
    } else {
      stop(exit_disk_failure, result.error().message());
    }
  });
}

void Executor::publish(const Output& out) {
  for (const Event& event : out.events) {
    std::string line = monitor_.trace_prefix() + " " + event.text;
    log(event.level, "{}", line);
    recent_trace_.push_back(std::move(line));
    if (recent_trace_.size() > trace_lines_kept) recent_trace_.pop_front();
  }
  if (out.addresses) {
    for (const std::string& address : *out.addresses) messenger_.add_link(address);
  }
  if (out.exit) stop(out.exit->code, out.exit->reason);
}

void Executor::stop(int code, const std::string& reason) {
  if (is_stopped_) return;
  is_stopped_ = true;
  on_exit_(code, reason);
}

}  // namespace synod
