#include "test/sim/run/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "test/sim/run/injector.h"
#include "test/sim/run/trace.h"
#include "test/sim/run/workload.h"

namespace synod::sim {
namespace {

using std::chrono::seconds;

// A run of a minute takes some 50,000 events: one that takes so many more goes round in circles.
constexpr uint64_t events_max_per_minute = 20'000'000;

ClusterOptions::DiskKind disk_kind(Profile profile) {
  switch (profile) {
    case Profile::standard: return ClusterOptions::DiskKind::level_db;
    case Profile::model: return ClusterOptions::DiskKind::model;
    case Profile::both: return ClusterOptions::DiskKind::mirrored;
    case Profile::sync:
    case Profile::sync_delta: break;
  }
  return ClusterOptions::DiskKind::level_db;
}

ClusterOptions cluster_options(const Scenario& scenario) {
  ClusterOptions options;
  options.core = scenario.core;
  options.database.write_buffer_bytes = scenario.write_buffer_bytes;
  options.messenger = scenario.messenger;
  options.disk = disk_kind(scenario.profile);
  options.is_strict_disk = scenario.is_strict_disk;
  return options;
}

constexpr Duration audit_interval = std::chrono::seconds(5);

class Run {
 public:
  Run(const Scenario& scenario, const RunOptions& options)
      : scenario_(scenario),
        options_(options),
        cluster_(scenario.members, scenario.seed, cluster_options(scenario)),
        injector_(cluster_, scenario, [this](const std::string& what) { note(what); }),
        workload_(cluster_, scenario),
        audits_(scenario.seed, "audits") {
    cluster_.collect_violations();
    cluster_.network().set_options(scenario.network);
    cluster_.add_observer(&injector_);
    if (options.trace) {
      trace_.emplace(cluster_);
      cluster_.add_observer(&*trace_);
    }
  }

  RunResult run() {
    form();
    if (is_fine()) endure();
    if (is_fine()) live_on_with_a_core();
    if (is_fine()) converge();
    if (is_fine()) verify();
    RunResult result;
    result.violation = cluster_.oracles().violation();
    result.hash = cluster_.scheduler().trace().value();
    result.requests = workload_.requests();
    result.successes_during_faults = workload_.successes_during_faults();
    result.faults = injector_.performed();
    result.events = cluster_.scheduler().events();
    result.counters = cluster_.oracles().counters();
    return result;
  }

 private:
  bool is_fine() const { return cluster_.oracles().violation().empty(); }
  void violated(const std::string& what) {
    note("violation: " + what);
    cluster_.oracles().violated(what);
  }
  void note(const std::string& what) {
    if (trace_) trace_->line("== " + what);
    workload_.set_faults_active(injector_.is_active());
  }
  void require(bool condition, const std::string& what) {
    if (!condition && is_fine()) violated(what);
  }

  void form() {
    cluster_.start_all();
    require(cluster_.run_until([&] { return cluster_.has_quorum(scenario_.members); }, seconds(60)),
            "no quorum of all members a minute after the first start");
  }

  // The safety phase.
  void endure() {
    workload_.start();
    injector_.start();
    audit_later();
    const TimePoint end = cluster_.scheduler().now() + scenario_.length;
    while (cluster_.scheduler().now() < end && is_fine()) {
      cluster_.run_for(std::min<Duration>(seconds(10), end - cluster_.scheduler().now()));
      const auto minutes = static_cast<uint64_t>(scenario_.length / std::chrono::minutes(1)) + 1;
      require(cluster_.scheduler().events() < events_max_per_minute * minutes, "events without end");
    }
    const auto minutes = static_cast<uint64_t>(scenario_.length / std::chrono::minutes(1));
    const uint64_t wanted = minutes * options_.successes_min;
    require(workload_.successes_during_faults() >= wanted,
            fmt::format("only {} requests succeeded while faults were active, of {} wanted",
                        workload_.successes_during_faults(), wanted));
  }

  // Now and then, of whom it comes upon.
  void audit_later() {
    cluster_.scheduler().call_after(audits_.between(audit_interval / 2, audit_interval), [this] {
      cluster_.audit(audits_.pick(cluster_.names()));
      audit_later();
    });
  }

  // A majority is enough, whichever it is and however far behind some of it are.
  void live_on_with_a_core() {
    SeededRandom random(scenario_.seed, "core");
    std::vector<std::string> core = injector_.voters();
    for (size_t i = core.size(); i > 1; --i) std::swap(core[i - 1], core[random.below(i)]);
    // The majority has its memory. Whose store was changed may have nothing to give to one that is far behind, and who
    // was refuted gives nothing: those who copied the changed store before it was found may be the majority.
    std::stable_partition(core.begin(), core.end(), [&](const auto& name) { return name != injector_.rotten(); });
    std::stable_partition(core.begin(), core.end(),
                          [&](const auto& name) { return !cluster_.oracles().is_refuted(name); });
    std::set<std::string> doomed;
    while (core.size() > scenario_.members / 2 + 1) {
      doomed.insert(core.back());
      core.pop_back();
    }
    for (const std::string& name : injector_.wiped()) {
      if (random.chance(50)) doomed.insert(name);  // nobody needs it
    }
    note_who_is_far_behind(core);
    injector_.heal_all_but(doomed);
    workload_.use_members(core);
    require(cluster_.run_until([&] { return are_in_quorum(core); }, seconds(60)),
            "no quorum of the healed majority within a minute");
    cluster_.run_for(seconds(3));
    workload_.stop();
    require(cluster_.run_until([&] { return workload_.is_idle(); }, seconds(20)),
            "requests without an answer although a majority is well");
    require(cluster_.run_until([&] { return are_level(core); }, seconds(30)),
            "the healed majority does not become level");
    if (!is_fine()) return;
    workload_.write_through(core);
    require(cluster_.run_until([&] { return workload_.is_idle(); }, seconds(20)) && workload_.refusals() == 0,
            "a write through a member of the healed majority fails");
  }

