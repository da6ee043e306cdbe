#include "test/sim/run/minimise.h"

#include <algorithm>
#include <vector>

namespace synod::sim {

std::set<size_t> minimise(const Scenario& scenario, const std::function<bool(const Scenario&)>& fails,
                          size_t runs_max) {
  std::vector<size_t> needed;
  for (const Fault& fault : scenario.faults) needed.push_back(fault.number);
  size_t runs = 0;
  auto still_fails = [&](const std::vector<size_t>& numbers) {
    Scenario shorter = scenario;
    shorter.keep_faults({numbers.begin(), numbers.end()});
    ++runs;
    return fails(shorter);
  };
  // Pieces of half the list, then of a quarter, and so on down to single faults, are left out where they can be.
  for (size_t piece = (needed.size() + 1) / 2; piece > 0 && !needed.empty(); piece = piece == 1 ? 0 : (piece + 1) / 2) {
    for (size_t begin = 0; begin < needed.size() && runs < runs_max;) {
      std::vector<size_t> without = needed;
      const auto first = without.begin() + static_cast<std::ptrdiff_t>(begin);
      without.erase(first, first + static_cast<std::ptrdiff_t>(std::min(piece, without.size() - begin)));
      if (still_fails(without)) {
        needed = std::move(without);
      } else {
        begin += piece;
      }
    }
  }
  return {needed.begin(), needed.end()};
}

}  // namespace synod::sim
