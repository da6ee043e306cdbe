// The offline tool: see store_options.cc for what it takes.
#include "tools/main.h"
#include "tools/store_commands.h"
#include "tools/store_options.h"

int main(int argc, char** argv) {
  const auto options = synod::parse_store_options({argv + 1, argv + argc});
  return synod::run_tool("synod-store", options, synod::store_help_text(), synod::run_store_command);
}
