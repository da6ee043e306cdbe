#include "store/roll_forward.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "store/records.h"

namespace synod {
namespace {

constexpr size_t piece_bytes = 4 << 20;  // of log values in memory at a time

class DeltaBuilder {
 public:
  explicit DeltaBuilder(const KeyValueDB& db) : iterator_(db.new_iterator(KeySpace::replicated)) {}

  Status apply(const LogEntry& entry) {
    const Result<ReplicatedTransaction> operations = ReplicatedTransaction::decode(entry.value);
    if (!operations) return operations.error();
    for (const Op& op : operations->ops()) SYNOD_RETURN_IF_ERROR(apply(op));
    delta_.insert_or_assign(Bytes(applied_key), encode_position(entry.position()));
    return Status::ok();
  }
  Delta take() && { return std::move(delta_); }

 private:
  Status apply(const Op& op) {
    switch (op.type) {
      case OpType::put: delta_.insert_or_assign(op.key, Bytes(op.value.view())); break;
      case OpType::erase: delta_.insert_or_assign(op.key, std::nullopt); break;
      case OpType::erase_range: return erase_range(op.key, op.end);
    }
    return Status::ok();
  }

  Status erase_range(const Bytes& begin, const Bytes& end) {
    const auto last = end.empty() ? delta_.end() : delta_.lower_bound(end);
    for (auto at = delta_.lower_bound(begin); at != last; ++at) at->second.reset();
    for (iterator_->seek(KeySpace::replicated, begin); iterator_->is_valid(); iterator_->next()) {
      if (!end.empty() && iterator_->key() >= end) break;
      delta_.insert_or_assign(Bytes(iterator_->key()), std::nullopt);
    }
    return iterator_->status();
  }

  std::unique_ptr<DbIterator> iterator_;
  Delta delta_;
};

Status verify_follows(const Position& at, const std::vector<LogEntry>& entries) {
  if (entries.empty()) {
    return Status(Code::refused, fmt::format("the log of the newer store does not hold version {}, which the older one "
                                             "needs",
                                             at.version.next().value()));
  }
  if (entries.front().predecessor == at.hash) return Status::ok();
  return Status(Code::refused, fmt::format("the histories differ: version {} of the newer store was not decided on top "
                                           "of version {} of the older one",
                                           entries.front().version.value(), at.version.value()));
}

}  // namespace

Result<Delta> compute_delta(const MonitorStore& older, const MonitorStore& newer) {
  const Result<Position> from = older.applied();
  if (!from) return from.error();
  const Result<Position> to = newer.applied();
  if (!to) return to.error();
  SYNOD_ASSERT(from->version < to->version, "only the older store is rolled forward");
  DeltaBuilder builder(older.db());
  for (Position at = *from; at.version < to->version;) {
    const Result<std::vector<LogEntry>> entries = newer.read_entries(at.version.next(), to->version, piece_bytes);
    if (!entries) return entries.error();
    SYNOD_RETURN_IF_ERROR(verify_follows(at, *entries));
    for (const LogEntry& entry : *entries) SYNOD_RETURN_IF_ERROR(builder.apply(entry));
    at = entries->back().position();
    if (at.version == to->version && at.hash != to->hash) {
      return Status(Code::refused, fmt::format("the log of the newer store does not lead to the state that it has "
                                               "applied at version {}",
                                               at.version.value()));
    }
  }
  return std::move(builder).take();
}

DeltaIterator::DeltaIterator(const KeyValueDB& db, const Delta& delta, KeyRange range)
    : range_(std::move(range)),
      base_(db.new_iterator(KeySpace::replicated)),
      at_(range_.after.empty() ? delta.begin() : delta.upper_bound(range_.after)),
      end_(delta.end()) {
  seek_behind(*base_, KeySpace::replicated, range_.after);
  settle();
}

void DeltaIterator::next() {
  SYNOD_ASSERT(is_valid(), "next() of an iterator that is not at a key");
  if (uses_delta_) {
    ++at_;
  } else {
    base_->next();
  }
  settle();
}

void DeltaIterator::settle() {
  uses_delta_ = false;
  while (at_ != end_) {
    if (base_->is_valid() && base_->key() < at_->first) return;
    if (base_->is_valid() && base_->key() == at_->first) base_->next();  // hidden by the delta
    if (at_->second) {
      uses_delta_ = true;
      return;
    }
    ++at_;
  }
}

}  // namespace synod
