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

namespace synod::sim {
namespace {
constexpr Duration check_interval = std::chrono::milliseconds(5);
}

// ---------------------------------------------------------------------------------------------- storage

SimStorage::SimStorage(Scheduler& scheduler, StoreEngine& engine, uint64_t seed)
    : scheduler_(scheduler), engine_(engine), random_(seed) {}

SimStorage::~SimStorage() { *alive_ = false; }

void SimStorage::schedule(TimePoint& lane, Duration delay, std::function<void()> work) {
  lane = std::max(lane, scheduler_.now()) + delay;
  const bool is_writer = &lane == &writer_free_;
  scheduler_.call_at(lane, [this, alive = alive_, is_writer, work = std::move(work)] {
    if (!*alive) return;
    if (is_writer && (is_hung_ || !stalled_.empty())) {
      stalled_.push_back(work);
    } else {
      work();
    }
  });
}

void SimStorage::set_hung(bool hung) {
  is_hung_ = hung;
  if (!hung) release();
}

// In order, one after the other: each may end the process.
void SimStorage::release() {
  if (stalled_.empty()) return;
  scheduler_.call_after(Duration(0), [this, alive = alive_] {
    if (!*alive || is_hung_ || stalled_.empty()) return;
    const std::function<void()> work = std::move(stalled_.front());
    stalled_.pop_front();
    work();
    if (*alive) release();
  });
}

void SimStorage::write(WriteJob job, std::function<void(Status)> done) {
  const bool is_durable = job.identity || job.durability == Durability::durable;
  const Duration delay =
      is_durable
          ? sync_delay_ / 2 + Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>(sync_delay_.count()))))
          : std::chrono::microseconds(20);
  auto shared = std::make_shared<WriteJob>(std::move(job));
  schedule(writer_free_, delay, [this, shared, done = std::move(done)] {
    std::vector<WriteJob> jobs;
    jobs.push_back(std::move(*shared));
    done(engine_.write(jobs));
  });
}

void SimStorage::run(Task task, std::function<void(Result<TaskResult>)> done) {
  TimePoint& lane = is_writer_task(task) ? writer_free_ : reader_free_;
  const Duration delay = is_writer_task(task) ? sync_delay_ : std::chrono::microseconds(50);
  schedule(lane, delay, [this, task = std::move(task), done = std::move(done)] { done(engine_.run(task)); });
}

// ---------------------------------------------------------------------------------------------- processes

Process::Process(Scheduler& scheduler, Network& network, MemoryHome& home, const std::string& address, uint64_t seed)
    : clock(scheduler),
      random(seed),
      transport(network, address),
      engine(home,
             [&]() -> std::unique_ptr<MonitorStore> {
               if (!home.has_store()) return nullptr;
               return std::make_unique<MonitorStore>(*home.open_current({}));
             }(),
             {}),
      storage(scheduler, engine, seed + 1) {}

Cluster::Cluster(size_t size, uint64_t seed, CoreOptions options)
    : seed_(seed), options_(options), network_(scheduler_, seed), random_(seed + 7) {
  // SIM_LOG=debug shows what the members log; times in it are real, not virtual.
  const char* level = std::getenv("SIM_LOG");
  set_log_level(level != nullptr ? *parse_log_level(level) : LogLevel::off);
  for (size_t i = 0; i < size; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    auto member = std::make_unique<Member>();
    member->name = name;
    member->address = fmt::format("host-{}:{}", name, 1000 + i);
    list_.push_back({name, member->address});
    members_[name] = std::move(member);
  }
}

// What a daemon does before its first message.
MonitorStart Cluster::load(Member& member, StoreEngine&) {
  MonitorStart start;
  start.options = options_;
  start.address = member.address;
  start.initial_members = list_;
  start.may_form_alone = list_.size() == 1;
  Identity& identity = start.identity;
  if (member.home.identity()) {
    identity = *Identity::decode(*member.home.identity());
  } else {
    identity.id = MemberId(random_.next());
    identity.name = member.name;
  }
  ++identity.start_count;
  SYNOD_ASSERT(member.home.write_identity(identity.encode()).is_ok(), "memory does not fail");
  if (identity.formation != FormationState::formed) return start;
  const MonitorStore store(*member.home.open_current({}));
  start.log = *store.load_log();
  start.monmap = *Monmap::decode(**store.new_reader()->get(monmap_key));
  start.is_marked = store.get_local(synchronizing_key)->has_value();
  return start;
}

