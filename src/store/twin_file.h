// A small record kept in two files, PATH.1 and PATH.2, so that a torn write or a bad sector in one of them loses
// nothing: identity and promise of a member, which LevelDB cannot be trusted with.
//
// A copy is: 8 bytes "synodtwn", fixed32 format version (1), fixed64 sequence number, a field (fixed32 length, bytes)
// with the record, and the fixed64 XXH3 checksum of all before it. The valid copy of the highest sequence number is the
// record.
//
// Each copy is overwritten in place, one after the other, and first the one that is not the newest valid copy. In place
// rather than by a new file and a rename: the other copy already covers a torn write, no directory needs a sync, and
// a full disk cannot refuse a rewrite of the same length. A file is never shortened; what is behind the checksum is
// ignored.
//
// Not thread safe. One writer at a time.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "store/file_system.h"

namespace synod {

class TwinFile {
 public:
  // `files` outlives it; `dir` exists; nothing is read or written yet.
  TwinFile(FileSystem& files, std::string dir, std::string name);

  // Nothing if there is no file, or if the very first write broke off: then there is one file, and what it holds is not
  // valid. `corruption` if there are two files and none is valid.
  //
  // After a crash this may be a record whose write() has not returned, and which only one copy, perhaps only the page
  // cache, holds: write it again before anything depends on it.
  Result<std::optional<Bytes>> read() const;

  // Durable in both copies when it returns; the old or the new record after a crash or an error. Takes no look at
  // whether the copies that it replaces were valid.
  Status write(ByteView record);

  // Durable in one copy when it returns, in place of the older one: the other still holds the record before, and read()
  // falls back to that. For a record of which the one before is true as well.
  Status write_once(ByteView record);

  // Both copies. Does not sync the directory.
  Status remove();

 private:
  Status write_copies(ByteView record, bool both);
  std::string path(int copy) const;

  FileSystem& files_;
  std::string dir_;
  std::string name_;
};

}  // namespace synod
