// A file that exists as long as the test.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>

#include "test/unit/store/temp_dir.h"

namespace synod {

class TempFile {
 public:
  explicit TempFile(std::string_view bytes) {
    std::ofstream file(path_, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    EXPECT_TRUE(file.flush().good());
  }

  const std::string& path() const { return path_; }

 private:
  test::TempDir dir_;
  std::string path_ = dir_ / "file";
};

}  // namespace synod
