#include "store/leveldb/log_check.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "base/mutant.h"
#include "store/bound.h"
#include "store/leveldb/manifest.h"
#include "store/leveldb/wal_scan.h"
#include "store/log_reader.h"

namespace synod {
namespace {

// A database's logs, as they are on the disk.
struct Logs {
  std::string manifest_path;
  size_t manifest_size = 0;
  ManifestState manifest;
  std::vector<WalFile> wals;  // those in use
};

// Nothing if there is no MANIFEST: LevelDB has a sentence for that.
Result<std::optional<Logs>> read_logs(FileSystem& files, const std::string& store) {
  const Result<Bytes> current = files.read_file(store + "/CURRENT");
  if (!current && current.error().code() == Code::not_found) return std::optional<Logs>();
  if (!current) return current.error();
  Logs logs;
  logs.manifest_path = fmt::format("{}/{}", store, current->substr(0, current->find('\n')));
  const Result<Bytes> manifest = files.read_file(logs.manifest_path);
  if (!manifest && manifest.error().code() == Code::not_found) return std::optional<Logs>();
  if (!manifest) return manifest.error();
  logs.manifest_size = manifest->size();
  logs.manifest = read_manifest(*manifest);
  const Result<std::vector<std::string>> names = files.list(store);
  if (!names) return names.error();
  std::map<uint64_t, std::string> in_use;
  for (const std::string& name : *names) {
    const std::optional<uint64_t> number = wal_number(name);
    if (number && logs.manifest.uses_log(*number)) in_use.emplace(*number, fmt::format("{}/{}", store, name));
  }
  // It is made, and its name synced, before the MANIFEST names it.
  if (logs.manifest.log_number != 0 && !in_use.contains(logs.manifest.log_number)) {
    return Status(Code::corruption, fmt::format("{}/{:06}.log is missing, a write-ahead log that the store needs; {}",
                                                store, logs.manifest.log_number, store_advice));
  }
  for (const auto& [number, path] : in_use) {
    Result<Bytes> bytes = files.read_file(path);
    if (!bytes) return bytes.error();
    logs.wals.push_back({path, *std::move(bytes)});
  }
  return std::optional<Logs>(std::move(logs));
}

TornTail tail_of(const Logs& logs, const WalScan& scan) {
  TornTail tail;
  uint64_t bytes = 0;
  auto cut = [&](const std::string& path, uint64_t length, uint64_t size) {
    if (length == size) return;
    tail.cuts.push_back({path, length});
    bytes += size - length;
  };
  std::string place;
  if (!logs.manifest.damage.empty()) {
    cut(logs.manifest_path, logs.manifest.end, logs.manifest_size);
    place = fmt::format("{} at byte {}: {}", logs.manifest_path, logs.manifest.end, logs.manifest.damage);
  }
  if (scan.damage) {
    for (size_t i = logs.wals.size() - 1; i > scan.damage->file; --i) {
      cut(logs.wals[i].name, 0, logs.wals[i].bytes.size());
    }
    const WalFile& wal = logs.wals[scan.damage->file];
    cut(wal.name, scan.damage->offset, wal.bytes.size());
    place = fmt::format("{} at byte {}: {}", wal.name, scan.damage->offset, scan.damage->what);
  }
  tail.description = fmt::format("{}, {} bytes from there on", place, bytes);
  return tail;
}

// The number of the latest batch that a database holds when the cuts are made.
Result<uint64_t> sequence_without(FileSystem& files, const std::string& store, const TornTail& tail) {
  const Result<std::unique_ptr<KeyValueDB>> db = open_level_db_read_only(store, DatabaseOptions{}, tail.cuts, files);
  if (!db) return db.error();
  return read_sequence(*(*db)->new_iterator());
}

}  // namespace

Result<TornTail> find_torn_tail(FileSystem& files, const std::string& store, uint64_t bound) {
  const Result<std::optional<Logs>> logs = read_logs(files, store);
  if (!logs) return logs.error();
  if (!*logs) return TornTail{};
  const WalScan scan = scan_wals((*logs)->wals);
  if (!scan.damage && (*logs)->manifest.damage.empty()) {
    // Whole, and too short: said before LevelDB opens the store, which changes it.
    if (scan.last && *scan.last < bound) return rolled_back(store, *scan.last, bound, "");
    return TornTail{};
  }
  TornTail tail = tail_of(**logs, scan);
  // The logs tell how far they reach, unless they hold no batch before the damage: then the tables do.
  Result<uint64_t> reached = scan.last && (*logs)->manifest.damage.empty() ? Result<uint64_t>(*scan.last)
                                                                           : sequence_without(files, store, tail);
  if (!reached) return reached.error();
  if (*reached >= bound + (SYNOD_MUTANT("honest-tail-refused") ? 1 : 0)) return tail;
  if (scan.damage && scan.damage->ends_early) {
    return rolled_back(store, *reached, bound, fmt::format(" ({})", tail.description));
  }
  return Status(Code::corruption,
                fmt::format("{} is corrupt: {}; that is behind batch {}, and batches up to {} were synced; {}", store,
                            tail.description, *reached, bound, store_advice));
}

Status cut_torn_tail(FileSystem& files, const TornTail& tail) {
  for (const FileCut& cut : tail.cuts) SYNOD_RETURN_IF_ERROR(files.truncate_and_sync(cut.path, cut.length));
  return Status::ok();
}

}  // namespace synod
