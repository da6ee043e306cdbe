#include "test/sim/check/revisions.h"

#include <gtest/gtest.h>

#include <map>

#include "test/sim/check/linearizability.h"
#include "test/sim/scheduler.h"
#include "test/unit/sim/check_stories.h"

namespace synod::sim {
namespace {

using Story = std::vector<Operation>;

Operation with(Operation operation, uint64_t revision, uint64_t mod_revision = 0) {
  operation.revision = revision;
  operation.mod_revision = mod_revision;
  return operation;
}
Operation on(const std::string& key, Operation operation) {
  operation.key = key;
  return operation;
}
// The operations become one request, with the interval of the first.
Story together(Story operations) {
  for (Operation& operation : operations) operation.request = operations.front().request;
  return operations;
}
Story operator+(Story a, const Story& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

testing::AssertionResult is_good(const Story& story) {
  const Verdict verdict = check_revisions(story);
  return verdict.is_good() ? testing::AssertionSuccess() : testing::AssertionFailure() << verdict.explanation;
}
testing::AssertionResult is_bad(const Story& story, const std::string& why) {
  const Verdict verdict = check_revisions(story);
  if (verdict.is_good()) return testing::AssertionFailure() << "not a violation";
  if (verdict.explanation.find(why) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << verdict.explanation;
}

TEST(Revisions, one_for_each_request_that_changes_something) {
  EXPECT_TRUE(is_good({with(absent({1, 2}), 1), with(put("a", {3, 4}), 2), with(erase({5, 6}), 3),
                       with(erase({7, 8}, false), 3), with(put("b", {9, 10}), 4), with(get("b", {11, 12}), 4, 4)}));
  EXPECT_TRUE(is_bad({with(put("a", {1, 3}), 2), with(put("b", {2, 4}), 2)}, "two requests have one revision"));
  EXPECT_TRUE(is_bad({with(put("a", {1, 2}), 2), with(put("b", {1, 3}), 3), with(get("a", {4, 5}), 3, 3)},
                     "a request has two revisions"));
  EXPECT_TRUE(is_bad({with(put("a", {1, 2}), 1)}, "first revision"));
  EXPECT_TRUE(is_bad({maybe_put("a", 1), with(put("b", {2, 3}), 2), with(get("a", {4, 5}), 3, 2)},
                     "two requests have one revision"));
}

TEST(Revisions, time_does_not_run_back) {
  EXPECT_TRUE(is_bad({with(put("a", {1, 2}), 3), with(put("b", {3, 4}), 2), maybe_put("c", 1)}, "no higher revision"));
  EXPECT_TRUE(is_good({with(put("a", {1, 3}), 3), with(put("b", {2, 4}), 2)}));
  EXPECT_TRUE(is_bad({with(put("a", {1, 2}), 2), with(on("x", absent({3, 4})), 1)}, "older revision"));
  EXPECT_TRUE(is_bad({with(put("a", {1, 2}), 2), with(on("x", erase({3, 4}, false)), 1)}, "older revision"));
  EXPECT_TRUE(is_good({with(put("a", {1, 3}), 2), with(on("x", absent({2, 4})), 1)}));
  // Learned by a read: the write that is told to be at 2 began when 2 was given.
  EXPECT_TRUE(
      is_bad({maybe_put("c", 1), with(on("x", absent({2, 3})), 2), maybe_put("a", 4), with(get("a", {5, 6}), 2, 2)},
             "no higher revision"));
}

TEST(Revisions, a_serializable_read_may_be_late_but_not_wrong) {
  Story story{with(put("a", {1, 2}), 2), with(put("b", {3, 4}), 3), with(get("a", {5, 6}), 2, 2)};
  EXPECT_TRUE(is_bad(story, "older revision"));
  story.back().consistency = Consistency::serializable;
  EXPECT_TRUE(is_good(story));
  story.back().revision = 3;
  EXPECT_TRUE(is_bad(story, "overwritten"));
}

TEST(Revisions, no_more_of_them_than_writes_that_were_begun) {
  EXPECT_TRUE(is_bad({with(put("a", {1, 2}), 3)}, "higher than all writes"));
  EXPECT_TRUE(is_good({with(put("a", {2, 3}), 3), maybe_put("b", 1)}));
  EXPECT_TRUE(is_bad({with(put("a", {2, 3}), 3), maybe_put("b", 4)}, "higher than all writes"));
  EXPECT_TRUE(is_bad({with(put("a", {2, 3}), 3), failed_put("b", {1, 4})}, "higher than all writes"));
  EXPECT_TRUE(is_bad({with(erase({1, 2}, false), 1), with(put("a", {2, 3}), 3)}, "higher than all writes"));
}

TEST(Revisions, a_read_sees_what_was_there_at_its_revision) {
  EXPECT_TRUE(is_bad({with(put("a", {1, 2}), 2), with(absent({3, 4}), 2)}, "not found that was there"));
  EXPECT_TRUE(is_good({with(put("a", {1, 2}), 2), maybe_erase(3), with(absent({4, 5}), 3)}));
  EXPECT_TRUE(is_bad({with(put("a", {1, 2}), 2), maybe_erase(3), with(absent({4, 5}), 2)}, "not found that was there"));
  EXPECT_TRUE(is_bad({with(put("a", {1, 2}), 2), with(erase({3, 4}), 3), with(get("a", {5, 6}), 3, 2)}, "overwritten"));
  EXPECT_TRUE(is_bad({maybe_put("a", 1), maybe_put("b", 2), with(get("a", {3, 4}), 2, 3)}, "newer"));
  EXPECT_TRUE(is_bad({with(get("a", {3, 4}), 1), failed_put("a", {1, 2})}, "had failed"));
  // The revision is free, but for a write on another key.
  const Story late{on("x", maybe_put("b", 1)), with(put("a", {2, 3}), 2), with(absent({4, 5}), 3)};
  EXPECT_TRUE(is_bad(late + Story{maybe_erase(6)}, "not found that was there"));
  EXPECT_TRUE(is_good(late + Story{maybe_erase(4)}));
}

TEST(Revisions, an_erase_sees_what_was_there_before_it) {
  EXPECT_TRUE(is_bad({with(put("a", {1, 2}), 2), with(erase({3, 4}, false), 2)}, "not found that was there"));
  EXPECT_TRUE(is_bad({with(on("x", put("a", {1, 2})), 2), with(erase({3, 4}), 3)}, "found that was absent"));
  EXPECT_TRUE(
      is_good({with(put("a", {1, 2}), 3), maybe_put("b", 1), with(erase({3, 4}), 4), with(erase({5, 6}, false), 4)}));
  EXPECT_TRUE(is_good({maybe_put("b", 1), with(erase({3, 4}), 3)}));
  EXPECT_TRUE(is_bad({maybe_put("b", 1), with(erase({3, 4}), 2)}, "found that was absent"));
}

TEST(Revisions, requests_on_several_keys_are_not_torn) {
  const Story write = together({on("x", with(put("a", {1, 9}), 2)), on("y", with(put("b", {1, 9}), 2))});
  EXPECT_TRUE(
      is_good(write + together({on("x", with(get("a", {2, 3}), 2, 2)), on("y", with(get("b", {2, 3}), 2, 2))})));
  const Story torn = write + together({on("x", with(get("a", {2, 3}), 2, 2)), on("y", with(absent({2, 3}), 2))});
  EXPECT_TRUE(is_bad(torn, "not found that was there"));
  EXPECT_TRUE(check_linearizability(torn).is_good()) << "which is why this oracle is there";
}

TEST(Revisions, several_operations_of_one_request_on_one_key) {
  const auto request = [](bool second_found) {
    return together({with(put("a", {1, 2}), 2), with(erase({1, 2}, second_found), 2), with(put("b", {1, 2}), 2)});
  };
  EXPECT_TRUE(is_good(request(true) + Story{with(get("b", {3, 4}), 2, 2)}));
  EXPECT_TRUE(is_bad(request(true) + Story{with(get("a", {3, 4}), 2, 2)}, "not what its request left"));
  EXPECT_TRUE(is_bad(request(false), "contradicts its own request"));
}

// ------------------------------------------------------------------------------------------------- random stores

// A real store with revisions, on three keys, whose clients lose answers; requests and reads touch several keys.
class RandomStore {
 public:
  explicit RandomStore(uint64_t seed) : random_(seed) {}

  Story run(size_t requests) {
    for (size_t i = 0; i < requests; ++i) {
      for (uint64_t begun = random_.below(3); begun > 0; --begun) begin();
      while (!open_.empty() && random_.chance(60)) finish();
    }
    return done_;
  }

 private:
  struct Record {
    Bytes value;
    uint64_t revision = 0;
  };

  void begin() {
    Story operations;
    const bool is_read = random_.chance(40);
    const bool is_serializable = random_.chance(20);
    for (const char* key : {"x", "y", "z"}) {
      if (random_.chance(40)) continue;
      Operation operation = is_read              ? absent({event_ + 1})
                            : random_.chance(30) ? maybe_erase(event_ + 1)
                                                 : maybe_put("v" + std::to_string(++values_), event_ + 1);
      if (is_serializable) operation.consistency = Consistency::serializable;
      operations.push_back(on(key, operation));
    }
    if (operations.empty()) return;
    ++event_;
    open_.push_back(together(operations));
    before_.push_back(store_);
    revision_before_.push_back(revision_);
  }

  // One of the requests in flight takes effect now, if it will; then it is answered, or never.
  void finish() {
    const auto which = static_cast<std::ptrdiff_t>(random_.below(open_.size()));
    Story operations = open_[static_cast<size_t>(which)];
    const std::map<Bytes, Record> before = before_[static_cast<size_t>(which)];
    const uint64_t revision_before = revision_before_[static_cast<size_t>(which)];
    open_.erase(open_.begin() + which);
    before_.erase(before_.begin() + which);
    revision_before_.erase(revision_before_.begin() + which);
    const uint64_t fate = random_.below(10);
    if (operations.front().is_get()) {
      const bool is_late = operations.front().consistency == Consistency::serializable && fate < 5;
      read(operations, is_late ? before : store_, is_late ? revision_before : revision_);
    } else if (fate == 0) {
      return answer(operations, Operation::Outcome::failed);
    } else if (fate > 1) {
      write(operations);
    }
    if (fate < 4 && !operations.front().is_get()) {
      done_ = done_ + lost(operations);
    } else {
      answer(operations, Operation::Outcome::done);
    }
  }

  static Story lost(Story operations) {
    for (Operation& operation : operations) operation.revision = 0, operation.found = false;
    return operations;
  }

  void answer(Story& operations, Operation::Outcome outcome) {
    ++event_;
    for (Operation& operation : operations) operation.responded = event_, operation.outcome = outcome;
    done_ = done_ + operations;
  }

  void read(Story& operations, const std::map<Bytes, Record>& store, uint64_t revision) {
    for (Operation& operation : operations) {
      operation.revision = revision;
      const auto record = store.find(operation.key);
      operation.found = record != store.end();
      if (operation.found) operation.value = record->second.value, operation.mod_revision = record->second.revision;
    }
  }

  void write(Story& operations) {
    const uint64_t next = revision_ + 1;
    for (Operation& operation : operations) {
      operation.found = !operation.is_put() && store_.count(operation.key) > 0;
      if (operation.is_put() || operation.found) revision_ = next;
      if (operation.is_put()) store_[operation.key] = {operation.value, next};
      if (!operation.is_put()) store_.erase(operation.key);
    }
    for (Operation& operation : operations) operation.revision = revision_;
  }

  SeededRandom random_;
  uint64_t event_ = 0;
  uint64_t values_ = 0;
  uint64_t revision_ = 1;
  std::map<Bytes, Record> store_;
  std::vector<Story> open_;
  std::vector<std::map<Bytes, Record>> before_;
  std::vector<uint64_t> revision_before_;
  Story done_;
};

TEST(Revisions, a_real_store_is_always_accepted_and_a_wrong_revision_mostly_found) {
  SeededRandom random(3);
  int found = 0;
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    Story story = RandomStore(seed).run(5 + random.below(60));
    ASSERT_TRUE(is_good(story)) << "seed " << seed;
    ASSERT_TRUE(check_linearizability(story).is_good()) << "seed " << seed;
    if (story.empty()) continue;
    Operation& one = story[random.below(story.size())];
    if (one.is_done()) one.revision += random.chance(50) ? 1 : -uint64_t{1};
    found += check_revisions(story).is_good() ? 0 : 1;
  }
  EXPECT_GT(found, 1'000);
}

}  // namespace
}  // namespace synod::sim
