// What can happen to a disk in the simulator, and what an observer is told of each call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace synod::sim {

// Calls from write to sync_directory change the disk, the others only look.
enum class DiskCall { write, sync, truncate, create, rename, remove, make_directory, sync_directory, read, list };
constexpr bool is_change(DiskCall call) { return call < DiskCall::read; }
const char* call_name(DiskCall call);

enum class FileClass { wal, manifest, table, identity, bound, other };
FileClass class_of(const std::string& path);

// What a power cut leaves of what was not synced, drawn anew for each file.
enum class PowerCut {
  all_lost,
  prefix_kept,  // whole 4 KiB pages up to a random one
  random_cut,   // the bytes up to a random one
  pages_kept,   // any of the pages; the others hold what they held before, or zeros behind the old end
};
inline constexpr PowerCut every_power_cut[] = {PowerCut::all_lost, PowerCut::prefix_kept, PowerCut::random_cut,
                                               PowerCut::pages_kept};

// What a power cut has done, for counters of rare situations.
struct CutReport {
  uint64_t torn_files = 0;  // neither as synced nor as written
  uint64_t torn_wals = 0;   // of these, write-ahead logs
  uint64_t lost_names = 0;  // creations, renames and removals undone
};

enum class FaultKind {
  io_error,  // of a write: part of the bytes may be written; of a sync: as FileImage::fail_sync
  no_space,  // part of the bytes are written
};

// The `nth` call from now that matches fails, and `times` - 1 after it; `times` 0 is until clear_faults().
struct FaultSpec {
  FaultKind kind = FaultKind::io_error;
  std::optional<DiskCall> call = {};   // nothing: every call that changes the disk
  std::optional<FileClass> file = {};  // nothing: every file
  uint64_t nth = 1;
  uint64_t times = 1;
};

class FaultPlan {
 public:
  void add(const FaultSpec& spec) { pending_.push_back({spec, 0}); }
  void clear() { pending_.clear(); }
  // The fault that this call meets. Counts the call.
  std::optional<FaultKind> meet(DiskCall call, FileClass file);

 private:
  struct Pending {
    FaultSpec spec;
    uint64_t seen = 0;
  };
  std::vector<Pending> pending_;
};

enum class DiskError { none, io_error, no_space, not_found, wrong_kind, locked, dead };
const char* error_text(DiskError error);

// One call, as it was asked for; `error` is a fault that it meets.
struct DiskEvent {
  uint64_t number = 0;  // of the calls that change the disk; of a look: of the last change before it
  DiskCall call = DiskCall::write;
  const std::string& path;
  FileClass file = FileClass::other;
  uint64_t offset = 0;  // write, read: where; truncate: the new size
  ByteView bytes;       // write: what; rename: the new path
  DiskError error = DiskError::none;
};

}  // namespace synod::sim
