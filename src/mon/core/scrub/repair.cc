#include "mon/core/scrub/repair.h"

#include <charconv>

namespace synod {
namespace {

constexpr ByteView repair_word = " repair=";
constexpr ByteView of_word = " of=";

uint64_t take_number(ByteView& text, int base) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const char* const rest = std::from_chars(text.data(), end, number, base).ptr;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return number;
}

}  // namespace

std::string Repair::to_marker() const {
  std::string text(repair_word);
  text += std::to_string(point.value());
  text += of_word;
  bool is_first = true;
  for (const MemberId member : agreeing) {
    text += (is_first ? "" : ",") + to_string(member);
    is_first = false;
  }
  return text;
}

std::optional<Repair> Repair::from_marker(ByteView marker) {
  const size_t at = marker.find(repair_word);
  if (at == ByteView::npos) return std::nullopt;
  Repair repair;
  ByteView rest = marker.substr(at + repair_word.size());
  repair.point = Version(take_number(rest, 10));
  if (!rest.starts_with(of_word)) return repair;
  rest.remove_prefix(of_word.size());
  while (!rest.empty()) {
    const MemberId member(take_number(rest, 16));
    if (member) repair.agreeing.insert(member);
    if (rest.empty() || rest.front() != ',') break;
    rest.remove_prefix(1);
  }
  return repair;
}

}  // namespace synod
