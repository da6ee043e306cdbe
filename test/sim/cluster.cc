#include "test/sim/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "mon/core/sync/requester.h"
#include "mon/service/monmap_service.h"
#include "store/compare.h"
#include "test/sim/disk/level_db_disk.h"
#include "test/sim/disk/mirror_disk.h"
#include "test/sim/disk/model_disk.h"

namespace synod::sim {
namespace {

constexpr Duration poll_interval = std::chrono::milliseconds(5);

}  // namespace

// ---------------------------------------------------------------------------------------------- processes

Process::Process(Scheduler& scheduler, Network& network, const MachineClock& machine,
                 std::unique_ptr<StoreHome> opened_home, std::unique_ptr<MonitorStore> store,
                 const DaemonOptions& options, const std::string& address, uint64_t seed)
    : home(std::move(opened_home)),
      clock(scheduler, machine, gate),
      random(seed, "process"),
      transport(network, address, &gate),
      engine(*home, std::move(store), {options.database, options.core.answer_bytes_max}),
      storage(scheduler, gate, engine, seed) {}

Cluster::Cluster(size_t size, uint64_t seed, ClusterOptions options)
    : seed_(seed), options_(options), network_(scheduler_, seed), random_(seed, "cluster"), oracles_(*this, size) {
  // SIM_LOG=debug shows what the members log; times in it are real, not virtual.
  const char* level = std::getenv("SIM_LOG");
  set_log_level(level != nullptr ? *parse_log_level(level) : LogLevel::off);
  for (size_t i = 0; i < size; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    const std::string address = fmt::format("host-{}:{}", name, 1000 + i);
    list_.push_back({name, address});
    names_[address] = name;
    members_[name] = std::make_unique<Member>(scheduler_, name, address, make_disk(name));
    observe_disk(*members_[name]);
  }
  observers_.push_back(&oracles_);
  scheduler_.set_after_event([this] { after_event(); });
  network_.set_tap(
      [this](const std::string& from, const std::string& to, ByteView frame) { on_frame(from, to, frame); });
}

std::unique_ptr<MemberDisk> Cluster::make_disk(const std::string& name) {
  const uint64_t seed = random_.next();
  if (options_.disk == ClusterOptions::DiskKind::model) return std::make_unique<ModelDisk>(seed);
  auto now_micros = [this] {
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(scheduler_.now().time_since_epoch()).count());
  };
  SimDisk::Options options{options_.is_strict_disk, seed, now_micros};
  if (options_.disk == ClusterOptions::DiskKind::level_db) return std::make_unique<LevelDbDisk>(std::move(options));
  return std::make_unique<MirrorDisk>(std::move(options), [this, name](const std::string& what) {
    oracles_.violated(fmt::format("the disk of {}: {}", name, what));
  });
}

void Cluster::observe_disk(Member& member) {
  member.disk->on_call([this, &member](const DiskEvent& event) {
    scheduler_.trace().add(event.number);
    scheduler_.trace().add(event.offset + static_cast<uint64_t>(event.call));
    scheduler_.trace().add(event.bytes.size());
    for (Observer* observer : observers_) observer->on_disk(member.name, event);
  });
}

Cluster::~Cluster() {
  clients_.clear();
  for (auto& [name, member] : members_) member->process.reset();
}

void Cluster::start(const std::string& name) {
  Member& m = member(name);
  SYNOD_ASSERT(m.process == nullptr, "it runs already");
  m.exit_code = -1;
  const std::optional<Refusal> refusal = open(m);
  if (!refusal) return;
  m.exit_code = refusal->code;
  m.exit_reason = refusal->why;
  m.disk->end_life();
  const bool is_excused = m.is_disk_faulty || m.disk->is_frozen();
  if (!is_excused) oracles_.violated(fmt::format("{} does not start: {}", name, refusal->why));
  for (Observer* observer : observers_) observer->on_end(name, EndOfLife::exited);
}

