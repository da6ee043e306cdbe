#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <ctime>
#include <memory>

namespace synod {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: return spdlog::level::off;
  }
  return spdlog::level::off;
}

spdlog::logger& logger() {
  static spdlog::logger* instance = [] {
    auto* made = new spdlog::logger("synod", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::debug);
    return made;  // never destroyed: other static objects may log as they end
  }();
  return *instance;
}

LogSink log_sink = nullptr;

}  // namespace

Result<LogLevel> parse_log_level(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "info") return LogLevel::info;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  if (name == "off") return LogLevel::off;
  return Status(Code::invalid_argument,
                fmt::format("'{}' is not a log level (debug, info, warning, error, off)", name));
}

void set_log_level(LogLevel level) { logger().set_level(spdlog_level(level)); }
bool is_logged(LogLevel level) { return logger().should_log(spdlog_level(level)); }

void set_log_sink(LogSink sink) { log_sink = sink; }

void log_line(LogLevel level, std::string_view text) {
  if (log_sink != nullptr) return log_sink(level, text);
  timespec monotonic{};
  clock_gettime(CLOCK_BOOTTIME, &monotonic);
  logger().log(spdlog_level(level), "{}.{:06} {}", monotonic.tv_sec, monotonic.tv_nsec / 1000, text);
}

}  // namespace synod
