#include "test/sim/run/workload.h"

#include <fmt/format.h>

#include <utility>

#include "test/sim/check/linearizability.h"
#include "test/sim/check/revisions.h"
#include "test/sim/run/client.h"

namespace synod::sim {
namespace {

constexpr size_t hot_keys = 4;
// Between faults, where little is to be found, requests are so many times rarer; and more frequent in a run in which
// too few have succeeded while there were faults.
constexpr int rest = 6;
constexpr int hurry = 10;
constexpr int64_t successes_per_minute_wanted = 500;
constexpr Duration think_min = std::chrono::milliseconds(2);
constexpr Duration backlog_max = std::chrono::seconds(5);
constexpr uint32_t patience_ms = 4000;

ClientRequest range_of(const Bytes& key, Consistency consistency) {
  ClientRequest request;
  request.body = RangeRequest{key, key + Bytes(1, '\0'), 1, consistency};
  return request;
}

}  // namespace

class Workload::Client {
 public:
  Client(Workload& workload, uint64_t number)
      : workload_(workload),
        number_(number),
        random_(workload.scenario_.seed, fmt::format("workload {}", number)),
        client_(workload.cluster_.scheduler(), workload.cluster_.network(), workload.scenario_.seed, number,
                addresses(workload.cluster_.names()), number % 4 != 0) {}

  void next() {
    if (workload_.is_stopped_) return;
    // It keeps to its rate: what an outage has delayed comes when the outage ends, all clients at once.
    const TimePoint now = workload_.cluster_.scheduler().now();
    const Duration interval = workload_.scenario_.request_interval / (workload_.is_behind() ? hurry : 1);
    const Duration mean = interval * (workload_.are_faults_active_ ? 1 : rest);
    due_ = std::max(due_, now - backlog_max) + random_.exponential(mean);
    workload_.cluster_.scheduler().call_at(std::max(due_, now + random_.exponential(think_min)), [this] {
      if (!workload_.is_stopped_) ask(draw(), workload_.members_);
    });
  }

  // REQUIRES of both: it is idle.
  void write_through(const std::string& name) {
    ClientRequest request;
    request.body = WriteRequest{{put()}};
    ask(std::move(request), {name});
  }
  void read_everything() {
    reads_to_do_ = hot_keys;
    read_next();
  }

 private:
  std::vector<std::string> addresses(const std::vector<std::string>& names) const {
    std::vector<std::string> found;
    for (const std::string& name : names) found.push_back(workload_.cluster_.member(name).address);
    return found;
  }

  WriteOp put() {
    const std::string value = fmt::format("{}.{}", number_, ++values_);
    return {WriteOp::Type::put, key(), SharedBytes(Bytes(value) + Bytes(random_.below(200), '.'))};
  }
  Bytes key() { return fmt::format("key-{}", random_.below(hot_keys)); }

  ClientRequest draw() {
    const uint64_t dice = random_.below(100);
    if (dice < 30) return range_of(key(), Consistency::linearizable);
    if (dice < 35) return range_of(key(), Consistency::serializable);
    ClientRequest request;
    WriteRequest write;
    if (dice < 42) {
      write.ops.push_back({WriteOp::Type::erase, key(), {}});
    } else {
      write.ops.push_back(put());
      if (dice > 95) {
        // Atomic, on two keys.
        WriteOp second = put();
        if (second.key != write.ops[0].key) write.ops.push_back(std::move(second));
      }
    }
    request.body = std::move(write);
    return request;
  }

  void read_next() {
    ask(range_of(fmt::format("key-{}", --reads_to_do_), Consistency::linearizable), workload_.members_);
  }

  void ask(ClientRequest request, const std::vector<std::string>& members) {
    request.timeout_ms = patience_ms;
    const TimePoint now = workload_.cluster_.scheduler().now();
    const uint64_t entry = workload_.history_.invoke(now, number_, request);
    ++workload_.requests_;
    ++workload_.running_;
    auto write = std::get_if<WriteRequest>(&request.body);
    std::vector<WriteOp> ops = write != nullptr ? write->ops : std::vector<WriteOp>{};
    client_.request(std::move(request), addresses(members),
                    [this, entry, ops = std::move(ops)](const ClientReply& reply, bool was_uncertain) {
                      answered(entry, ops, reply, was_uncertain);
                    });
  }

  void answered(uint64_t entry, const std::vector<WriteOp>& ops, const ClientReply& reply, bool was_uncertain) {
    Scheduler& scheduler = workload_.cluster_.scheduler();
    workload_.history_.respond(scheduler.now(), entry, reply);
    scheduler.trace().add(entry);
    scheduler.trace().add(static_cast<uint64_t>(reply.status.code()));
    --workload_.running_;
    Counters& counters = workload_.cluster_.oracles().counters();
    if (reply.status.is_ok() && workload_.are_faults_active_) {
      ++workload_.successes_during_faults_;
      if (!ops.empty()) counters.count(Rare::write_acknowledged_while_faults_active);
    }
    if (!reply.status.is_ok()) ++workload_.refusals_;
    if (reply.status.is_ok() && was_uncertain) counters.count(Rare::request_answered_after_an_unknown_outcome);
    if (reply.status.code() == Code::unknown_outcome) counters.count(Rare::write_of_unknown_outcome);
    if (reads_to_do_ > 0) return read_next();
    next();
  }

  Workload& workload_;
  uint64_t number_;
  SeededRandom random_;
  uint64_t values_ = 0;
  size_t reads_to_do_ = 0;
  TimePoint due_;
  SimClient client_;
};

Workload::Workload(Cluster& cluster, const Scenario& scenario)
    : cluster_(cluster), scenario_(scenario), members_(cluster.names()) {
  for (uint64_t i = 1; i <= scenario.clients; ++i) clients_.push_back(std::make_unique<Client>(*this, i));
  cluster.oracles().set_on_chosen([this](Version version, const SharedBytes& value) { ledger_.add(version, value); });
}

Workload::~Workload() = default;

bool Workload::is_behind() const {
  const Duration since = cluster_.scheduler().now() - started_;
  return static_cast<int64_t>(successes_during_faults_) < successes_per_minute_wanted * since / std::chrono::minutes(1);
}

void Workload::start() {
  started_ = cluster_.scheduler().now();
  for (const auto& client : clients_) client->next();
}

void Workload::write_through(const std::vector<std::string>& names) {
  refusals_ = 0;
  for (size_t i = 0; i < names.size(); ++i) clients_[i]->write_through(names[i]);
}

void Workload::read_everything() {
  for (const auto& client : clients_) client->read_everything();
}

std::string Workload::verify() const {
  const Verdict executed = ledger_.check(history_.operations());
  if (!executed.is_good()) return "not exactly once: " + executed.explanation;
  const Verdict revisions = check_revisions(history_.operations());
  if (!revisions.is_good()) return "revisions: " + revisions.explanation;
  const Verdict verdict = check_linearizability(history_.operations());
  return verdict.is_good() ? "" : "not linearizable: " + verdict.explanation;
}

}  // namespace synod::sim
