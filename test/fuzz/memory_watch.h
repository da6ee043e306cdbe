// How much memory a piece of code holds at most, counted in operator new. Under a sanitizer, which brings an allocator
// of its own, nothing is counted.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SYNOD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SYNOD_SANITIZED 1
#endif
#endif
#ifndef SYNOD_SANITIZED
#define SYNOD_SANITIZED 0
#endif

namespace synod::fuzz {

void start_memory_watch();
// Most bytes that were held at once since start_memory_watch(), above what was held then.
size_t peak_bytes();

}  // namespace synod::fuzz
