// A file that LevelDB appends to, like the one of its own Env, but for this: what is written is on its way to the disk
// from then on, a piece of 512 KiB after the other, and not all at once when the file is synced. A table of 32 MiB that
// is synced in one go keeps the disk busy for as long as that takes, and the sync of a commit waits behind it.
//
// Source: RocksDB's options bytes_per_sync and strict_bytes_per_sync.
#pragma once

#include <leveldb/env.h>

#include <cstdint>
#include <string>
#include <utility>

#include "store/files.h"

namespace synod {

// Used by one thread at a time. Nothing is durable before Sync() returns.
class AppendFile final : public leveldb::WritableFile {
 public:
  AppendFile(std::string name, FileDescriptor file) : name_(std::move(name)), file_(std::move(file)) {}
  ~AppendFile() override;

  leveldb::Status Append(const leveldb::Slice& data) override;
  leveldb::Status Flush() override;
  leveldb::Status Sync() override;
  leveldb::Status Close() override;

 private:
  leveldb::Status write(leveldb::Slice data);
  // Starts to write what is written to the file so far, and waits for the piece before.
  leveldb::Status write_back();
  leveldb::Status error(int number) const;

  std::string name_;
  FileDescriptor file_;
  std::string buffer_;
  uint64_t size_ = 0;        // of the file, without the buffer
  uint64_t piece_ = 0;       // where the piece begins that is to be written back next
  uint64_t last_piece_ = 0;  // and the one before it
};

}  // namespace synod
