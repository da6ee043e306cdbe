#include "test/sim/check/history.h"

#include <gtest/gtest.h>

namespace synod::sim {
namespace {

using Kind = Operation::Kind;
using Outcome = Operation::Outcome;

TimePoint at(int64_t ms) { return TimePoint(std::chrono::milliseconds(ms)); }

WriteOp put(const Bytes& key, const Bytes& value) { return {WriteOp::Type::put, key, SharedBytes(value)}; }
WriteOp erase(const Bytes& key) { return {WriteOp::Type::erase, key, {}}; }

ClientRequest write(std::vector<WriteOp> ops) { return {0, 0, WriteRequest{std::move(ops)}}; }
ClientRequest range(const Bytes& begin, const Bytes& end, Consistency consistency = Consistency::linearizable) {
  return {0, 0, RangeRequest{begin, end, 0, consistency}};
}
ClientReply written(uint64_t revision, std::vector<uint64_t> erased) {
  return {0, Status(), WriteReply{revision, std::move(erased)}};
}
ClientReply got(uint64_t revision, std::vector<KeyValue> items, bool more = false) {
  return {0, Status(), RangeReply{revision, std::move(items), more}};
}
ClientReply failure(Code code) { return {0, Status(code, "why"), {}}; }

TEST(History, a_write_of_several_operations) {
  History history;
  const uint64_t request = history.invoke(at(1), 7, write({put("a", "1"), erase("b")}));
  ASSERT_EQ(history.operations().size(), 2U);
  EXPECT_EQ(history.operations()[0].outcome, Outcome::maybe);
  history.respond(at(2), request, written(5, {0, 1}));
  const Operation& first = history.operations()[0];
  const Operation& second = history.operations()[1];
  EXPECT_EQ(first.request, second.request);
  EXPECT_EQ(first.client, 7U);
  EXPECT_EQ(first.kind, Kind::put);
  EXPECT_EQ(first.value, "1");
  EXPECT_EQ(second.kind, Kind::erase);
  EXPECT_TRUE(second.found);
  EXPECT_FALSE(first.found);
  for (const Operation& operation : history.operations()) {
    EXPECT_EQ(operation.outcome, Outcome::done);
    EXPECT_EQ(operation.revision, 5U);
    EXPECT_LT(operation.invoked, operation.responded);
    EXPECT_EQ(operation.responded_at, at(2));
  }
}

TEST(History, what_failed_and_what_is_not_known) {
  History history;
  const uint64_t failed = history.invoke(at(1), 1, write({put("a", "1")}));
  const uint64_t unknown = history.invoke(at(1), 2, write({put("a", "2")}));
  history.invoke(at(1), 3, write({put("a", "3")}));
  const uint64_t read = history.invoke(at(1), 4, range("a", "b"));
  history.respond(at(2), failed, failure(Code::unavailable));
  history.respond(at(2), unknown, failure(Code::unknown_outcome));
  history.respond(at(2), read, failure(Code::unavailable));
  ASSERT_EQ(history.operations().size(), 3U) << "a read that failed tells nothing";
  EXPECT_EQ(history.operations()[0].outcome, Outcome::failed);
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(history.operations()[i].outcome, Outcome::maybe);
    EXPECT_EQ(history.operations()[i].responded, Operation::never);
  }
}

TEST(History, a_read_of_a_key) {
  History history;
  const uint64_t absent = history.invoke(at(1), 1, range("a", Bytes("a\0", 2)));
  history.respond(at(2), absent, got(1, {}));
  const uint64_t found = history.invoke(at(3), 1, range("a", Bytes("a\0", 2), Consistency::serializable));
  history.respond(at(4), found, got(9, {{"a", SharedBytes("1"), 3, 4, 2}}));
  ASSERT_EQ(history.operations().size(), 2U);
  EXPECT_FALSE(history.operations()[0].found);
  EXPECT_EQ(history.operations()[0].key, "a");
  const Operation& read = history.operations()[1];
  EXPECT_TRUE(read.found);
  EXPECT_EQ(read.value, "1");
  EXPECT_EQ(read.version, 2U);
  EXPECT_EQ(read.mod_revision, 4U);
  EXPECT_EQ(read.revision, 9U);
  EXPECT_EQ(read.consistency, Consistency::serializable);
  EXPECT_LT(history.operations()[0].responded, read.invoked) << "one after the other, whatever the clock says";
}

std::string keys_told(const History& history, size_t from) {
  std::string text;
  for (size_t i = from; i < history.operations().size(); ++i) {
    text += history.operations()[i].key + (history.operations()[i].found ? "+" : "-");
  }
  return text;
}

TEST(History, a_read_of_a_range_tells_of_the_keys_that_are_absent_too) {
  History history;
  history.invoke(at(1), 1, write({put("a", "1"), put("b", "2"), put("c", "3"), put("d", "4"), put("e", "5")}));
  const uint64_t all = history.invoke(at(2), 2, range("b", "e"));
  history.respond(at(3), all, got(2, {{"c", SharedBytes("3"), 2, 2, 1}}));
  EXPECT_EQ(keys_told(history, 5), "b-c+d-");
  const uint64_t cut = history.invoke(at(4), 2, range("a", ""));
  history.respond(at(5), cut, got(2, {{"c", SharedBytes("3"), 2, 2, 1}}, true));
  EXPECT_EQ(keys_told(history, 8), "a-b-c+") << "of what is behind the last item of a cut answer nothing is known";
}

}  // namespace
}  // namespace synod::sim
