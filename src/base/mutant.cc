#include "base/mutant.h"

#include <cstring>

namespace synod {
namespace {
const char* chosen = nullptr;
}

void set_mutant(const char* name) { chosen = name; }

bool is_mutant(const char* name) { return chosen != nullptr && std::strcmp(chosen, name) == 0; }

}  // namespace synod
