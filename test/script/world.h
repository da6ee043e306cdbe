// The members of a cluster, what is on its way between them, and their disks, under the hand of a script: time passes,
// messages arrive and disks write only when told. The Monitor and the StoreEngine are the real ones; what the executor
// does with an Output is done here step by step, and written down.
//
// Two things happen by themselves, unseen: probes arrive at once, and reading the store takes no time.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mon/core/monitor.h"
#include "mon/daemon/store_engine.h"
#include "test/script/home.h"
#include "test/script/names.h"
#include "test/script/transcript.h"
#include "test/sim/check/sync/sync_order.h"

namespace synod::script {

// Election delays are short and in the order of the names: a 0 ms, b 20 ms, c 40 ms ... No number comes twice.
class OrderedRandom : public Random {
 public:
  explicit OrderedRandom(size_t rank) : base_(rank * 20'000'000) {}
  uint64_t next() override { return base_ + ++drawn_; }

 private:
  uint64_t base_;
  uint64_t drawn_ = 0;
};

// Which messages a command means. Empty: any.
struct LetterFilter {
  std::string from;
  std::string to;
  std::string type;
};

class World {
 public:
  World(size_t members, const CoreOptions& options, Transcript& transcript, Names& names);
  ~World();

  bool has(const std::string& name) const { return members_.count(name) > 0; }
  std::vector<std::string> all() const;
  bool is_running(const std::string& name) const { return members_.at(name)->process != nullptr; }
  Duration lease() const { return options_.lease; }

  // Processes. A crash loses the writes that the disk has not begun; a power cut also those that are not durable.
  void start(const std::string& name);
  void crash(const std::string& name);
  void cut_power(const std::string& name);
  // Its directory is gone. It starts again under its name with a new id, which is called "c'".
  void wipe(const std::string& name);
  // What a stopped member has on its disk: versions from 1 on, of which some are applied, and the first ones trimmed.
  struct Log {
    std::vector<LogEntry> entries;
    uint64_t committed = 0;
    uint64_t first = 1;
    ProposalNumber promised;
  };
  void prepare(const std::string& name, const Log& log);
  Position genesis() const { return {Version(), genesis_hash(monmap_.fsid)}; }
  MemberId id_of(const std::string& name) const { return members_.at(name)->id; }

  // Time.
  void advance(Duration step) { now_ += step; }
  void tick(const std::string& name);
  bool is_electing(const std::string& name) const;

  // Messages, the oldest that matches first. False if there is none.
  bool deliver(const LetterFilter& filter);
  bool drop(const LetterFilter& filter);
  bool duplicate(const LetterFilter& filter);
  // A copy is on its way to another member, as if its sender had sent it there, too.
  bool forge(const LetterFilter& filter, const std::string& to);
  std::vector<std::string> on_their_way();
  // Members of different groups lose their connections, and what is on its way between them.
  void partition(const std::map<std::string, size_t>& group_of);

  // While held, a disk does nothing; step by step with persist, which is false if there is nothing to do.
  void hold(const std::string& name) { members_.at(name)->is_disk_held = true; }
  void release(const std::string& name);
  bool persist(const std::string& name);

  void request(const std::string& name, ClientRequest request);
  std::string status(const std::string& name);

 private:
  struct Job {
    uint64_t step = 0;  // of a write
    WriteJob write;
    bool is_durable = false;
    std::optional<TaskRequest> task;  // instead of a write
    std::string text;
  };
  struct Held {
    uint64_t needs = 0;  // the durable step
    Envelope envelope;
  };
  struct Process {
    Process(ScriptHome& home, MonitorStart start, Random& random, TimePoint now);
    StoreEngine engine;
    Monitor monitor;
    std::deque<Job> disk;
    std::deque<Held> held;
    StoreProgress progress;
    uint64_t last_durable_submitted = 0;
    std::set<MemberId> connected;
  };
  struct Member {
    Member(std::string its_name, MemberId its_id, size_t rank) : name(std::move(its_name)), id(its_id), random(rank) {}
    std::string name;
    MemberId id;
    OrderedRandom random;
    ScriptHome home;
    bool is_disk_held = false;
    size_t group = 0;
    std::unique_ptr<Process> process;  // null: not running
  };
  struct Letter {
    MemberId from;
    MemberId to;
    Source source;
    Message message;
  };
  struct Work {
    Member* member;
    Input input;
    std::string heading;
    bool is_wanted;
  };
  using Effects = std::vector<std::string>;  // lines

  Member& by_id(MemberId id) { return *by_id_.at(id); }
  MonitorStart load(Member& member);
  void connect(Member& one, Member& other);
  void disconnect(Member& one, Member& other);
  void feed(Member& member, Input input, const std::string& heading, bool is_wanted = false);
  void work();
  void perform(Member& member, Output out, Effects& lines);
  void trace_sync(Member& member, const std::vector<SyncEvent>& events, Effects& lines);
  void persist(Member& member, Output& out, Effects& lines);
  void send_all(Member& member, std::vector<Envelope> envelopes, const std::string& verb, Effects& lines);
  void post(Member& member, Envelope envelope);
  void send_held(Member& member, Effects& lines);
  void spread(Member& member, const Probe& probe);
  void run(Member& member, TaskRequest request);
  void run_disk(Member& member);
  void do_job(Member& member, Job job, Effects& lines);
  std::string describe_writes(const Output& out);
  std::string describe_result(const TaskResult& result);
  std::list<Letter>::iterator find(const LetterFilter& filter);
  void check();
  // As the events of others call it.
  std::string name_in_events(const Member& member) const;
  void check_sync_order(const Member& member);

  CoreOptions options_;
  Transcript& transcript_;
  Names& names_;
  Monmap monmap_;
  std::map<std::string, std::unique_ptr<Member>> members_;
  std::map<MemberId, Member*> by_id_;
  TimePoint now_{std::chrono::hours(1)};
  std::list<Letter> letters_;
  std::deque<Work> work_;
  bool is_working_ = false;
  uint64_t last_token_ = 0;
  std::map<uint64_t, std::string> requests_;
  std::map<Version, ChainHash> chosen_;  // what any member has committed
  sim::SyncOrder sync_order_;
  bool is_order_broken_ = false;  // and that was told
};

}  // namespace synod::script
