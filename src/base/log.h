// The log of a process: lines to stderr with wall and monotonic time. Thread safe. The core does not log: it emits
// events, which its executor logs.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

#include "base/status.h"

namespace synod {

enum class LogLevel { debug, info, warning, error, off };

Result<LogLevel> parse_log_level(const std::string& name);
void set_log_level(LogLevel level);
bool is_logged(LogLevel level);
void log_line(LogLevel level, std::string_view text);

template <class... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (is_logged(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace synod
