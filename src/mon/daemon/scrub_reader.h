// What a scrub reads: the replicated space of a store as it was at one version, from the disk, and its segments. One
// scrub at a time; the next one takes its place.
//
// Thread safety: open(), segments() and clear() from the writer's thread, run() from the reader's. Blocks on the disk.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "mon/core/tasks.h"
#include "store/scrub_record.h"

namespace synod {

class ScrubReader {
 public:
  // From here on tasks about this version are done on what the database holds now. `db` outlives what is open.
  void open(const KeyValueDB& db, const Position& point);
  // REQUIRES: the task is about a scrub, and for the reader.
  TaskResult run(const Task& task);
  // What was read, once all was; nothing if another scrub has taken its place.
  std::optional<ScrubRecord> segments(Version version) const;
  // REQUIRES: no task runs.
  void clear();

 private:
  class Scrub;
  std::shared_ptr<Scrub> find(Version version) const;

  mutable std::mutex mutex_;  // for the pointer; the reader uses what it points to, and keeps it while a task lasts
  std::shared_ptr<Scrub> scrub_;
};

}  // namespace synod
