// The durable bound of a member's store in two files, DIR/bound.1 and DIR/bound.2, that are written in turn.
//
// A file is one block of 4 KiB: 8 bytes "synodbnd", fixed32 format version (1), fixed64 number of the write, fixed64
// number of the store (N of store.N), fixed64 batch sequence, fixed64 version, 16 bytes chain hash, fixed64 round and
// fixed64 member id of the pn, the fixed64 XXH3 checksum of all before it, and zeros. It is overwritten in place and in
// full, so that a write allocates nothing and changes no size.
//
// The file of the highest number among those that name a store is that store's bound. A write never touches it: it goes
// to the other file. So a torn write leaves the bound before, which is true as well, and nothing has been said that
// depends on the one that is torn, since write() had not returned.
//
// Not thread safe. One writer at a time.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/status.h"
#include "store/bound.h"
#include "store/file_system.h"

namespace synod {

class BoundFile {
 public:
  // `files` outlives it; `dir` exists; nothing is read or written yet.
  BoundFile(FileSystem& files, std::string dir);

  // The bound of the store. `corruption` if there is no file, neither is whole, or none that is whole names the store.
  // One file that is bad, or cannot be read, is no failure, and is told in the log.
  Result<Bound> read(uint64_t store);

  // Durable when it returns; after a crash or an error the file that counted before is whole. Makes both files if one
  // is missing. For the store of the latest call of read() or of the other write().
  Status write(const Bound& bound);
  // The same, for another store, of which it is the first bound.
  Status write(uint64_t store, const Bound& bound);

 private:
  struct Slot {
    uint64_t number = 0;
    uint64_t store = 0;
    Bound bound;
  };
  static Bytes encode(const Slot& slot);
  static std::optional<Slot> decode(ByteView block);
  std::string path(size_t index) const;
  void load();
  Status write_slot(size_t index, const Slot& slot);

  FileSystem& files_;
  std::string dir_;
  std::array<bool, 2> exists_{};
  std::array<std::optional<Slot>, 2> slots_;  // those that are whole
  Status unreadable_;                         // why one could not be read
  bool is_loaded_ = false;
  uint64_t store_ = 0;
  size_t in_use_ = 1;  // the one that counts
};

}  // namespace synod
