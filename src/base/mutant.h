// Planted bugs. SYNOD_MUTANT("name") stands where a rule is kept and says whether this run is to break it. In ordinary
// builds it is the constant false, and the name reaches no program. A build with -DSYNOD_MUTANTS=ON holds all of them,
// and one at a time is chosen: by synod-sim --mutant, and for other programs by the environment variable SYNOD_MUTANT.
// doc/testing.md has the list. Never inside an assertion, which would keep the name as text.
#pragma once

namespace synod {

#ifdef SYNOD_MUTANTS
inline constexpr bool has_mutants = true;
#else
inline constexpr bool has_mutants = false;
#endif

// Only in a build with mutants; from one thread. `name` lives on; null: none is broken.
void set_mutant(const char* name);
bool is_mutant(const char* name);

}  // namespace synod

#ifdef SYNOD_MUTANTS
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): a function would carry the name into ordinary builds
#define SYNOD_MUTANT(name) ::synod::is_mutant(name)
#else
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage)
#define SYNOD_MUTANT(name) false
#endif
