// A directory for a target's files. What it holds is synced at each write: TMPDIR=/dev/shm makes the target faster.
#pragma once

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "test/unit/store/temp_dir.h"

namespace synod::fuzz {

// The two files of an input, the first byte of which says where the first one ends. REQUIRES: it is not empty.
inline std::pair<Bytes, Bytes> two_files(ByteView input) {
  const size_t split = input.size() * static_cast<unsigned char>(input[0]) / 256;
  return {Bytes(input.substr(1, split)), Bytes(input.substr(std::min(input.size(), 1 + split)))};
}

class ScratchDir : public test::TempDir {
 public:
  void write(const std::string& name, ByteView bytes) const {
    std::ofstream file(*this / name, std::ios::binary | std::ios::trunc);
    SYNOD_ASSERT(static_cast<bool>((file << bytes).flush()), "a file of the target is written");
  }
};

}  // namespace synod::fuzz
