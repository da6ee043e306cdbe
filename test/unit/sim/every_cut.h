// Each way in which the power can fail in each call of a story.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "test/sim/disk/disk_faults.h"

namespace synod::sim {

struct Cut {
  bool is_strict;
  PowerCut mode;
  uint64_t call;
};
inline std::string text_of(const Cut& cut) {
  return std::string(cut.is_strict ? "strict" : "lenient") + ", mode " + std::to_string(static_cast<int>(cut.mode)) +
         ", call " + std::to_string(cut.call);
}

// Runs `check` for each way to cut the power in each call, until a run ends before the call.
inline void for_each_cut(const std::function<bool(const Cut&)>& check) {
  for (const bool is_strict : {false, true}) {
    for (const PowerCut mode : every_power_cut) {
      uint64_t call = 1;
      for (bool was_cut = true; was_cut; ++call) {
        const Cut cut{is_strict, mode, call};
        const testing::ScopedTrace trace(__FILE__, __LINE__, text_of(cut));
        was_cut = check(cut);
        if (testing::Test::HasFailure()) return;
        ASSERT_LT(call, 10000U);
      }
      EXPECT_GT(call, 5U);
    }
  }
}

}  // namespace synod::sim
