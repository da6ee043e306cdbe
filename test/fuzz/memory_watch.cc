#include "test/fuzz/memory_watch.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace synod::fuzz {
namespace {

// The targets have one thread.
ptrdiff_t held = 0;
ptrdiff_t peak = 0;

}  // namespace

void start_memory_watch() { held = peak = 0; }
size_t peak_bytes() { return static_cast<size_t>(peak); }

}  // namespace synod::fuzz

#if !SYNOD_SANITIZED

void* operator new(size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  synod::fuzz::held += static_cast<ptrdiff_t>(malloc_usable_size(memory));
  synod::fuzz::peak = std::max(synod::fuzz::peak, synod::fuzz::held);
  return memory;
}

void operator delete(void* memory) noexcept {
  if (memory != nullptr) synod::fuzz::held -= static_cast<ptrdiff_t>(malloc_usable_size(memory));
  std::free(memory);
}

void operator delete(void* memory, size_t) noexcept { operator delete(memory); }

#endif
