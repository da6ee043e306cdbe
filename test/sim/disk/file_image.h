// The bytes of one file, twice: as processes see them, and as they would be after a power cut that loses all that was
// not synced. Only what differs is kept twice, so that appending and syncing cost nothing by the size of the file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "test/sim/disk/disk_faults.h"
#include "test/sim/scheduler.h"

namespace synod::sim {

class FileImage {
 public:
  static constexpr uint64_t page_bytes = 4096;

  uint64_t size() const { return size_; }
  ByteView bytes() const { return ByteView(*bytes_).substr(0, size_); }
  Bytes durable_bytes() const;

  // Behind the end: the gap is zeros.
  void write(uint64_t offset, ByteView data);
  void truncate(uint64_t size);
  void sync();
  // As file systems fail (ATC'20, "Can applications recover from fsync failures?"): every page that was to be synced
  // counts as clean from now on. Some of them have reached the disk. The others show their old bytes at once, or the
  // new ones until the power is cut: which of the two is drawn once for the call.
  void fail_sync(SeededRandom& random);

  // What is left is synced. True if it is neither what was synced nor what was written.
  bool cut_power(PowerCut mode, SeededRandom& random);
  // An image that holds durable_bytes(), all synced. Shares the bytes with this one until it changes.
  FileImage durable_copy() const;

 private:
  static uint64_t page_of(uint64_t offset) { return offset / page_bytes; }
  bool is_clean() const { return size_ == synced_size_ && old_pages_.empty() && lost_pages_.empty(); }
  // Before bytes of this page change: keeps what of it is synced.
  void preserve(uint64_t page);
  void own_bytes();
  void put_live(uint64_t offset, ByteView data);
  Bytes durable_page(uint64_t page) const;
  // Calls visit(page) for each page of which the synced and the live bytes may differ and a sync would make equal.
  template <class Visit>
  void for_each_dirty_page(Visit visit) const;
  Bytes cut_at(uint64_t cut, bool keeps_truncation) const;
  Bytes cut_by_pages(SeededRandom& random) const;
  void reset(Bytes bytes);

  std::shared_ptr<std::string> bytes_ = std::make_shared<std::string>();  // at least size_ long
  bool is_borrowed_ = false;                                              // another image appends to bytes_
  uint64_t size_ = 0;
  uint64_t synced_size_ = 0;
  uint64_t least_size_ = 0;  // since it was synced: what stands below was never cut off
  // Synced bytes that were overwritten or cut off since; a short page ends where the synced file ended.
  std::map<uint64_t, Bytes> old_pages_;
  // Pages that count as clean and never reached the disk: what the disk holds there.
  std::map<uint64_t, Bytes> lost_pages_;
};

}  // namespace synod::sim