// What run_daemon does, in this world.
std::optional<Refusal> Cluster::open(Member& m) {
  DaemonOptions options;
  options.name = m.name;
  options.data = "data";
  options.initial_members = list_;
  options.core = options_.core;
  options.database = options_.database;
  options.messenger = options_.messenger;
  Result<std::unique_ptr<StoreHome>> home = m.disk->start_life();
  if (!home) return Refusal{exit_directory_refused, home.error().message()};
  options.form = list_.size() == 1 && !(*home)->has_store();
  OpenedMember opened;
  if (auto refusal = open_member(**home, options, random_, opened)) return refusal;
  for (Observer* observer : observers_) observer->on_start(m.name, opened.start);
  m.process = std::make_unique<Process>(scheduler_, network_, m.clock, *std::move(home), std::move(opened.store),
                                        options, m.address, seed_ * 1000 + ++lives_);
  lives_of_[m.name] = lives_;
  Process& p = *m.process;
  if (opened.unfinished) p.engine.go_on_with(*std::move(opened.unfinished));
  p.storage.set_latency(m.latency);
  p.storage.set_observers(
      [this, &m](const WriteJob& job, const Status& status) {
        for (Observer* observer : observers_) observer->on_written(m.name, job, status);
      },
      [this, &m](const Task& task, const Result<TaskResult>& result) {
        for (Observer* observer : observers_) observer->on_ran(m.name, task, result);
      });
  auto on_exit = [this, &m, life = lives_](int code, const std::string& reason) {
    m.exit_code = code;
    m.exit_reason = reason;
    // Not from within the process.
    scheduler_.call_after(Duration(0), [this, &m, life] {
      if (m.process != nullptr && life == lives_of_[m.name]) end(m, EndOfLife::exited);
    });
  };
  p.executor = std::make_unique<Executor>(Executor::World{p.clock, p.clock, p.random, p.transport, p.storage},
                                          std::move(opened.start), options.messenger, on_exit);
  p.executor->check_every_step();
  p.executor->trace_sync([this, &m](const SyncEvent& event) {
    for (Observer* observer : observers_) observer->on_sync_event(m.name, event);
  });
  SYNOD_ASSERT(p.executor->start().is_ok(), "a host listens");
  return std::nullopt;
}

void Cluster::start_all() {
  for (const std::string& name : names()) {
    if (!is_running(name)) start(name);
  }
}

void Cluster::end(Member& member, EndOfLife how) {
  if (member.process == nullptr) return;
  for (Observer* observer : observers_) observer->on_end(member.name, how);
  if (how == EndOfLife::power_cut) member.process->transport.vanish();
  member.disk->end_life();
  member.process.reset();
}

void Cluster::audit(const std::string& name) {
  const std::unique_ptr<MemberDisk> copy = member(name).disk->durable_copy();
  Result<std::unique_ptr<StoreHome>> home = copy->start_life();
  OpenedMember opened;
  DaemonOptions options;
  options.name = name;
  options.data = "the durable copy of data";
  options.initial_members = list_;
  options.database = options_.database;
  const std::optional<Refusal> refusal =
      home ? open_member(**home, options, random_, opened) : Refusal{exit_disk_failure, home.error().message()};
  if (refusal) {
    oracles_.violated(fmt::format("what is durable of {} cannot be opened: {}", name, refusal->why));
  } else {
    oracles_.check_durable(name, opened.start);
  }
}

void Cluster::kill(const std::string& name) { end(member(name), EndOfLife::killed); }

CutReport Cluster::cut_power(const std::string& name, PowerCut mode) {
  end(member(name), EndOfLife::power_cut);
  const CutReport report = member(name).disk->cut_power(mode, random_);
  if (report.torn_wals > 0) oracles_.counters().count(Rare::log_torn_by_a_power_cut);
  return report;
}

void Cluster::wipe(const std::string& name) {
  kill(name);
  member(name).disk = make_disk(name);
  observe_disk(member(name));
  oracles_.forget(name);
}

bool Cluster::rot(const std::string& name) {
  Member& m = member(name);
  SYNOD_ASSERT(m.process == nullptr, "a store is changed behind the back of nobody who uses it");
  Result<std::unique_ptr<StoreHome>> home = m.disk->start_life();
  if (!home) return false;
  bool is_changed = false;
  if (Result<std::unique_ptr<KeyValueDB>> db = (*home)->open_current(options_.database); db) {
    MonitorStore store(*std::move(db));
    const Result<std::optional<Bytes>> marker = store.get_local(synchronizing_key);
    ReplicatedTransaction change;
    change.put("rot", SharedBytes(Bytes("was not here before")));
    // A copy that it has begun could not take the place of a store that goes on.
    const bool may_change = marker && !marker->has_value();
    is_changed = may_change && store.commit_copied(change, Durability::durable).is_ok();
  }
  m.disk->end_life();
  return is_changed;
}

