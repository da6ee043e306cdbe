// The checker against a naive one, on random small histories, good and spoilt; and on large ones of a real register.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "test/sim/check/linearizability.h"
#include "test/unit/sim/check_register.h"

namespace synod::sim {
namespace {

// The definition, word by word: tries every order of every subset that holds all operations that are done.
class Naive {
 public:
  explicit Naive(const std::vector<Operation>& operations) : operations_(operations), taken_(operations.size()) {}

  bool is_linearizable() { return can_go_on(0, Bytes()); }

 private:
  bool may_come_next(size_t candidate) const {
    if (taken_[candidate] || operations_[candidate].outcome == Operation::Outcome::failed) return false;
    for (size_t i = 0; i < operations_.size(); ++i) {
      const Operation& other = operations_[i];
      if (!taken_[i] && other.is_done() && other.responded < operations_[candidate].invoked) return false;
    }
    return true;
  }

  bool can_go_on(uint64_t version, const Bytes& value) {
    bool is_all = true;
    for (size_t i = 0; i < operations_.size(); ++i) is_all &= taken_[i] || !operations_[i].is_done();
    if (is_all) return true;
    for (size_t i = 0; i < operations_.size(); ++i) {
      if (!may_come_next(i)) continue;
      taken_[i] = true;
      const bool is_good = does_fit(operations_[i], version, value) && can_go_on_after(operations_[i], version, value);
      taken_[i] = false;
      if (is_good) return true;
    }
    return false;
  }

  static bool does_fit(const Operation& operation, uint64_t version, const Bytes& value) {
    if (!operation.is_done()) return true;
    if (operation.is_put()) return operation.version == 0 || operation.version == version + 1;
    if (operation.found != (version != 0)) return false;
    if (!operation.is_get() || !operation.found) return true;
    return operation.value == value && (operation.version == 0 || operation.version == version);
  }

  bool can_go_on_after(const Operation& operation, uint64_t version, const Bytes& value) {
    if (operation.is_put()) return can_go_on(version + 1, operation.value);
    return operation.is_get() ? can_go_on(version, value) : can_go_on(0, Bytes());
  }

  const std::vector<Operation>& operations_;
  std::vector<bool> taken_;
};

void spoil(Operation& operation, const std::vector<Operation>& all, SeededRandom& random) {
  const Operation& other = all[random.below(all.size())];
  switch (random.below(6)) {
    case 0: operation.found = !operation.found; break;
    case 1:
      if (operation.is_get() && other.is_put()) operation.value = other.value;
      break;
    case 2:
      if (operation.is_done() && operation.kind != Operation::Kind::erase) operation.version = random.below(5);
      break;
    case 3:
      if (operation.is_put() || operation.kind == Operation::Kind::erase) {
        operation.outcome = Operation::Outcome::maybe;
        operation.responded = Operation::never;
        operation.version = 0;
      }
      break;
    case 4:
      if (operation.is_done()) operation.responded = std::min(operation.responded, operation.invoked + random.below(4));
      break;
    default: operation.invoked -= std::min(operation.invoked, random.below(4));
  }
  if (operation.is_get() && !operation.found) operation.version = 0;
}

std::string list(const std::vector<Operation>& operations) {
  std::string text;
  for (const Operation& operation : operations) text += describe(operation) + "\n";
  return text;
}

RegisterShape small_shape(SeededRandom& random) {
  RegisterShape shape;
  shape.operations = 1 + random.below(8);
  shape.clients = 1 + random.below(5);
  shape.get_percent = random.below(80);
  shape.erase_percent = random.below(100 - shape.get_percent);
  shape.lost_percent = random.below(60);
  shape.failed_percent = random.below(20);
  shape.tells_versions = random.chance(70);
  return shape;
}

TEST(LinearizabilityAtRandom, agrees_with_the_definition_on_small_histories) {
  SeededRandom random(7);
  int good = 0;
  int bad = 0;
  for (uint64_t seed = 1; seed <= 40'000; ++seed) {
    std::vector<Operation> operations = RandomRegister(small_shape(random), seed).run("k");
    ASSERT_TRUE(check_linearizability(operations).is_good()) << "seed " << seed << "\n" << list(operations);
    if (operations.empty()) continue;
    for (int mutation = 0; mutation < 4; ++mutation) {
      spoil(operations[random.below(operations.size())], operations, random);
      const bool expected = Naive(operations).is_linearizable();
      const Verdict verdict = check_linearizability(operations);
      ASSERT_EQ(verdict.is_good(), expected) << "seed " << seed << "\n" << list(operations) << verdict.explanation;
      ++(expected ? good : bad);
    }
  }
  EXPECT_GT(good, 30'000);
  EXPECT_GT(bad, 15'000);
}

TEST(LinearizabilityAtRandom, a_real_register_is_always_accepted) {
  SeededRandom random(11);
  for (uint64_t seed = 1; seed <= 1'000; ++seed) {
    RegisterShape shape = small_shape(random);
    shape.operations = 20 + random.below(300);
    shape.clients = 1 + random.below(30);
    const std::vector<Operation> operations = RandomRegister(shape, seed).run("k");
    const Verdict verdict = check_linearizability(operations);
    ASSERT_TRUE(verdict.is_good()) << "seed " << seed << ": " << verdict.explanation;
  }
}

// The rare history in which an order needs a configuration that used more puts of unknown outcome, but fewer erases,
// than another one at the same place; found among 200,000.
TEST(LinearizabilityAtRandom, neither_kind_of_spare_is_preferred) {
  const std::vector<Operation> operations = RandomRegister({63, 7, 34, 24, 43, 0, true}, 79'810).run("k");
  const Verdict verdict = check_linearizability(operations);
  EXPECT_TRUE(verdict.is_good()) << verdict.explanation;
}

// In the time that a test may take: the search does not explode.
TEST(LinearizabilityAtRandom, twenty_thousand_operations_on_each_of_five_keys) {
  for (const bool tells_versions : {false, true}) {
    for (const size_t clients : {size_t{10}, size_t{20}}) {
      std::vector<Operation> all;
      for (uint64_t key = 0; key < 5; ++key) {
        const RegisterShape shape{20'000, clients, 50, 10, key == 0 ? uint64_t{0} : uint64_t{1}, 2, tells_versions};
        const std::vector<Operation> operations = RandomRegister(shape, 100 + key).run(fmt::format("k{}", key));
        all.insert(all.end(), operations.begin(), operations.end());
      }
      const Verdict verdict = check_linearizability(all);
      EXPECT_TRUE(verdict.is_good()) << verdict.explanation;
    }
  }
}

}  // namespace
}  // namespace synod::sim
