// What can be tuned of a database on a disk.
#pragma once

#include <cstddef>

namespace synod {

struct DatabaseOptions {
  size_t write_buffer_bytes = 32 << 20;  // memory of one table of recent writes, of which two may exist
  size_t block_cache_bytes = 8 << 20;
  bool mirror = false;  // carry out every operation in memory too, and compare (mirrored_db.h): for debugging
};

}  // namespace synod
