// The one place where the core's outputs become effects. Feeds the Monitor with messages, requests, completions and
// ticks, and performs each output, in order: persist, send, run tasks, answer, publish. Runs on the loop's thread.
//
// Invariant I-10: a message that depends on a write leaves when that write, and all before it, are durable.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "mon/core/monitor.h"
#include "mon/daemon/storage.h"
#include "msg/messenger.h"

namespace synod {

class Executor : private MessengerHandler {
 public:
  struct World {
    Clock& clock;
    Timers& timers;
    Random& random;
    Transport& transport;
    Storage& storage;
  };
  // Called once, when the member has to stop: the exit code and the reason.
  using OnExit = std::function<void(int code, const std::string& reason)>;
  // Called with each event of a sync, before anything of the step that it belongs to is done.
  using OnSyncEvent = std::function<void(const SyncEvent& event)>;

  Executor(World world, MonitorStart start, MessengerLimits limits, OnExit on_exit);
  ~Executor() override;

  // Listens, dials, and begins to tick.
  Status start();
  // REQUIRES: before start().
  void trace_sync(OnSyncEvent on_sync_event) { on_sync_event_ = std::move(on_sync_event); }
  const Monitor& monitor() const { return monitor_; }
  // From now on the invariants are checked after every step, as they are in debug builds.
  void check_every_step() { checks_every_step_ = true; }
  const MessengerCounters& counters() const { return messenger_.counters(); }
  // Messages that wait until what they tell is durable.
  size_t held_messages() const { return held_.size(); }
  // The latest lines of the trace, for a crash report.
  const std::deque<std::string>& recent_trace() const { return recent_trace_; }

 private:
  struct Held {
    uint64_t needs;  // the durable step
    Envelope envelope;
  };

  void on_link_up(const std::string& address, const PeerInfo& peer) override;
  void on_link_down(const std::string& address, const Status& reason) override;
  void on_message(ConnectionId connection, const PeerInfo& peer, Received received) override;
  void on_disconnected(ConnectionId connection) override;

  void tick();
  void feed(Input input);
  void perform(Output out);
  void persist(Output& out);
  void send(Envelope envelope);
  void send_held();
  void on_written(uint64_t step, bool was_durable, const Status& status);
  void run_task(TaskRequest request);
  void publish(const Output& out);
  void stop(int code, const std::string& reason);

  World world_;
  std::string address_;
  Monitor monitor_;
  Messenger messenger_;
  OnExit on_exit_;
  OnSyncEvent on_sync_event_;
  std::deque<Input> inputs_;
  bool is_stepping_ = false;
  bool is_stopped_ = false;
#ifdef NDEBUG
  bool checks_every_step_ = false;
#else
  bool checks_every_step_ = true;
#endif
  TimerId timer_ = 0;

  std::map<MemberId, std::string> links_;  // of members that are connected
  std::map<std::string, MemberId> members_;
  std::deque<Held> held_;
  uint64_t last_durable_submitted_ = 0;
  StoreProgress progress_;
  std::deque<std::string> recent_trace_;
};

}  // namespace synod
