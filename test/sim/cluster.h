// A whole cluster in one thread under virtual time: the real Monitor, Executor, Messenger, codec and StoreEngine, on a
// network and on disks in memory. One seed decides everything. The oracles run at every step of every member.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mon/daemon/executor.h"
#include "mon/daemon/store_engine.h"
#include "test/sim/home.h"
#include "test/sim/network.h"
#include "test/sim/scheduler.h"

namespace synod::sim {

// Performs the store's work after a virtual delay, in order on each lane; a merge of writes shares one delay.
class SimStorage : public Storage {
 public:
  SimStorage(Scheduler& scheduler, StoreEngine& engine, uint64_t seed);
  ~SimStorage() override;
  void write(WriteJob job, std::function<void(Status)> done) override;
  void run(Task task, std::function<void(Result<TaskResult>)> done) override;
  void set_sync_delay(Duration delay) { sync_delay_ = delay; }
  // While it hangs no write returns, and none reaches the disk.
  void set_hung(bool hung);

 private:
  void schedule(TimePoint& lane, Duration delay, std::function<void()> work);
  void release();

  Scheduler& scheduler_;
  StoreEngine& engine_;
  SeededRandom random_;
  Duration sync_delay_ = std::chrono::milliseconds(2);
  bool is_hung_ = false;
  std::deque<std::function<void()>> stalled_;
  TimePoint writer_free_;
  TimePoint reader_free_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// One process life of a member.
struct Process {
  Process(Scheduler& scheduler, Network& network, MemoryHome& home, const std::string& address, uint64_t seed);

  ProcessClock clock;
  SeededRandom random;
  HostTransport transport;
  StoreEngine engine;
  SimStorage storage;
  std::unique_ptr<Executor> executor;
};

struct Member {
  std::string name;
  std::string address;
  MemoryHome home;
  std::unique_ptr<Process> process;  // null: not running
  int exit_code = -1;
  std::string exit_reason;
};

class Cluster {
 public:
  Cluster(size_t size, uint64_t seed, CoreOptions options = {});
  ~Cluster();

  void start(const std::string& name);
  void start_all();
  // The process ends; what it wrote stays, what it had queued does not.
  void kill(const std::string& name);
  // As kill, and what was not durable may be lost.
  void cut_power(const std::string& name);
  void wipe(const std::string& name);
  // Cuts all links of this member, in both directions.
  void isolate(const std::string& name);
  void heal() { network_.heal_all(); }

  void run_for(Duration duration);
  // Runs until the predicate holds; false if it does not within `limit` of virtual time.
  bool run_until(const std::function<bool()>& predicate, Duration limit = std::chrono::seconds(30));

  Member& member(const std::string& name) { return *members_.at(name); }
  std::vector<std::string> names() const;
  std::vector<std::string> running() const;
  const Monitor& monitor(const std::string& name) { return member(name).process->executor->monitor(); }
  std::string leader();  // empty: none, or several
  bool has_quorum(size_t size);

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

  // Stops all and checks that the replicated spaces of the given members are equal, after the log has rolled the older
  // one forward; the names of those that differ, or nothing.
  std::string differences();

  Scheduler& scheduler() { return scheduler_; }
  Network& network() { return network_; }
  SeededRandom& random() { return random_; }

 private:
  struct Client;
  MonitorStart load(Member& member, StoreEngine& engine);
  void check();

  uint64_t seed_;
  CoreOptions options_;
  Scheduler scheduler_;
  Network network_;
  SeededRandom random_;
  std::vector<InitialMember> list_;
  std::map<std::string, std::unique_ptr<Member>> members_;
  std::map<Version, ChainHash> chosen_;  // what any member has committed, by version
  std::map<uint64_t, std::unique_ptr<Client>> clients_;
  uint64_t last_client_ = 0;
  uint64_t lives_ = 0;
};

}  // namespace synod::sim
