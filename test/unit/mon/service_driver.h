// A store and the evaluator above it; what was evaluated is in flight until the test applies it.
#pragma once

#include <gtest/gtest.h>

#include "mon/service/evaluator.h"
#include "store/memory_db.h"
#include "test/unit/mon/builders.h"

namespace synod::test {

struct ServiceDriver {
  explicit ServiceDriver(SessionLimits limits = {}) : store(make_memory_db()), evaluator(limits) {
    EXPECT_TRUE(store.initialize(genesis(), {}).is_ok());
  }

  // Evaluates the requests as the next value; it is in flight until apply_all().
  Evaluated evaluate_all(std::vector<LoggedRequest> requests, uint64_t term = 1) {
    const EvaluateTask task{term, last.next(), applied.version, std::move(requests), {trim_to, {}}};
    Result<Evaluated> result = evaluator.evaluate(*store.new_reader(), task);
    EXPECT_TRUE(result.has_value()) << result.error().to_string();
    last = last.next();
    in_flight.push_back(result->value);
    return *std::move(result);
  }
  void apply_all() {
    for (const SharedBytes& value : in_flight) {
      const LogEntry entry = make_log_entry(applied, pn(1, a), value);
      StoreWrites writes{ApplyEntry{entry.position(), entry.value}};
      EXPECT_TRUE(store.commit({&writes}, Durability::durable).is_ok());
      applied = entry.position();
    }
    in_flight.clear();
  }
  // Other values are chosen instead; the next evaluation must be of a new term.
  void drop_in_flight() {
    in_flight.clear();
    last = applied.version;
  }

  MonitorStore store;
  Evaluator evaluator;
  Position applied = genesis();
  Version last;
  Version trim_to;
  std::vector<SharedBytes> in_flight;
};

inline WriteOp put_op(const std::string& key, const std::string& text) {
  return {WriteOp::Type::put, key, SharedBytes(text)};
}
inline WriteOp erase_op(const std::string& key) { return {WriteOp::Type::erase, key, {}}; }

}  // namespace synod::test
