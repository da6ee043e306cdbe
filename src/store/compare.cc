#include "store/compare.h"

#include <fmt/format.h>

#include <utility>

#include "store/roll_forward.h"

namespace synod {
namespace {

// Decides what is compared: fills in roll_forward and caveat, and returns the changes for the older store.
Result<Delta> prepare(const MonitorStore& a, const MonitorStore& b, Comparison& comparison) {
  const Position& at_a = comparison.applied_a;
  const Position& at_b = comparison.applied_b;
  if (at_a.version == at_b.version) {
    if (at_a.hash != at_b.hash) {
      comparison.caveat =
          fmt::format("both stores are at version {}, but their histories differ", at_a.version.value());
    }
    return Delta();
  }
  const bool a_is_older = at_a.version < at_b.version;
  Result<Delta> delta = a_is_older ? compute_delta(a, b) : compute_delta(b, a);
  if (delta) {
    const auto [older, newer] = a_is_older ? std::pair(at_a, at_b) : std::pair(at_b, at_a);
    comparison.rolled_forward = RollForward{a_is_older ? StoreSide::a : StoreSide::b, older.version, newer.version};
  } else if (delta.error().code() == Code::refused) {
    comparison.caveat = delta.error().message();
    return Delta();
  }
  return delta;
}

class Merge {
 public:
  Merge(DeltaIterator a, DeltaIterator b, Comparison& comparison,
        const std::function<void(const Difference&)>& on_difference)
      : a_(std::move(a)), b_(std::move(b)), comparison_(comparison), on_difference_(on_difference) {}

  Status run() {
    while (a_.is_valid() || b_.is_valid()) {
      // An iterator that failed looks like one at its end, and the rest of the other store like a difference.
      SYNOD_RETURN_IF_ERROR(a_.status());
      SYNOD_RETURN_IF_ERROR(b_.status());
      step();
    }
    SYNOD_RETURN_IF_ERROR(a_.status());
    return b_.status();
  }

 private:
  void step() {
    ++comparison_.keys_compared;
    const bool in_a = a_.is_valid() && (!b_.is_valid() || a_.key() <= b_.key());
    const bool in_b = b_.is_valid() && (!a_.is_valid() || b_.key() <= a_.key());
    if (in_a && in_b) {
      if (a_.value() != b_.value()) report({DifferenceKind::differs, a_.key(), a_.value(), b_.value()});
    } else if (in_a) {
      report({DifferenceKind::only_in_a, a_.key(), a_.value(), {}});
    } else {
      report({DifferenceKind::only_in_b, b_.key(), {}, b_.value()});
    }
    if (in_a) pass(a_);
    if (in_b) pass(b_);
  }

  void pass(DeltaIterator& iterator) {
    comparison_.bytes_compared += iterator.key().size() + iterator.value().size();
    iterator.next();
  }

  void report(const Difference& difference) {
    switch (difference.kind) {
      case DifferenceKind::differs: ++comparison_.differing; break;
      case DifferenceKind::only_in_a: ++comparison_.only_in_a; break;
      case DifferenceKind::only_in_b: ++comparison_.only_in_b; break;
    }
    on_difference_(difference);
  }

  DeltaIterator a_;
  DeltaIterator b_;
  Comparison& comparison_;
  const std::function<void(const Difference&)>& on_difference_;
};

}  // namespace

Result<Comparison> compare_stores(const MonitorStore& a, const MonitorStore& b,
                                  const std::function<void(const Difference&)>& on_difference) {
  Comparison comparison;
  const Result<Position> applied_a = a.applied();
  if (!applied_a) return applied_a.error();
  const Result<Position> applied_b = b.applied();
  if (!applied_b) return applied_b.error();
  comparison.applied_a = *applied_a;
  comparison.applied_b = *applied_b;
  const Result<Delta> delta = prepare(a, b, comparison);
  if (!delta) return delta.error();
  const Delta none;
  const bool a_is_older = applied_a->version < applied_b->version;
  Merge merge(DeltaIterator(a.db(), a_is_older ? *delta : none), DeltaIterator(b.db(), a_is_older ? none : *delta),
              comparison, on_difference);
  SYNOD_RETURN_IF_ERROR(merge.run());
  return comparison;
}

}  // namespace synod
