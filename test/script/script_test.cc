// script_test [--rewrite] FILE...: runs protocol scripts and compares what happens with what they expect.
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "test/script/commands.h"
#include "test/script/diff.h"

namespace synod::script {
namespace {

constexpr const char* usage =
    "usage: script_test [--rewrite] FILE...\n"
    "Runs protocol scripts. Where the transcript is not the expected one, prints a unified diff and exits with 1.\n"
    "  --rewrite   writes the transcript into the files instead, as the new expectation\n"
    "test/script/README.md describes the commands.\n";

// The script with the transcript that its commands give, in place of the expected one. Comments and empty lines stay.
Result<std::string> replay(const std::string& name, const std::string& text, size_t& violations) {
  Commands commands;
  std::istringstream in(text);
  std::string out;
  std::string line;
  size_t number = 0;
  bool is_expectation = false;
  bool has_commands = false;
  while (std::getline(in, line)) {
    ++number;
    if (is_expectation && !line.empty()) continue;
    is_expectation = false;
    out += line + "\n";
    if (line == "----" && has_commands) {
      const std::string happened = commands.transcript().take();
      out += happened.empty() ? "ok\n" : happened;
      is_expectation = true;
      has_commands = false;
    } else if (!line.empty() && line.front() != '#') {
      const Status status = commands.run(line);
      if (!status.is_ok()) return Status(status.code(), fmt::format("{}:{}: {}", name, number, status.message()));
      has_commands = true;
    }
  }
  if (has_commands) return Status(Code::invalid_argument, fmt::format("{}: the last commands lack their ----", name));
  violations = commands.transcript().violations();
  return out;
}

// True if all is as expected, or has been rewritten.
bool run(const std::string& name, bool is_rewriting) {
  std::ifstream file(name);
  std::stringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) {
    std::cerr << name << ": cannot be read, or is empty\n";
    return false;
  }
  size_t violations = 0;
  const Result<std::string> actual = replay(name, text.str(), violations);
  if (!actual) {
    std::cerr << actual.error().message() << "\n";
    return false;
  }
  if (violations > 0) std::cerr << name << ": " << violations << " violations\n";
  if (is_rewriting && violations == 0) {
    std::ofstream out(name);
    out << *actual;
    return !out.flush().fail();
  }
  std::cout << unified_diff(name, text.str(), *actual);
  return violations == 0 && text.str() == *actual;
}

int main_of(const std::vector<std::string>& arguments) {
  bool is_rewriting = false;
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    if (argument == "--help") {
      std::cout << usage;
      return 0;
    }
    if (argument == "--rewrite") {
      is_rewriting = true;
    } else {
      files.push_back(argument);
    }
  }
  if (files.empty()) {
    std::cerr << usage;
    return 2;
  }
  size_t failed = 0;
  for (const std::string& file : files) failed += run(file, is_rewriting) ? 0 : 1;
  std::cout << files.size() - failed << " scripts " << (is_rewriting ? "rewritten" : "passed") << ", " << failed
            << " failed\n";
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace synod::script

int main(int argc, char** argv) { return synod::script::main_of({argv + 1, argv + argc}); }
