#include "tools/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace synod {

std::string progress_line(uint64_t done, uint64_t total, const std::string& text) {
  if (total == 0) return text;
  constexpr size_t width = 30;
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<size_t>(part * width);
  return fmt::format("[{}{}] {:3.0f}%  {}", std::string(filled, '#'), std::string(width - filled, ' '), part * 100,
                     text);
}

void ProgressBar::show(uint64_t done, const std::string& text) {
  constexpr auto interval = std::chrono::milliseconds(100);
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || (is_drawn_ && now - last_ < interval)) return;
  last_ = now;
  is_drawn_ = true;
  fmt::print(stderr, "\r\x1b[K{}", progress_line(done, total_, text));
  std::fflush(stderr);
}

void ProgressBar::clear() {
  if (is_drawn_) fmt::print(stderr, "\r\x1b[K");
  is_drawn_ = false;
}

}  // namespace synod
