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

// Checks an input as two files, as they are and each with the checksum that fits. The first byte says where the first
// one ends.
template <class Check, class Mend>
void check_two_files(ByteView input, Check check, Mend with_right_checksum) {
  if (input.empty()) return;
  const size_t split = input.size() * static_cast<unsigned char>(input[0]) / 256;
  const Bytes first(input.substr(1, split));
  const Bytes second(input.substr(std::min(input.size(), 1 + split)));
  check(first, second);
  check(with_right_checksum(first), with_right_checksum(second));
}

class ScratchDir : public test::TempDir {
 public:
  void write(const std::string& name, ByteView bytes) const {
    std::ofstream file(*this / name, std::ios::binary | std::ios::trunc);
    SYNOD_ASSERT(static_cast<bool>((file << bytes).flush()), "a file of the target is written");
  }
};

}  // namespace synod::fuzz
