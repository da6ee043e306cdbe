// A directory for a target's files. What it holds is synced at each write: TMPDIR=/dev/shm makes the target faster.
#pragma once

#include <fstream>
#include <string>

#include "base/assert.h"
#include "base/bytes.h"
#include "test/unit/store/temp_dir.h"

namespace synod::fuzz {

class ScratchDir : public test::TempDir {
 public:
  void write(const std::string& name, ByteView bytes) const {
    std::ofstream file(*this / name, std::ios::binary | std::ios::trunc);
    SYNOD_ASSERT(static_cast<bool>((file << bytes).flush()), "a file of the target is written");
  }
};

}  // namespace synod::fuzz
