// The next value while it is computed. What it reads is the state that the value will be applied to: the store, the
// values in flight on top of it, and what this value itself did so far. What it writes becomes the value.
//
// Used by one thread.
#pragma once

#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "store/monitor_store.h"

namespace synod {

// What the values in flight did, key by key.
class InFlight {
 public:
  struct Change {
    std::optional<SharedBytes> value;  // none: erased
    Version version;                   // of the value that did it
  };

  // Forgets what can be read in the store (up to `applied`); in a new term, everything.
  void advance(uint64_t term, Version applied);

 private:
  friend class Draft;
  uint64_t term_ = 0;
  std::map<Bytes, Change> changes_;
};

class Draft {
 public:
  // Both outlive the draft.
  Draft(const ReplicatedReader& reader, InFlight& in_flight, Version version)
      : reader_(reader), in_flight_(in_flight), version_(version) {}

  Version version() const { return version_; }  // that the value will decide

  // Errors are the disk's.
  Result<std::optional<Bytes>> get(const Bytes& key) const;
  // The first key in [begin, end), if there is one. Passes over the keys that are erased and not yet applied.
  Result<std::optional<Bytes>> first_key(const Bytes& begin, const Bytes& end) const;

  void put(Bytes key, SharedBytes value);
  void erase(Bytes key);

  // The value, with one operation for each key that was written. The draft is used up.
  ReplicatedTransaction finish();

 private:
  // By this value, else by one in flight; null if the store has the last word.
  const InFlight::Change* find(const Bytes& key) const;

  const ReplicatedReader& reader_;
  InFlight& in_flight_;
  const Version version_;
  std::map<Bytes, InFlight::Change> changes_;
};

}  // namespace synod
