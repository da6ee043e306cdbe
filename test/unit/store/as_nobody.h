// Takes the power of root away for a while, so that the permissions of files mean something to a test that runs as
// root.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

namespace synod::test {

class AsNobody {
 public:
  AsNobody() : is_root_(::geteuid() == 0) {
    if (is_root_) {
      EXPECT_EQ(::seteuid(65534), 0);
    }
  }
  ~AsNobody() {
    if (is_root_) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  bool is_root_;
};

}  // namespace synod::test