Cluster::~Cluster() {
  clients_.clear();
  for (auto& [name, member] : members_) member->process.reset();
}

void Cluster::start(const std::string& name) {
  Member& m = member(name);
  SYNOD_ASSERT(m.process == nullptr, "it runs already");
  m.exit_code = -1;
  m.process = std::make_unique<Process>(scheduler_, network_, m.home, m.address, seed_ * 1000 + ++lives_);
  Process& p = *m.process;
  p.executor =
      std::make_unique<Executor>(Executor::World{p.clock, p.clock, p.random, p.transport, p.storage}, load(m, p.engine),
                                 MessengerLimits{}, [&m](int code, const std::string& reason) {
                                   m.exit_code = code;
                                   m.exit_reason = reason;
                                 });
  p.executor->check_every_step();
  SYNOD_ASSERT(p.executor->start().is_ok(), "a host listens");
}

void Cluster::start_all() {
  for (const std::string& name : names()) {
    if (member(name).process == nullptr) start(name);
  }
}

void Cluster::kill(const std::string& name) { member(name).process.reset(); }

void Cluster::cut_power(const std::string& name) {
  kill(name);
  member(name).home.cut_power(random_);
}

void Cluster::wipe(const std::string& name) {
  kill(name);
  member(name).home = MemoryHome();
}

void Cluster::isolate(const std::string& name) {
  for (const std::string& other : names()) {
    if (other == name) continue;
    network_.cut(member(name).address, member(other).address);
    network_.cut(member(other).address, member(name).address);
  }
}

// ---------------------------------------------------------------------------------------------- time

void Cluster::check() {
  size_t leases = 0;
  for (const std::string& name : running()) {
    const Monitor& m = monitor(name);
    m.check_invariants();
    if (m.has_lease(scheduler_.now())) ++leases;
    const Position committed = m.committed();
    if (committed.version == Version()) continue;
    const auto [it, is_new] = chosen_.try_emplace(committed.version, committed.hash);
    SYNOD_ASSERT(it->second == committed.hash, "agreement: one history up to each version");
  }
  SYNOD_ASSERT(leases <= 1, "at most one member holds the lease");
}

void Cluster::run_for(Duration duration) {
  const TimePoint end = scheduler_.now() + duration;
  while (scheduler_.now() < end) {
    scheduler_.run_until(std::min(end, scheduler_.now() + check_interval));
    check();
  }
}

bool Cluster::run_until(const std::function<bool()>& predicate, Duration limit) {
  const TimePoint end = scheduler_.now() + limit;
  while (!predicate()) {
    if (scheduler_.now() >= end) return false;
    run_for(check_interval);
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

std::string Cluster::leader() {
  std::string found;
  for (const std::string& name : running()) {
    if (!monitor(name).has_lease(scheduler_.now())) continue;
    if (!found.empty()) return "";
    found = name;
  }
  return found;
}

bool Cluster::has_quorum(size_t size) {
  const std::string name = leader();
  return !name.empty() && monitor(name).quorum(scheduler_.now()).size() == size;
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
  ProcessClock clock;
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
  const bool is_write = std::holds_alternative<WriteRequest>(wanted.body);
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

std::string Cluster::differences() {
  for (auto& [name, member] : members_) kill(name);
  std::string different;
  const std::string first = members_.begin()->first;
  for (const std::string& name : names()) {
    if (name == first) continue;
    const MonitorStore a(*member(first).home.open_current({}));
    const MonitorStore b(*member(name).home.open_current({}));
    const auto compared = compare_stores(a, b, [&](const auto&) {});
    SYNOD_ASSERT(compared.has_value(), "stores in memory can be read");
    if (!compared->is_equal() || !compared->caveat.empty()) different += name + " ";
  }
  return different;
}

}  // namespace synod::sim
