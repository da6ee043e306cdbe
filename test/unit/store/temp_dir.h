// A directory of its own for a test, removed with everything in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/assert.h"

namespace synod::test {

class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "synod_test_XXXXXX").string()) {
    SYNOD_ASSERT(::mkdtemp(path_.data()) != nullptr, "no temporary directory");
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace synod::test
