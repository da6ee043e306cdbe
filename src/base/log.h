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
// Where lines go instead of stderr; null: to stderr again. For the simulator, whose time is not the machine's. Not to
// be called while another thread logs.
using LogSink = void (*)(LogLevel level, std::string_view text);
void set_log_sink(LogSink sink);

template <class... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (is_logged(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace synod
