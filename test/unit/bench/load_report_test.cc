#include "bench/load_report.h"

#include <gtest/gtest.h>

namespace synod::bench {
namespace {

using std::chrono::milliseconds;

std::vector<Duration> one_to(int most) {
  std::vector<Duration> latencies;
  for (int i = most; i >= 1; --i) latencies.emplace_back(milliseconds(i));
  return latencies;
}

TEST(LoadReport, a_percentile_is_the_smallest_latency_that_the_share_is_not_above) {
  std::vector<Duration> hundred = one_to(100);
  EXPECT_EQ(percentile(hundred, 0.5), milliseconds(50));
  EXPECT_EQ(percentile(hundred, 0.99), milliseconds(99));
  EXPECT_EQ(percentile(hundred, 0.991), milliseconds(100));
  EXPECT_EQ(percentile(hundred, 1), milliseconds(100));
  std::vector<Duration> three = one_to(3);
  EXPECT_EQ(percentile(three, 0), milliseconds(1));
  EXPECT_EQ(percentile(three, 0.5), milliseconds(2));
  EXPECT_EQ(percentile(three, 0.99), milliseconds(3));
  std::vector<Duration> none;
  EXPECT_EQ(percentile(none, 0.5), Duration());
}

Request request(int start_ms, int latency_ms, Kind kind = Kind::read, Outcome outcome = Outcome::ok) {
  return {milliseconds(start_ms), milliseconds(latency_ms), kind, outcome};
}

// The text between two words.
std::string part(const std::string& json, const std::string& from, const std::string& to) {
  const size_t begin = json.find(from);
  const size_t end = json.find(to, begin);
  return json.substr(begin, end - begin);
}

TEST(LoadReport, a_request_belongs_to_the_phase_and_second_in_which_it_was_due) {
  LoadRun run{milliseconds(2000), {milliseconds(500), milliseconds(1500)}, {}};
  // As the connections noted them, not in order. The one of 499 was answered in the next phase.
  run.requests = {request(1500, 4), request(499, 900), request(500, 2), request(2000, 5), request(1499, 3)};
  const std::string json = json_of(run);
  const std::string phases = part(json, "\"phases\"", "\"each_second\"");
  EXPECT_NE(phases.find(R"({"from_s":0.000,"seconds":0.500,"requests":1,"failed":0,"unknown":0,"per_second":2.0,)"),
            std::string::npos)
      << json;
  EXPECT_NE(phases.find(R"({"from_s":0.500,"seconds":1.000,"requests":2,)"), std::string::npos) << json;
  EXPECT_NE(phases.find(R"({"from_s":1.500,"seconds":0.500,"requests":2,)"), std::string::npos) << json;
  const std::string seconds = json.substr(json.find("\"each_second\""));
  EXPECT_NE(seconds.find(R"("each_second":[{"requests":2,)"), std::string::npos) << json;
  EXPECT_NE(seconds.find(R"(},{"requests":2,)"), std::string::npos) << json;
}

TEST(LoadReport, latencies_are_of_those_that_succeeded_and_failures_are_counted) {
  LoadRun run{milliseconds(1000), {}, {}};
  run.requests = {request(0, 10), request(1, 20, Kind::write), request(2, 5000, Kind::read, Outcome::failed),
                  request(3, 6000, Kind::write, Outcome::unknown), request(4, 30, Kind::write)};
  const std::string json = json_of(run);
  EXPECT_TRUE(json.starts_with(R"({"seconds":1.000,"requests":5,"failed":1,"unknown":1,"phases":)")) << json;
  EXPECT_NE(json.find(R"("reads":{"count":1,"p50_ms":10.000,"p90_ms":10.000,)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("writes":{"count":2,"p50_ms":20.000,"p90_ms":30.000,)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("all":{"count":3,"p50_ms":20.000,"p90_ms":30.000,"p99_ms":30.000,"p999_ms":30.000,)"
                      R"("max_ms":30.000})"),
            std::string::npos)
      << json;
}

TEST(LoadReport, a_run_without_requests_is_told_too) {
  const std::string json = json_of(LoadRun{});
  EXPECT_NE(json.find(R"("requests":0,)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("per_second":0.0,)"), std::string::npos) << json;
}

}  // namespace
}  // namespace synod::bench
