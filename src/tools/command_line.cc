#include "tools/command_line.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <exception>

namespace synod {
namespace {

namespace po = boost::program_options;

// Boost wants a name for the arguments.
constexpr const char* word_option = "word";

Result<po::parsed_options> parse_words(const std::vector<std::string>& words,
                                       const po::options_description& described) {
  try {
    po::options_description all;
    all.add(described).add_options()(word_option, po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add(word_option, -1);
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    return po::command_line_parser(words).options(all).positional(positional).style(style).run();
  } catch (const std::exception& error) {
    const bool has_percent =
        std::any_of(words.begin(), words.end(), [](const std::string& word) { return word.find('%') != word.npos; });
    return Status(Code::invalid_argument, explain(error, has_percent));
  }
}

}  // namespace

std::string explain(const std::exception& error, bool has_percent) {
  const auto* named = dynamic_cast<const po::error_with_option_name*>(&error);
  if (named == nullptr || !has_percent) return error.what();
  const std::string name = named->get_option_name();
  return (name.empty() ? "an option" : "option '" + name + "'") + " is unknown, or its value is missing or wrong";
}

bool CommandLine::has(const std::string& name) const {
  return std::any_of(options.begin(), options.end(), [&](const auto& option) { return option.first == name; });
}

Result<CommandLine> parse_command_line(const std::vector<std::string>& words,
                                       const po::options_description& described) {
  const Result<po::parsed_options> parsed = parse_words(words, described);
  if (!parsed) return parsed.error();
  CommandLine line;
  for (const po::option& option : parsed->options) {
    const std::string value = option.value.empty() ? std::string() : option.value.front();
    if (option.position_key >= 0) {
      line.arguments.push_back(value);
    } else if (option.string_key == word_option) {
      return Status(Code::invalid_argument, std::string("unrecognised option '--") + word_option + "'");
    } else if (line.has(option.string_key)) {
      return Status(Code::invalid_argument, "--" + option.string_key + " is given twice");
    } else {
      line.options.emplace_back(option.string_key, value);
    }
  }
  return line;
}

}  // namespace synod
