#include "mon/service/draft.h"

#include <utility>

#include "base/mutant.h"

namespace synod {

void InFlight::advance(uint64_t term, Version applied) {
  if (term != term_) changes_.clear();
  term_ = term;
  std::erase_if(changes_, [&](const auto& item) { return item.second.version <= applied; });
}

const InFlight::Change* Draft::find(const Bytes& key) const {
  if (const auto it = changes_.find(key); it != changes_.end()) return &it->second;
  if (SYNOD_MUTANT("evaluate-without-values-in-flight")) return nullptr;
  if (const auto it = in_flight_.changes_.find(key); it != in_flight_.changes_.end()) return &it->second;
  return nullptr;
}

Result<std::optional<Bytes>> Draft::get(const Bytes& key) const {
  const InFlight::Change* change = find(key);
  if (change == nullptr) return reader_.get(key);
  if (!change->value) return std::optional<Bytes>();
  return std::optional<Bytes>(Bytes(change->value->view()));
}

Result<std::optional<Bytes>> Draft::first_key(const Bytes& begin, const Bytes& end) const {
  // The first key that was put by a value not yet applied; the store's key counts only if it is before it.
  std::optional<Bytes> first;
  for (const auto* changes : {&std::as_const(in_flight_.changes_), &changes_}) {
    for (auto it = changes->lower_bound(begin); it != changes->end() && (end.empty() || it->first < end); ++it) {
      if (first && *first <= it->first) break;
      if (find(it->first)->value) {
        first = it->first;
        break;
      }
    }
  }
  const Status scanned = reader_.scan(begin, first ? *first : end, [&](ByteView key, ByteView) {
    Bytes found(key);
    if (find(found) != nullptr) return true;  // erased: what was put is not before `first`
    first = std::move(found);
    return false;
  });
  if (!scanned.is_ok()) return scanned;
  return first;
}

void Draft::put(Bytes key, SharedBytes value) { changes_[std::move(key)] = {std::move(value), version_}; }

void Draft::erase(Bytes key) { changes_[std::move(key)] = {std::nullopt, version_}; }

ReplicatedTransaction Draft::finish() {
  ReplicatedTransaction transaction;
  for (auto& [key, change] : changes_) {
    if (change.value) {
      transaction.put(key, *change.value);
    } else {
      transaction.erase(key);
    }
    in_flight_.changes_[key] = std::move(change);
  }
  changes_.clear();
  return transaction;
}

}  // namespace synod
