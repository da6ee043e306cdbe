#include "bench/load_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace synod::bench {
namespace {

double seconds_of(Duration d) { return std::chrono::duration<double>(d).count(); }
double milliseconds_of(Duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

using Requests = std::vector<Request>;

uint64_t count(const Requests& requests, Outcome outcome) {
  return static_cast<uint64_t>(
      std::count_if(requests.begin(), requests.end(), [&](const Request& each) { return each.outcome == outcome; }));
}

// "reads":{...}
template <class Wanted>
std::string latencies(const char* name, const Requests& requests, Wanted wanted) {
  std::vector<Duration> chosen;
  for (const Request& each : requests) {
    if (each.outcome == Outcome::ok && wanted(each)) chosen.push_back(each.latency);
  }
  const auto at = [&](double share) { return milliseconds_of(percentile(chosen, share)); };
  return fmt::format(
      R"("{}":{{"count":{},"p50_ms":{:.3f},"p90_ms":{:.3f},"p99_ms":{:.3f},"p999_ms":{:.3f},"max_ms":{:.3f}}})", name,
      chosen.size(), at(0.5), at(0.9), at(0.99), at(0.999), at(1));
}

std::string counts(const Requests& requests) {
  return fmt::format(R"("requests":{},"failed":{},"unknown":{})", requests.size(), count(requests, Outcome::failed),
                     count(requests, Outcome::unknown));
}

// Those that were due in [from, to), of requests in the order in which they were due.
Requests due(const Requests& requests, Duration from, Duration to) {
  const auto before = [](const Request& request, Duration time) { return request.start < time; };
  const auto begin = std::lower_bound(requests.begin(), requests.end(), from, before);
  return {begin, std::lower_bound(begin, requests.end(), to, before)};
}

std::string phase(const Requests& requests, Duration from, Duration to) {
  const double seconds = seconds_of(to - from);
  return fmt::format(R"({{"from_s":{:.3f},"seconds":{:.3f},{},"per_second":{:.1f},{},{},{}}})", seconds_of(from),
                     seconds, counts(requests), seconds > 0 ? static_cast<double>(requests.size()) / seconds : 0,
                     latencies("reads", requests, [](const Request& each) { return each.kind == Kind::read; }),
                     latencies("writes", requests, [](const Request& each) { return each.kind == Kind::write; }),
                     latencies("all", requests, [](const Request&) { return true; }));
}

}  // namespace

Duration percentile(std::vector<Duration>& latencies, double share) {
  if (latencies.empty()) return {};
  const double rank = std::ceil(share * static_cast<double>(latencies.size()));
  const size_t index = rank < 1 ? 0 : std::min(static_cast<size_t>(rank), latencies.size()) - 1;
  const auto nth = latencies.begin() + static_cast<ptrdiff_t>(index);
  std::nth_element(latencies.begin(), nth, latencies.end());
  return *nth;
}

std::string json_of(const LoadRun& run) {
  Requests sorted = run.requests;
  std::sort(sorted.begin(), sorted.end(), [](const Request& a, const Request& b) { return a.start < b.start; });
  std::vector<Duration> bounds = run.phases;
  bounds.insert(bounds.begin(), Duration());
  bounds.push_back(run.length);
  std::vector<std::string> phases, seconds;
  for (size_t i = 0; i + 1 < bounds.size(); ++i) {
    // A request that was due at the very end is one of the last phase.
    const bool is_last = i + 2 == bounds.size();
    phases.push_back(
        phase(due(sorted, bounds[i], is_last ? Duration::max() : bounds[i + 1]), bounds[i], bounds[i + 1]));
  }
  constexpr Duration second = std::chrono::seconds(1);
  for (Duration from{}; from < run.length; from += second) {
    const Requests in = due(sorted, from, from + second);
    seconds.push_back(fmt::format("{{{},{}}}", counts(in), latencies("all", in, [](const Request&) { return true; })));
  }
  return fmt::format(R"({{"seconds":{:.3f},{},"phases":[{}],"each_second":[{}]}})", seconds_of(run.length),
                     counts(sorted), fmt::join(phases, ","), fmt::join(seconds, ","));
}

}  // namespace synod::bench
