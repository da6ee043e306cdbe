// The names of all planted bugs, see base/mutant.h. Linked into a build with mutants only.
#pragma once

#include <vector>

namespace synod::sim {

struct Mutant {
  const char* name;
  const char* breaks;  // the rule, as one sentence of what the mutant does instead
};

const std::vector<Mutant>& all_mutants();

}  // namespace synod::sim
