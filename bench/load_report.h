// What a load generator keeps of each request, and what it tells of them: counts and percentiles, by phase and by
// second.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace synod::bench {

enum class Kind : uint8_t { read, write };
// failed: certainly not done; unknown: perhaps done.
enum class Outcome : uint8_t { ok, failed, unknown };

struct Request {
  Duration start{};  // since the start of the run, when it was due; whoever is late counts from there
  Duration latency{};
  Kind kind = Kind::read;
  Outcome outcome = Outcome::ok;
};

// All of one run.
struct LoadRun {
  Duration length{};
  std::vector<Duration> phases;  // where each phase but the first begins, ascending
  std::vector<Request> requests;
};

// The smallest element that at least this share (0 to 1) of all is not above; zero if there is none. Reorders.
Duration percentile(std::vector<Duration>& latencies, double share);

// A JSON object: "requests", "failed" and "unknown" of all, then "phases" and "each_second". A request
// belongs to the phase and second in which it was due. Latencies are those of requests that succeeded, in milliseconds,
// by kind in "reads" and "writes", and together.
std::string json_of(const LoadRun& run);

}  // namespace synod::bench