void Cluster::pause(const std::string& name) {
  if (is_running(name)) member(name).process->gate.pause();
}

void Cluster::resume(const std::string& name) {
  if (is_running(name)) member(name).process->gate.resume();
}

void Cluster::isolate(const std::string& name) {
  for (const std::string& other : names()) {
    if (other == name) continue;
    network_.cut(member(name).address, member(other).address);
    network_.cut(member(other).address, member(name).address);
  }
}

// ---------------------------------------------------------------------------------------------- time

void Cluster::after_event() {
  for (auto& [name, member] : members_) {
    if (member->process == nullptr || !member->process->gate.take_entered()) continue;
    for (Observer* observer : observers_) observer->on_stepped(name);
  }
  if (oracles_.violation().empty()) return;
  SYNOD_ASSERT(!asserts_, oracles_.violation().c_str());
  scheduler_.stop();
}

// Decoding each frame once more is a good part of a run's cost.
void Cluster::on_frame(const std::string& from, const std::string& to, ByteView frame) {
  const bool is_of_client = names_.count(from) == 0 || names_.count(to) == 0;
  const auto is_for = [&](const Observer* observer) { return !is_of_client || observer->sees_clients(); };
  if (std::none_of(observers_.begin(), observers_.end(), is_for)) return;
  const SharedBytes body(Bytes(frame.substr(frame_prefix_size)));
  const Result<Received> received = decode_frame(frame.substr(0, frame_prefix_size), body);
  SYNOD_ASSERT(received.has_value(), "what this side sends decodes");
  for (Observer* observer : observers_) {
    if (is_for(observer)) observer->on_sent(from, to, *received);
  }
}

void Cluster::run_for(Duration duration) { scheduler_.run_until(scheduler_.now() + duration); }

bool Cluster::run_until(const std::function<bool()>& predicate, Duration limit) {
  const TimePoint end = scheduler_.now() + limit;
  while (!predicate()) {
    if (scheduler_.now() >= end || !oracles_.violation().empty()) return false;
    run_for(poll_interval);
  }
  return true;
}

// ---------------------------------------------------------------------------------------------- state

std::vector<std::string> Cluster::names() const {
  std::vector<std::string> names;
  for (const auto& [name, member] : members_) names.push_back(name);
  return names;
}

std::vector<std::string> Cluster::running() const {
  std::vector<std::string> names;
  for (const auto& [name, member] : members_) {
    if (member->process != nullptr) names.push_back(name);
  }
  return names;
}

std::string Cluster::leader() const {
  std::string found;
  for (const std::string& name : running()) {
    if (!has_lease(name)) continue;
    if (!found.empty()) return "";
    found = name;
  }
  return found;
}

bool Cluster::has_quorum(size_t size) const {
  const std::string name = leader();
  return !name.empty() && monitor(name).quorum(member(name).clock.now()).size() == size;
}

std::string Cluster::name_at(const std::string& address) const {
  const auto it = names_.find(address);
  return it == names_.end() ? "" : it->second;
}

// ---------------------------------------------------------------------------------------------- clients

struct Cluster::Client : MessengerHandler {
  Client(Cluster& cluster, uint64_t id, const std::string& to, ClientRequest what, OnReply reply)
      : address(cluster.member(to).address),
        clock(cluster.scheduler_),
        random(id),
        transport(cluster.network_, fmt::format("client-{}", id)),
        request(std::move(what)),
        on_reply(std::move(reply)),
        messenger(
            transport, clock, clock, random, MessengerLimits{}, [] { return Messenger::Self{}; }, *this) {
    messenger.add_link(address);
  }
  void on_link_up(const std::string&, const PeerInfo&) override {
    if (!is_sent) is_sent = messenger.send(address, Message(request));
  }
  void on_link_down(const std::string&, const Status&) override {}
  void on_message(ConnectionId, const PeerInfo&, Received received) override {
    const auto* answer = std::get_if<ClientReply>(&received.message);
    if (answer != nullptr && answer->id == request.id && on_reply) std::exchange(on_reply, nullptr)(*answer);
  }
  void on_disconnected(ConnectionId) override {}

