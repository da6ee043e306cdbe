// Exactly once: what the log executed against what the clients were told. Each put of a run writes a value of its own,
// so a value that is put twice is a request that was executed twice, however often its client sent it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ids.h"
#include "test/sim/check/history.h"

namespace synod::sim {

// Not thread safe.
class ExecutionLedger {
 public:
  // A value that was chosen: an encoded ReplicatedTransaction. In any order of versions; a version may be told again,
  // by each member that applies it. What does not decode, or differs from what the version was before, is found by
  // check().
  void add(Version version, const SharedBytes& value);

  // Violations: a value put twice, by two versions or by one; a put that was answered as done and is in no version, or
  // under another revision than the answer told; a put that was answered as failed and is in one. Linear in what was
  // added and in the history.
  // REQUIRES: all versions from 1 to that of the last acknowledged write were added.
  Verdict check(std::span<const Operation> operations) const;

  size_t versions() const { return values_.size(); }

 private:
  struct Execution {
    Version version;
    uint64_t revision = 0;
  };
  std::string check_put(const Operation& put) const;

  std::map<Version, Digest> values_;
  std::map<std::pair<Bytes, Bytes>, std::vector<Execution>> executions_;  // by key and value
  std::string defect_;                                                    // the first of what was added
};

}  // namespace synod::sim
