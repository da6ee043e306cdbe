// Assertions that stay on in release builds. A broken one is a bug in this program: the process prints what it knows
// and aborts. Bytes from a peer, a client, a disk or a user are never asserted; they are validated.
#pragma once

namespace synod {

// Called once with no argument before the process aborts, to print the state and the last trace events.
using CrashReporter = void (*)();
void set_crash_reporter(CrashReporter reporter);

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line, const char* why);

}  // namespace synod

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): the text of the condition is wanted
#define SYNOD_ASSERT(condition, why) \
  ((condition) ? static_cast<void>(0) : ::synod::assertion_failed(#condition, __FILE__, __LINE__, why))
