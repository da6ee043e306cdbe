#include "test/sim/disk/disk_faults.h"

namespace synod::sim {

const char* call_name(DiskCall call) {
  switch (call) {
    case DiskCall::write: return "write";
    case DiskCall::sync: return "sync";
    case DiskCall::truncate: return "truncate";
    case DiskCall::create: return "create";
    case DiskCall::rename: return "rename";
    case DiskCall::remove: return "remove";
    case DiskCall::make_directory: return "make directory";
    case DiskCall::sync_directory: return "sync directory";
    case DiskCall::read: return "read";
    case DiskCall::list: return "list";
  }
  return "?";
}

const char* error_text(DiskError error) {
  switch (error) {
    case DiskError::none: return "no error";
    case DiskError::io_error: return "Input/output error";
    case DiskError::no_space: return "No space left on device";
    case DiskError::not_found: return "No such file or directory";
    case DiskError::wrong_kind: return "a file where a directory is wanted, or a directory where a file is";
    case DiskError::locked: return "locked";
    case DiskError::dead: return "the process has ended";
  }
  return "?";
}

FileClass class_of(const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  if (name.ends_with(".log")) return FileClass::wal;
  if (name.ends_with(".ldb") || name.ends_with(".sst")) return FileClass::table;
  if (name.starts_with("MANIFEST")) return FileClass::manifest;
  if (name.starts_with("identity.")) return FileClass::identity;
  if (name.starts_with("bound")) return FileClass::bound;
  return FileClass::other;
}

std::optional<FaultKind> FaultPlan::meet(DiskCall call, FileClass file) {
  std::optional<FaultKind> met;
  for (Pending& pending : pending_) {
    const FaultSpec& spec = pending.spec;
    const bool is_call = spec.call ? *spec.call == call : is_change(call);
    if (!is_call || (spec.file && *spec.file != file)) continue;
    ++pending.seen;
    if (pending.seen >= spec.nth && (spec.times == 0 || pending.seen < spec.nth + spec.times)) met = spec.kind;
  }
  std::erase_if(pending_, [](const Pending& pending) {
    return pending.spec.times != 0 && pending.seen + 1 >= pending.spec.nth + pending.spec.times;
  });
  return met;
}

}  // namespace synod::sim
