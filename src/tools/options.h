// The command line of `synod`. Options may stand before or after the command; everything after "--" is an argument.
// Not thread safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "msg/messages.h"

namespace synod {

enum class Format { plain, json };

struct Options {
  bool help = false;
  bool version = false;
  std::string command;
  std::vector<std::string> arguments;

  std::vector<std::string> monitors;  // HOST:PORT
  Format format = Format::plain;
  Duration timeout = std::chrono::seconds(5);
  Consistency consistency = Consistency::linearizable;  // get, range, export
  std::optional<Bytes> prefix;                          // range, export
  uint64_t limit = 0;                                   // range; 0: all
  size_t batch_keys = 256;                              // import
  std::optional<uint64_t> wait_quorum;                  // status
};

// `arguments` without the program's name; `default_monitors` is SYNOD_MONS. Fails with `invalid_argument`, one
// sentence, for whatever the command does not take. After --help and --version nothing else is checked.
Result<Options> parse_options(const std::vector<std::string>& arguments, const std::string& default_monitors);

std::string help_text();

}  // namespace synod
