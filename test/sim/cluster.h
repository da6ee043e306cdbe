// A whole cluster in one thread under virtual time: the real Monitor, Executor, Messenger, codec and StoreEngine, on a
// hostile network and on disks that lose what was not synced. One seed decides everything. The oracles look at every
// event.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mon/daemon/executor.h"
#include "mon/daemon/open_member.h"
#include "mon/daemon/store_engine.h"
#include "test/sim/disk/member_disk.h"
#include "test/sim/network.h"
#include "test/sim/observer.h"
#include "test/sim/oracles.h"
#include "test/sim/process_clock.h"
#include "test/sim/storage.h"

namespace synod::sim {

// One process life of a member.
struct Process {
  Process(Scheduler& scheduler, Network& network, const MachineClock& machine, std::unique_ptr<StoreHome> opened_home,
          std::unique_ptr<MonitorStore> store, const DaemonOptions& options, const std::string& address, uint64_t seed);

  std::unique_ptr<StoreHome> home;
  ProcessGate gate;
  ProcessClock clock;
  SeededRandom random;
  HostTransport transport;
  StoreEngine engine;
  SimStorage storage;
  std::unique_ptr<Executor> executor;
};

struct Member {
  Member(Scheduler& scheduler, std::string member_name, std::string member_address,
         std::unique_ptr<MemberDisk> member_disk)
      : name(std::move(member_name)),
        address(std::move(member_address)),
        clock(scheduler),
        disk(std::move(member_disk)) {}

  std::string name;
  std::string address;
  MachineClock clock;
  std::unique_ptr<MemberDisk> disk;
  bool is_disk_faulty = false;  // it may refuse to start
  DiskLatency latency;
  std::unique_ptr<Process> process;  // null: not running
  int exit_code = -1;                // of the last life, if it ended by itself
  std::string exit_reason;
};

struct ClusterOptions {
  CoreOptions core;
  DatabaseOptions database;
  MessengerLimits messenger;
  enum class DiskKind : uint8_t { model, level_db, mirrored };
  DiskKind disk = DiskKind::model;
  bool is_strict_disk = false;
};

class Cluster {
 public:
  // Members are named a, b, c ...
  Cluster(size_t size, uint64_t seed, CoreOptions options = {})
      : Cluster(size, seed, ClusterOptions{options, {}, {}}) {}
  Cluster(size_t size, uint64_t seed, ClusterOptions options);
  ~Cluster();

  // REQUIRES: it does not run. A directory that is refused without a reason is a violation.
  void start(const std::string& name);
  void start_all();
  // The process ends; what it wrote stays, what it had queued does not.
  void kill(const std::string& name);
  // As kill, nobody is told, and what was not durable may be lost.
  CutReport cut_power(const std::string& name, PowerCut mode = PowerCut::prefix_kept);
  void wipe(const std::string& name);
  // Changes the store of a member that does not run, outside of all that clients use, as a bad disk would. False: its
  // store cannot be opened, or it is copying another one.
  bool rot(const std::string& name);
  void pause(const std::string& name);
  void resume(const std::string& name);
  // Cuts all links of this member, in both directions.
  void isolate(const std::string& name);
  void heal() { network_.heal_all(); }

  void run_for(Duration duration);
  // Runs until the predicate holds; false if it does not within `limit` of virtual time.
  bool run_until(const std::function<bool()>& predicate, Duration limit = std::chrono::seconds(30));

  Member& member(const std::string& name) { return *members_.at(name); }
  const Member& member(const std::string& name) const { return *members_.at(name); }
  std::vector<std::string> names() const;
  std::vector<std::string> running() const;
  bool is_running(const std::string& name) const { return member(name).process != nullptr; }
  const Monitor& monitor(const std::string& name) const { return member(name).process->executor->monitor(); }
  // By its own clock.
  bool has_lease(const std::string& name) const { return monitor(name).has_lease(member(name).clock.now()); }
  std::string leader() const;  // empty: none, or several
  bool has_quorum(size_t size) const;
  // The name of the member at this address; empty if there is none.
  std::string name_at(const std::string& address) const;
  const std::vector<InitialMember>& list() const { return list_; }

  // A client's request to one member, over a connection of its own. The reply comes later.
  using OnReply = std::function<void(const ClientReply&)>;
  void request(const std::string& to, ClientRequest request, OnReply on_reply);
  // The same, run until it is answered or its time is up (then: unknown outcome for a write, unavailable for a read).
  ClientReply call(const std::string& to, ClientRequest request);
  // Asks for a hand-over; the name of the new leader.
  Result<std::string> transfer(const std::string& to, const std::string& target, uint32_t timeout_ms = 5000);
  Status put(const std::string& to, const std::string& key, const std::string& value, uint32_t timeout_ms = 5000);
  Result<std::string> get(const std::string& to, const std::string& key,
                          Consistency consistency = Consistency::linearizable, uint32_t timeout_ms = 5000);

  // A look into a member's directory: as its process has it, on a ModelDisk; or as it was left, if it does not run.
  struct OpenedStore {
    std::unique_ptr<StoreHome> home;  // null: the process's
    std::unique_ptr<MonitorStore> store;
  };
  OpenedStore open_store(const std::string& name);
  Identity read_identity(const std::string& name);

  // Stops all and checks that the replicated spaces of the given members are equal, after the log has rolled the older
  // one forward; the names of those that differ, or nothing.
  std::string differences();

  // Looks at what is really durable of a member, as after a power cut that loses all else.
  void audit(const std::string& name);

  // Also told of what happens; must outlive the cluster.
  void add_observer(Observer* observer) { observers_.push_back(observer); }
  // Violations end the process, unless they are collected.
  void collect_violations() { asserts_ = false; }
  Oracles& oracles() { return oracles_; }
  const Oracles& oracles() const { return oracles_; }
  Scheduler& scheduler() { return scheduler_; }
  Network& network() { return network_; }
  const Network& network() const { return network_; }
  SeededRandom& random() { return random_; }
  const CoreOptions& options() const { return options_.core; }
  const MessengerLimits& messenger_limits() const { return options_.messenger; }

 private:
  struct Client;
  std::unique_ptr<MemberDisk> make_disk(const std::string& name);
  void observe_disk(Member& member);
  std::optional<Refusal> open(Member& member);
  void end(Member& member, EndOfLife how);
  void after_event();
  void on_frame(const std::string& from, const std::string& to, ByteView frame);

  uint64_t seed_;
  ClusterOptions options_;
  Scheduler scheduler_;
  Network network_;
  SeededRandom random_;
  std::vector<InitialMember> list_;
  std::map<std::string, std::unique_ptr<Member>> members_;
  std::map<std::string, std::string> names_;  // by address
  Oracles oracles_;
  std::vector<Observer*> observers_;
  bool asserts_ = true;
  std::map<uint64_t, std::unique_ptr<Client>> clients_;
  uint64_t last_client_ = 0;
  uint64_t lives_ = 0;
  std::map<std::string, uint64_t> lives_of_;  // which life is the present one
};

}  // namespace synod::sim