  void converge() {
    injector_.heal_all();
    workload_.use_members(cluster_.names());
    require(cluster_.run_until([&] { return are_in_quorum(injector_.voters()); }, seconds(90)),
            "no quorum of all voters although all are well");
    heal_rot();
    workload_.read_everything();
    require(cluster_.run_until([&] { return workload_.is_idle(); }, seconds(20)), "reads without an answer at the end");
    // A sync whose provider went silent before is given up after 30 s.
    require(cluster_.run_until([&] { return are_level_for(seconds(1), cluster_.names()); }, seconds(45)),
            "members do not become level");
    for (const std::string& name : injector_.wiped()) {
      require(cluster_.monitor(name).state() == MemberState::learner,
              fmt::format("{} has lost its directory, and is {}", name, to_string(cluster_.monitor(name).state())));
      cluster_.oracles().counters().count(Rare::learner_level);
    }
  }

  // Whatever was changed behind a member's back is found and healed: in the end a scrub passes.
  void heal_rot() {
    if (injector_.rotten().empty() || !is_fine()) return;
    note("the members compare their stores until they are the same");
    require(cluster_.run_until([&] { return has_scrub_passed(); }, seconds(180)), "a changed store is not healed");
    require(cluster_.run_until([&] { return are_in_quorum(cluster_.names()); }, seconds(90)),
            "no quorum of all members after a repair");
  }

  // Asks for a scrub, again and again, each time until it is over.
  bool has_scrub_passed() {
    const TimePoint now = cluster_.scheduler().now();
    const std::string leader = cluster_.leader();
    if (leader.empty() || now < ask_for_scrub_at_) return is_scrub_passed_;
    ask_for_scrub_at_ = now + std::chrono::milliseconds(500);
    ClientRequest request;
    request.timeout_ms = 400;
    request.body = ScrubRequest{scrub_number_};
    cluster_.request(leader, std::move(request), [this](const ClientReply& reply) {
      const auto* scrub = std::get_if<ScrubReply>(&reply.body);
      if (scrub == nullptr || scrub->phase != ScrubReply::Phase::over) return;
      ++scrub_number_;
      is_scrub_passed_ = scrub->is_agreed &&
                         std::none_of(scrub->members.begin(), scrub->members.end(),
                                      [](const auto& m) { return m.differs || m.check.state != ScrubState::done; });
    });
    return is_scrub_passed_;
  }

  void verify() {
    require(workload_.verify().empty(), workload_.verify());
    if (!is_fine()) return;
    const std::string different = cluster_.differences();
    require(different.empty(), "stores differ at the end: " + different);
  }

  bool are_in_quorum(const std::vector<std::string>& names) const {
    const std::string leader = cluster_.leader();
    if (leader.empty()) return false;
    const std::set<MemberId> quorum = cluster_.monitor(leader).quorum(cluster_.member(leader).clock.now());
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      return cluster_.is_running(name) && quorum.count(cluster_.monitor(name).id()) > 0;
    });
  }

  bool are_level(const std::vector<std::string>& names) const {
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      return cluster_.is_running(name) &&
             cluster_.monitor(name).committed() == cluster_.monitor(names.front()).committed();
    });
  }

  // All of that time. A cluster without clients still trims its log, when a hold is over, in a burst of values that may
  // overtake a learner: that one copies once more.
  bool are_level_for(Duration time, const std::vector<std::string>& names) {
    const TimePoint now = cluster_.scheduler().now();
    if (!are_level(names)) level_since_.reset();
    if (are_level(names) && !level_since_) level_since_ = now;
    return level_since_ && now - *level_since_ >= time;
  }

  void note_who_is_far_behind(const std::vector<std::string>& core) {
    Version first;
    for (const std::string& name : core) {
      if (cluster_.is_running(name)) first = std::max(first, cluster_.monitor(name).first());
    }
    for (const std::string& name : core) {
      if (cluster_.is_running(name) && cluster_.monitor(name).committed().version.next() < first) {
        cluster_.oracles().counters().count(Rare::member_beyond_the_trim_floor_in_the_core);
      }
    }
  }

  const Scenario& scenario_;
  const RunOptions& options_;
  Cluster cluster_;
  std::optional<TraceWriter> trace_;
  Injector injector_;
  Workload workload_;
  SeededRandom audits_;
  uint64_t scrub_number_ = 1;
  TimePoint ask_for_scrub_at_;
  bool is_scrub_passed_ = false;
  std::optional<TimePoint> level_since_;
};

}  // namespace

RunResult run(const Scenario& scenario, const RunOptions& options) { return Run(scenario, options).run(); }

}  // namespace synod::sim
