// Holds the name of each planted bug, and one that was asked for as in src/: test_no_mutants.py has to find them here.
#include <cstdio>

#include "base/mutant.h"
#include "test/sim/mutants/mutants.h"

int main() {
  for (const synod::sim::Mutant& mutant : synod::sim::all_mutants()) std::puts(mutant.name);
  return SYNOD_MUTANT("asked-for-by-the-control") ? 1 : 0;
}
