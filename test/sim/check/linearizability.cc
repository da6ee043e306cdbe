#include "test/sim/check/linearizability.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/escape.h"
#include "test/sim/check/block_order.h"
#include "test/sim/check/blocks.h"

namespace synod::sim {
namespace {

using Operations = std::vector<const Operation*>;

Verdict::Kind check_key(const Operations& operations, uint64_t steps_max, std::string* why) {
  const KeyBlocks blocks = cut_into_blocks(operations);
  if (!blocks.violation.empty()) {
    *why = blocks.violation;
    return Verdict::Kind::violation;
  }
  return find_order(blocks, steps_max);
}

// The history as it was known right after an event. Linearizable if the whole is.
std::vector<Operation> cut_after(const Operations& operations, uint64_t event) {
  std::vector<Operation> known;
  for (const Operation* operation : operations) {
    if (operation->invoked > event) continue;
    Operation& copy = known.emplace_back(*operation);
    if (!copy.is_done() || copy.responded <= event) continue;
    copy.outcome = Operation::Outcome::maybe;
    copy.responded = Operation::never;
    copy.version = 0;
    if (copy.is_get()) known.pop_back();
  }
  return known;
}

bool is_good_until(const Operations& operations, uint64_t event, uint64_t steps_max) {
  const std::vector<Operation> known = cut_after(operations, event);
  Operations pointers;
  for (const Operation& operation : known) pointers.push_back(&operation);
  std::string why;
  return check_key(pointers, steps_max, &why) == Verdict::Kind::good;
}

// The operation whose answer nothing explains any more. Each cut gets a part of the steps: what is not decided by then
// counts as bad, which may name an operation that is somewhat too early.
const Operation& find_culprit(const Operations& operations, uint64_t steps_max) {
  Operations done;
  for (const Operation* operation : operations) {
    if (operation->is_done()) done.push_back(operation);
  }
  std::sort(done.begin(), done.end(), [](const auto* a, const auto* b) { return a->responded < b->responded; });
  const auto culprit = std::partition_point(done.begin(), done.end(), [&](const Operation* operation) {
    return is_good_until(operations, operation->responded, steps_max / 16);
  });
  return culprit == done.end() ? *done.back() : **culprit;
}

// What was open while the culprit was, and the latest of what was over before, as it was known when it was answered.
std::string list_around(const Operations& operations, const Operation& culprit) {
  constexpr size_t most = 40;
  Operations near;
  for (const Operation* operation : operations) {
    const bool is_known = operation->is_done() ? operation->responded <= culprit.responded : !operation->is_get();
    if (operation->invoked < culprit.responded && is_known) near.push_back(operation);
  }
  // What was over before `culprit` began is of interest by how late it was over; the rest all the same.
  std::stable_sort(near.begin(), near.end(), [&](const auto* a, const auto* b) {
    return std::min(a->responded, culprit.invoked) > std::min(b->responded, culprit.invoked);
  });
  near.resize(std::min(near.size(), most));
  std::sort(near.begin(), near.end(), [](const auto* a, const auto* b) { return a->invoked < b->invoked; });
  std::string text;
  for (const Operation* operation : near) {
    text += fmt::format("\n {} {}", operation == &culprit ? '>' : ' ', describe(*operation));
  }
  return text;
}

std::string explain(const Operations& operations, uint64_t steps_max) {
  const Operation& culprit = find_culprit(operations, steps_max);
  return "the answer marked with > has no place in any order; up to it all agrees:" + list_around(operations, culprit);
}

}  // namespace

Verdict check_linearizability(std::span<const Operation> operations, uint64_t steps_max) {
  std::map<ByteView, Operations> keys;
  for (const Operation& operation : operations) {
    const bool is_stale = operation.is_get() && operation.consistency == Consistency::serializable;
    if (!is_stale) keys[operation.key].push_back(&operation);
  }
  Verdict verdict;
  for (const auto& [key, of_key] : keys) {
    std::string why;
    const Verdict::Kind kind = check_key(of_key, steps_max, &why);
    if (kind == Verdict::Kind::good) continue;
    if (why.empty()) why = explain(of_key, steps_max);
    if (kind == Verdict::Kind::violation) return Verdict::violation(fmt::format("key {}: {}", escape(key), why));
    why = fmt::format("key {}: not decided in {} steps; perhaps {}", escape(key), steps_max, why);
    verdict = {kind, std::move(why)};
  }
  return verdict;
}

}  // namespace synod::sim
