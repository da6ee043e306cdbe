#include "base/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace synod {
namespace {

TEST(StatusTest, the_default_is_ok) {
  const Status status;
  EXPECT_TRUE(status.is_ok());
  EXPECT_EQ(status, Status::ok());
  EXPECT_EQ(status.to_string(), "ok");
}

TEST(StatusTest, an_error_has_a_code_and_a_sentence) {
  const Status status(Code::unavailable, "no quorum");
  EXPECT_FALSE(status.is_ok());
  EXPECT_EQ(status.code(), Code::unavailable);
  EXPECT_EQ(status.message(), "no quorum");
  EXPECT_EQ(status.to_string(), "unavailable: no quorum");
  EXPECT_NE(status, Status(Code::unavailable, "other"));
}

TEST(StatusTest, every_code_has_a_name_of_its_own) {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(Code::unknown_session); ++code) {
    names.insert(code_name(static_cast<Code>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(Code::unknown_session) + 1);
  EXPECT_EQ(names.count("unknown code"), 0U);
}

TEST(ResultTest, holds_a_value) {
  Result<int> result = 7;
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result);
  EXPECT_EQ(*result, 7);
  EXPECT_TRUE(result.status().is_ok());
  *result = 8;
  EXPECT_EQ(*result, 8);
}

TEST(ResultTest, holds_an_error) {
  const Result<int> result = Status(Code::not_found, "no such key");
  EXPECT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), Status(Code::not_found, "no such key"));
  EXPECT_EQ(result.status(), result.error());
}

TEST(ResultTest, moves_a_value_that_cannot_be_copied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  EXPECT_EQ(**result, 3);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 3);
}

TEST(ResultTest, arrow_reaches_into_the_value) {
  Result<std::string> result = std::string("abc");
  EXPECT_EQ(result->size(), 3U);
  const Result<std::string> constant = std::string("abcd");
  EXPECT_EQ(constant->size(), 4U);
  EXPECT_EQ(*constant, "abcd");
}

TEST(ResultDeathTest, asserts_on_the_value_of_an_error) {
  const Result<int> result = Status(Code::not_found, "no such key");
  EXPECT_DEATH(static_cast<void>(*result), "value of a Result that has none");
}

TEST(ResultDeathTest, asserts_on_the_error_of_a_value) {
  const Result<int> result = 1;
  EXPECT_DEATH(static_cast<void>(result.error()), "that has a value");
}

TEST(ResultDeathTest, asserts_on_an_error_that_is_none) {
  EXPECT_DEATH(static_cast<void>(Result<int>(Status::ok())), "needs an error");
}

Status leave_early(const Status& first, bool& went_on) {
  SYNOD_RETURN_IF_ERROR(first);
  went_on = true;
  return Status::ok();
}

TEST(ReturnIfErrorTest, leaves_with_the_error_only) {
  bool went_on = false;
  EXPECT_EQ(leave_early(Status(Code::io_error, "disk"), went_on).code(), Code::io_error);
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(leave_early(Status::ok(), went_on).is_ok());
  EXPECT_TRUE(went_on);
}

TEST(AssertDeathTest, names_the_condition_and_the_reason) {
  EXPECT_DEATH(SYNOD_ASSERT(1 + 1 == 3, "arithmetic"), "assertion failed: 1 \\+ 1 == 3 \\(arithmetic\\)");
}

TEST(AssertDeathTest, calls_the_crash_reporter_once) {
  const auto asserts_again = [] {
    std::fputs("reported\n", stderr);
    SYNOD_ASSERT(false, "second");
  };
  EXPECT_DEATH(
      {
        set_crash_reporter(asserts_again);
        SYNOD_ASSERT(false, "first");
      },
      "first[^$]*reported[^$]*second");
}

}  // namespace
}  // namespace synod
