// Runs a command of synod-store in this process.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tools/store_commands.h"

namespace synod::test {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

inline Outcome run_store_tool(const std::vector<std::string>& words) {
  const Result<StoreOptions> options = parse_store_options(words);
  EXPECT_TRUE(options.has_value()) << options.error().message();
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  if (options) outcome.code = run_store_command(*options);
  std::fflush(stdout);
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

}  // namespace synod::test
