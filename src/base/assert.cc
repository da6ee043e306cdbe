#include "base/assert.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace synod {
namespace {
std::atomic<CrashReporter> crash_reporter{nullptr};
}  // namespace

void set_crash_reporter(CrashReporter reporter) { crash_reporter = reporter; }

void assertion_failed(const char* condition, const char* file, int line, const char* why) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s (%s)\n", file, line, condition, why);
  // The reporter may itself assert; it runs once.
  if (CrashReporter reporter = crash_reporter.exchange(nullptr)) reporter();
  std::fflush(stderr);
  std::abort();
}

}  // namespace synod
