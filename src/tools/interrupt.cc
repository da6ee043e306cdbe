#include "tools/interrupt.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>

#include "tools/exit_code.h"

namespace synod {
namespace {

volatile std::sig_atomic_t interrupts = 0;

void on_interrupt(int) {
  if (interrupts != 0) _exit(exit_interrupted);
  interrupts = 1;
}

}  // namespace

void catch_interrupt() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

bool is_interrupted() { return interrupts != 0; }

bool is_interrupted_for(Duration grace) {
  static std::optional<std::chrono::steady_clock::time_point> since;
  if (!is_interrupted()) return false;
  const auto now = std::chrono::steady_clock::now();
  if (!since) since = now;
  return now - *since >= grace;
}

}  // namespace synod
