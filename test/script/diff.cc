#include "test/script/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace synod::script {
namespace {

constexpr size_t context = 3;  // lines

struct Line {
  char mark;  // ' ', '-', '+'
  std::string text;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// By the longest common subsequence.
std::vector<Line> compare(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::vector<uint32_t>> common(a.size() + 1, std::vector<uint32_t>(b.size() + 1));
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      common[i][j] = a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<Line> lines;
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      lines.push_back({' ', a[i++]});
      ++j;
    } else if (j == b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
      lines.push_back({'-', a[i++]});
    } else {
      lines.push_back({'+', b[j++]});
    }
  }
  return lines;
}

}  // namespace

std::string unified_diff(const std::string& name, const std::string& expected, const std::string& actual) {
  if (expected == actual) return "";
  const std::vector<Line> lines = compare(lines_of(expected), lines_of(actual));
  std::vector<bool> is_near(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].mark == ' ') continue;
    const size_t end = std::min(lines.size(), i + context + 1);
    for (size_t k = i - std::min(i, context); k < end; ++k) is_near[k] = true;
  }
  std::string out = fmt::format("--- {} (expected)\n+++ {} (actual)\n", name, name);
  size_t old_line = 1;
  size_t new_line = 1;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (is_near[i] && (i == 0 || !is_near[i - 1])) {
      const auto end = std::find(is_near.begin() + static_cast<std::ptrdiff_t>(i), is_near.end(), false);
      const auto last = lines.begin() + (end - is_near.begin());
      const auto first = lines.begin() + static_cast<std::ptrdiff_t>(i);
      const auto added = std::count_if(first, last, [](const Line& line) { return line.mark == '+'; });
      const auto removed = std::count_if(first, last, [](const Line& line) { return line.mark == '-'; });
      out += fmt::format("@@ -{},{} +{},{} @@\n", old_line, last - first - added, new_line, last - first - removed);
    }
    if (is_near[i]) out += lines[i].mark + lines[i].text + "\n";
    old_line += lines[i].mark != '+';
    new_line += lines[i].mark != '-';
  }
  return out;
}

}  // namespace synod::script
