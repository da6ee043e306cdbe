// Words of a command line, parted into options and arguments by Boost.Program_options. Options may stand before,
// between or after the arguments; everything after "--" is an argument. Names are not abbreviated. No exception leaves
// it.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace synod {

struct CommandLine {
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> options;  // name and value, in order; none is there twice

  bool has(const std::string& name) const;
};

// Fails with `invalid_argument` for an unknown option, one without its value, and one that is given twice.
Result<CommandLine> parse_command_line(const std::vector<std::string>& words,
                                       const boost::program_options::options_description& described);

// What an error of Boost says. Boost replaces the placeholders of its sentences (%value%) also in what the user has
// typed, and never ends with one that stands for itself: so it is not asked when there is a '%' in the input.
std::string explain(const std::exception& error, bool has_percent);

}  // namespace synod
