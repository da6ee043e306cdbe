// What the mains of the tools have in common.
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/status.h"
#include "tools/exit_code.h"
#include "tools/version.h"

namespace synod {

// Results that could not be written are an error, also when the command itself came out well.
inline int finish_output(const char* program, int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  fmt::print(stderr, "{}: cannot write the results: {}\n", program, std::strerror(errno));
  return code == exit_ok ? exit_usage : code;
}

// `run` gets options that are neither --help nor --version.
template <class Options, class Run>
int run_tool(const char* program, const Result<Options>& options, const std::string& help, Run run) {
  if (!options) {
    fmt::print(stderr, "{}: {}\n", program, options.error().message());
    return exit_usage;
  }
  int code = exit_ok;
  if (options->help) {
    fmt::print("{}", help);
  } else if (options->version) {
    fmt::print("{} {}\n", program, commit);
  } else {
    code = run(*options);
  }
  return finish_output(program, code);
}

}  // namespace synod
