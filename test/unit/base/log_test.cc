#include "base/log.h"

#include <gtest/gtest.h>

#include <regex>

namespace synod {
namespace {

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { set_log_level(LogLevel::info); }

  static std::string captured(void (*writes)()) {
    testing::internal::CaptureStderr();
    writes();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, knows_its_levels_by_name) {
  EXPECT_EQ(*parse_log_level("debug"), LogLevel::debug);
  EXPECT_EQ(*parse_log_level("info"), LogLevel::info);
  EXPECT_EQ(*parse_log_level("warning"), LogLevel::warning);
  EXPECT_EQ(*parse_log_level("error"), LogLevel::error);
  EXPECT_EQ(*parse_log_level("off"), LogLevel::off);
  EXPECT_EQ(parse_log_level("INFO").error().code(), Code::invalid_argument);
  EXPECT_NE(parse_log_level("loud").error().message().find("'loud'"), std::string::npos);
}

TEST_F(LogTest, a_line_has_wall_and_monotonic_time) {
  const std::string line = captured([] { log(LogLevel::info, "member {} starts", "a"); });
  const std::regex form(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d info \d+\.\d{6} member a starts\n)");
  EXPECT_TRUE(std::regex_match(line, form)) << line;
}

TEST_F(LogTest, text_is_not_taken_for_a_format) {
  EXPECT_NE(captured([] { log_line(LogLevel::info, "{} %s {0}"); }).find("{} %s {0}"), std::string::npos);
}

TEST_F(LogTest, what_is_below_the_level_is_not_written) {
  set_log_level(LogLevel::warning);
  EXPECT_FALSE(is_logged(LogLevel::info));
  EXPECT_TRUE(is_logged(LogLevel::error));
  EXPECT_EQ(captured([] { log(LogLevel::info, "unseen"); }), "");
  set_log_level(LogLevel::off);
  EXPECT_EQ(captured([] { log(LogLevel::error, "unseen"); }), "");
}

}  // namespace
}  // namespace synod
