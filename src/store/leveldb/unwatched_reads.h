// For ThreadSanitizer, and empty in every other build.
//
// Debian's LevelDB is not instrumented. Of a memtable TSan sees the C library's calls that copy a key in and compare it
// in a search, but not the atomic pointers by which the writer publishes the key to the searcher, and so takes the two
// for a race. While one of these lives, the reads of this thread are not watched. Its locks and writes are, and so is
// every other thread. (A called_from_lib suppression would hide LevelDB's mutexes as well, and make a race of every
// object that LevelDB hands from one thread to another.)
#pragma once

#if defined(__SANITIZE_THREAD__)
#define SYNOD_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SYNOD_HAS_TSAN 1
#endif
#endif

#ifdef SYNOD_HAS_TSAN
extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);
#endif

namespace synod {

class [[maybe_unused]] UnwatchedReads {
 public:
#ifdef SYNOD_HAS_TSAN
  UnwatchedReads() { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  ~UnwatchedReads() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
  UnwatchedReads(const UnwatchedReads&) = delete;
  UnwatchedReads& operator=(const UnwatchedReads&) = delete;
#endif
};

}  // namespace synod
