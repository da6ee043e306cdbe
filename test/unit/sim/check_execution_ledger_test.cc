#include "test/sim/check/execution_ledger.h"

#include <gtest/gtest.h>

#include "mon/service/kv_service.h"
#include "store/transaction.h"
#include "test/unit/sim/check_stories.h"

namespace synod::sim {
namespace {

struct Put {
  std::string value;
  uint64_t revision = 2;
  std::string key = "k";
};

SharedBytes chosen(const std::vector<Put>& puts) {
  ReplicatedTransaction transaction;
  for (const Put& put : puts) {
    KvRecord record{put.revision, put.revision, 1, put.value};
    transaction.put(Bytes(kv_key_prefix) + put.key, SharedBytes(record.encode()));
  }
  transaction.put(Bytes(kv_revision_key), SharedBytes("not a record"));
  transaction.erase(Bytes(kv_key_prefix) + "gone");
  return SharedBytes(transaction.encode());
}

Operation acknowledged(const std::string& value, uint64_t revision = 0) {
  Operation operation = put(value, {1, 2});
  operation.revision = revision;
  return operation;
}

TEST(ExecutionLedger, each_request_once) {
  ExecutionLedger ledger;
  ledger.add(Version(2), chosen({{"c", 4}}));
  ledger.add(Version(1), chosen({{"a", 2}, {"b", 3}}));
  ledger.add(Version(1), chosen({{"a", 2}, {"b", 3}}));  // told by another member
  EXPECT_EQ(ledger.versions(), 2U);
  const std::vector<Operation> operations{acknowledged("a", 2), maybe_put("b", 3),       acknowledged("c"),
                                          maybe_put("d", 4),    failed_put("e", {5, 6}), get("a", {7, 8}),
                                          maybe_erase(9)};
  const Verdict verdict = ledger.check(operations);
  EXPECT_TRUE(verdict.is_good()) << verdict.explanation;
}

TEST(ExecutionLedger, twice_by_two_versions_or_in_one) {
  ExecutionLedger ledger;
  ledger.add(Version(1), chosen({{"a", 2}}));
  ledger.add(Version(3), chosen({{"a", 3}}));
  ledger.add(Version(4), chosen({{"b", 4}, {"b", 5}}));
  EXPECT_EQ(ledger.check(std::vector{acknowledged("a")}).kind, Verdict::Kind::violation);
  EXPECT_EQ(ledger.check(std::vector{maybe_put("a", 1)}).kind, Verdict::Kind::violation);
  const Verdict verdict = ledger.check(std::vector{maybe_put("b", 1)});
  EXPECT_NE(verdict.explanation.find("2 times, by versions 4 and 4"), std::string::npos) << verdict.explanation;
}

TEST(ExecutionLedger, done_and_not_executed) {
  ExecutionLedger ledger;
  ledger.add(Version(1), chosen({{"a", 2}}));
  ledger.add(Version(2), chosen({{"b", 3, "another key"}}));
  EXPECT_EQ(ledger.check(std::vector{acknowledged("b")}).kind, Verdict::Kind::violation);
  EXPECT_EQ(ledger.check(std::vector{acknowledged("a", 3)}).kind, Verdict::Kind::violation) << "of another revision";
}

TEST(ExecutionLedger, failed_and_executed) {
  ExecutionLedger ledger;
  ledger.add(Version(1), chosen({{"a", 2}}));
  EXPECT_EQ(ledger.check(std::vector{failed_put("a", {1, 2})}).kind, Verdict::Kind::violation);
}

TEST(ExecutionLedger, two_values_of_one_version_and_what_does_not_decode) {
  ExecutionLedger two;
  two.add(Version(1), chosen({{"a"}}));
  two.add(Version(1), chosen({{"b"}}));
  EXPECT_EQ(two.check({}).kind, Verdict::Kind::violation);
  ExecutionLedger rubbish;
  rubbish.add(Version(1), SharedBytes("rubbish"));
  EXPECT_EQ(rubbish.check({}).kind, Verdict::Kind::violation);
  ReplicatedTransaction transaction;
  transaction.put(Bytes(kv_key_prefix) + "k", SharedBytes("short"));
  ExecutionLedger short_record;
  short_record.add(Version(1), SharedBytes(transaction.encode()));
  EXPECT_EQ(short_record.check({}).kind, Verdict::Kind::violation);
}

}  // namespace
}  // namespace synod::sim
