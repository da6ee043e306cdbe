#include "base/mutant.h"

#include <cstdlib>
#include <cstring>

namespace synod {
namespace {
// For the other programs of such a build.
const char* chosen = std::getenv("SYNOD_MUTANT");
}  // namespace

void set_mutant(const char* name) { chosen = name; }

bool is_mutant(const char* name) { return chosen != nullptr && std::strcmp(chosen, name) == 0; }

}  // namespace synod
