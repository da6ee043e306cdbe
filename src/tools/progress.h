// A progress bar on a terminal; silent elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace synod {

class ProgressBar {
 public:
  // `total` is what `done` is compared with; 0 if it is not known.
  ProgressBar(bool is_terminal, uint64_t total) : is_terminal_(is_terminal), total_(total) {}
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Draws at most ten times a second.
  void show(uint64_t done, const std::string& text);
  // Wipes the line, for what is printed next.
  void clear();

 private:
  const bool is_terminal_;
  const uint64_t total_;
  bool is_drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

// "[#####     ]  50%  text"; without a total "text".
std::string progress_line(uint64_t done, uint64_t total, const std::string& text);

}  // namespace synod
