#include "store/compare.h"

#include <fmt/format.h>

#include <utility>

#include "store/roll_forward.h"
#include "store/scrub_record.h"

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

// Both stores, as they are compared.
class StorePair {
 public:
  StorePair(const MonitorStore& a, const MonitorStore& b, const std::function<void(const Difference&)>& on_difference)
      : a_(a), b_(b), on_difference_(on_difference) {}

  // Their positions, and what brings the older one to that of the newer one.
  Status prepare() {
    const Result<Position> applied_a = a_.applied();
    if (!applied_a) return applied_a.error();
    const Result<Position> applied_b = b_.applied();
    if (!applied_b) return applied_b.error();
    comparison_.applied_a = *applied_a;
    comparison_.applied_b = *applied_b;
    Result<Delta> delta = synod::prepare(a_, b_, comparison_);
    if (!delta) return delta.error();
    (applied_a->version < applied_b->version ? delta_a_ : delta_b_) = *std::move(delta);
    return Status::ok();
  }
  Status compare(const KeyRange& range) {
    return Merge(DeltaIterator(a_.db(), delta_a_, range), DeltaIterator(b_.db(), delta_b_, range), comparison_,
                 on_difference_)
        .run();
  }
  const Comparison& comparison() const { return comparison_; }

 private:
  const MonitorStore& a_;
  const MonitorStore& b_;
  const std::function<void(const Difference&)>& on_difference_;
  Delta delta_a_;
  Delta delta_b_;
  Comparison comparison_;
};

Result<ScrubRecord> stored_digests(const MonitorStore& store, const char* name) {
  Result<std::optional<ScrubRecord>> record = read_scrub_record(*store.db().new_iterator());
  if (!record) return record.error();
  if (*record) return **std::move(record);
  return Status(Code::refused, fmt::format("{} has no stored digests: no scrub was through since its store was made, "
                                           "synced or repaired",
                                           name));
}

size_t segments_outside(const std::vector<Segment>& segments, const std::vector<KeyRange>& ranges) {
  size_t count = 0;
  auto range = ranges.begin();
  for (const Segment& segment : segments) {
    while (range != ranges.end() && !range->last_key.empty() && range->last_key < segment.last_key) ++range;
    count += range == ranges.end() || segment.last_key <= range->after;
  }
  return count;
}

}  // namespace

Result<Comparison> compare_stores(const MonitorStore& a, const MonitorStore& b,
                                  const std::function<void(const Difference&)>& on_difference) {
  StorePair pair(a, b, on_difference);
  SYNOD_RETURN_IF_ERROR(pair.prepare());
  SYNOD_RETURN_IF_ERROR(pair.compare({}));
  return pair.comparison();
}

Result<QuickComparison> compare_quick(const MonitorStore& a, const MonitorStore& b,
                                      const std::function<void(const Difference&)>& on_difference) {
  const Result<ScrubRecord> digests_a = stored_digests(a, "A");
  if (!digests_a) return digests_a.error();
  const Result<ScrubRecord> digests_b = stored_digests(b, "B");
  if (!digests_b) return digests_b.error();
  if (digests_a->point != digests_b->point) {
    return Status(Code::refused, fmt::format("A has digests of version {}, B of {}: they are not of one scrub",
                                             digests_a->point.version.value(), digests_b->point.version.value()));
  }
  StorePair pair(a, b, on_difference);
  SYNOD_RETURN_IF_ERROR(pair.prepare());
  if (!pair.comparison().caveat.empty()) return Status(Code::refused, pair.comparison().caveat);
  const std::vector<KeyRange> ranges = differing_ranges(digests_a->segments, digests_b->segments);
  for (const KeyRange& range : ranges) SYNOD_RETURN_IF_ERROR(pair.compare(range));
  return QuickComparison{digests_a->point, segments_outside(digests_a->segments, ranges), ranges.size(),
                         pair.comparison()};
}

}  // namespace synod
