// Deterministic mutations of inputs, for the short runs. No search: it has no coverage to follow, as libFuzzer has.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace synod::fuzz {

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : state_(seed) {}

  // An input of the corpus with one to four changes: bits, bytes, numbers at their edges, pieces that are cut,
  // repeated, moved or taken from another input. REQUIRES: the corpus is not empty.
  Bytes next(const std::vector<Bytes>& corpus);

 private:
  uint64_t random();
  uint64_t below(uint64_t bound);  // 0 if the bound is
  void change(Bytes& input, const std::vector<Bytes>& corpus);
  void write_edge_number(Bytes& input);

  uint64_t state_;
};

}  // namespace synod::fuzz