  std::string address;
  SteadyClock clock;
  SeededRandom random;
  HostTransport transport;
  ClientRequest request;
  OnReply on_reply;
  bool is_sent = false;
  Messenger messenger;
};

void Cluster::request(const std::string& to, ClientRequest request, OnReply on_reply) {
  const uint64_t id = ++last_client_;
  request.id = id;
  // It hangs up some time after it stopped waiting.
  scheduler_.call_after(std::chrono::milliseconds(request.timeout_ms + 500), [this, id] { clients_.erase(id); });
  clients_[id] = std::make_unique<Client>(*this, id, to, std::move(request), std::move(on_reply));
}

ClientReply Cluster::call(const std::string& to, ClientRequest wanted) {
  const bool is_write = !std::holds_alternative<RangeRequest>(wanted.body);
  const Duration limit = std::chrono::milliseconds(wanted.timeout_ms);
  ClientReply answer;
  answer.status = Status(is_write ? Code::unknown_outcome : Code::unavailable, "no answer in time");
  auto is_answered = std::make_shared<bool>(false);
  request(to, std::move(wanted), [&answer, is_answered](const ClientReply& reply) {
    answer = reply;
    *is_answered = true;
  });
  const uint64_t id = last_client_;
  run_until([&] { return *is_answered; }, limit);
  clients_.erase(id);
  return answer;
}

Result<std::string> Cluster::transfer(const std::string& to, const std::string& target, uint32_t timeout_ms) {
  ClientRequest request;
  request.timeout_ms = timeout_ms;
  request.body = TransferRequest{target};
  const ClientReply reply = call(to, std::move(request));
  if (!reply.status.is_ok()) return reply.status;
  return std::get<TransferReply>(reply.body).leader;
}

Status Cluster::put(const std::string& to, const std::string& key, const std::string& value, uint32_t timeout_ms) {
  ClientRequest request;
  request.timeout_ms = timeout_ms;
  request.body = WriteRequest{{{WriteOp::Type::put, key, SharedBytes(value)}}};
  return call(to, std::move(request)).status;
}

Result<std::string> Cluster::get(const std::string& to, const std::string& key, Consistency consistency,
                                 uint32_t timeout_ms) {
  ClientRequest request;
  request.timeout_ms = timeout_ms;
  request.body = RangeRequest{key, key + Bytes(1, '\0'), 1, consistency};
  const ClientReply reply = call(to, std::move(request));
  if (!reply.status.is_ok()) return reply.status;
  const auto& range = std::get<RangeReply>(reply.body);
  if (range.items.empty()) return Status(Code::not_found, "no such key");
  return std::string(range.items.front().value.view());
}

// ---------------------------------------------------------------------------------------------- the end

Cluster::OpenedStore Cluster::open_store(const std::string& name) {
  Member& m = member(name);
  OpenedStore opened;
  if (m.process == nullptr) {
    Result<std::unique_ptr<StoreHome>> home = m.disk->start_life();
    SYNOD_ASSERT(home.has_value(), "a healthy disk can be opened");
    opened.home = *std::move(home);
  }
  StoreHome& home = opened.home != nullptr ? *opened.home : *m.process->home;
  Result<std::unique_ptr<KeyValueDB>> db = home.open_current(options_.database);
  SYNOD_ASSERT(db.has_value(), "a healthy store can be opened");
  opened.store = std::make_unique<MonitorStore>(*std::move(db));
  return opened;
}

Identity Cluster::read_identity(const std::string& name) {
  Member& m = member(name);
  const Result<std::optional<Bytes>> record =
      m.process != nullptr ? m.process->home->read_identity() : (*m.disk->start_life())->read_identity();
  return *Identity::decode(**record);
}

std::string Cluster::differences() {
  for (auto& [name, member] : members_) kill(name);
  std::string different;
  const std::string first = members_.begin()->first;
  for (const std::string& name : names()) {
    if (name == first) continue;
    const OpenedStore a = open_store(first);
    const OpenedStore b = open_store(name);
    const auto compared = compare_stores(*a.store, *b.store, [&](const auto&) {});
    SYNOD_ASSERT(compared.has_value(), "stores in memory can be read");
    if (!compared->is_equal() || !compared->caveat.empty()) different += name + " ";
  }
  return different;
}

}  // namespace synod::sim
