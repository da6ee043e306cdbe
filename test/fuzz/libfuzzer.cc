// The entry that libFuzzer calls.
#include <cstddef>
#include <cstdint>

#include "test/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  synod::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
