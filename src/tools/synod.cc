// The online client: see options.cc for what it takes.
#include <cstdlib>

#include "tools/commands.h"
#include "tools/interrupt.h"
#include "tools/main.h"
#include "tools/options.h"

int main(int argc, char** argv) {
  const char* monitors = std::getenv("SYNOD_MONS");
  const auto options = synod::parse_options({argv + 1, argv + argc}, monitors == nullptr ? "" : monitors);
  return synod::run_tool("synod", options, synod::help_text(), [](const synod::Options& parsed) {
    synod::catch_interrupt();
    return synod::run_command(parsed);
  });
}
