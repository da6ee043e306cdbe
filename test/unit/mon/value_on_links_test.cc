// A value crosses each link once: counted in bytes, so that no message carries it again, whatever its name.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "test/sim/cluster.h"

namespace synod::sim {
namespace {

using std::chrono::seconds;

constexpr size_t value_bytes = 500'000;

using Link = std::pair<std::string, std::string>;  // from, to

struct ValueOnLinks : testing::TestWithParam<size_t> {
  ValueOnLinks() : cluster(GetParam(), GetParam()) {
    cluster.start_all();
    EXPECT_TRUE(cluster.run_until([&] { return cluster.has_quorum(GetParam()); }));
    leader = cluster.leader();
  }

  // How many values' bytes each link between members has carried since the cluster was made; those that carried none
  // are left out.
  std::map<Link, uint64_t> carried() {
    std::map<Link, uint64_t> times;
    for (const std::string& from : cluster.names()) {
      for (const std::string& to : cluster.names()) {
        const uint64_t bytes = cluster.network().bytes_sent(cluster.member(from).address, cluster.member(to).address);
        const uint64_t values = (bytes + value_bytes / 2) / value_bytes;
        if (values > 0) times[{from, to}] = values;
      }
    }
    return times;
  }
  std::map<Link, uint64_t> once_from_the_leader() {
    std::map<Link, uint64_t> times;
    for (const std::string& to : cluster.names()) {
      if (to != leader) times[{leader, to}] = 1;
    }
    return times;
  }
  // Until everybody has applied it, and for as long again as anybody might take to ask for it once more.
  void put(const std::string& to) {
    ASSERT_TRUE(cluster.put(to, "key", std::string(value_bytes, 'v')).is_ok());
    const Position applied = cluster.monitor(leader).committed();
    ASSERT_TRUE(cluster.run_until([&] {
      return std::all_of(members.begin(), members.end(),
                         [&](const std::string& name) { return cluster.monitor(name).committed() == applied; });
    }));
    cluster.run_for(seconds(5));
    EXPECT_EQ(cluster.leader(), leader);
  }

  Cluster cluster;
  std::string leader;
  const std::vector<std::string> members = cluster.names();
};

TEST_P(ValueOnLinks, from_the_leader_to_each_other_member) {
  ASSERT_EQ(carried(), (std::map<Link, uint64_t>())) << "what members say without a value is small";
  put(leader);
  EXPECT_EQ(carried(), once_from_the_leader());
}

TEST_P(ValueOnLinks, from_the_peon_that_was_asked_to_the_leader_and_from_there_to_each_other_member) {
  const std::string peon = leader == "a" ? "b" : "a";
  put(peon);
  std::map<Link, uint64_t> expected = once_from_the_leader();
  expected[{peon, leader}] = 1;
  EXPECT_EQ(carried(), expected);
}

INSTANTIATE_TEST_SUITE_P(members, ValueOnLinks, testing::Values(3, 5));

}  // namespace
}  // namespace synod::sim
