#include "tools/store_sync.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "mon/daemon/local_sync.h"
#include "mon/daemon/unfinished_copy.h"
#include "store/data_dir.h"
#include "store/log_reader.h"
#include "tools/exit_code.h"
#include "tools/interrupt.h"
#include "tools/progress.h"
#include "tools/store_common.h"

namespace synod {
namespace {

int fail(const Status& failure) { return fail_store_command(failure); }

// What is told of a sync at its end: what this run has moved, and where the copy is.
struct Summary {
  bool is_complete = false;
  uint64_t chunks = 0;
  uint64_t first_chunk = 0;  // its number, counted over all runs
  uint64_t keys = 0;
  uint64_t bytes = 0;  // of keys and values
  Version base;        // the oldest state that was copied from
  Version version;     // that the copy has, or will have
};

Summary summary_of(bool is_complete, const CopyRecord& before, const CopyRecord& after) {
  return {is_complete,
          after.chunks - before.chunks,
          before.chunks + 1,
          after.keys - before.keys,
          after.bytes - before.bytes,
          after.cursor.base.version,
          after.cursor.highest.version};
}

void print(const Summary& summary, bool as_json) {
  const char* const form =
      as_json ? "{{\"complete\":{},\"chunks\":{},\"first_chunk\":{},\"keys\":{},\"bytes\":{},\"base_version\":{},"
                "\"version\":{}}}\n"
              : "complete {}\nchunks {}\nfirst_chunk {}\nkeys {}\nbytes {}\nbase_version {}\nversion {}\n";
  fmt::print(fmt::runtime(form), summary.is_complete, summary.chunks, summary.first_chunk, summary.keys, summary.bytes,
             summary.base.value(), summary.version.value());
}

// A directory that a sync may fill.
struct Target {
  std::unique_ptr<DataDir> dir;
  std::unique_ptr<MonitorStore> store;            // that is complete, if there is one
  Position current;                               // of it
  std::optional<StoreHome::NewStore> unfinished;  // the copy, if there is one
  std::optional<CopyRecord> copy;
};

// Nothing is made in a directory that is something else.
Status check_place(const std::string& source, const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::equivalent(source, path, error)) {
    return {Code::invalid_argument, fmt::format("{} and {} are the same directory", source, path)};
  }
  if (!fs::exists(path, error)) return Status::ok();
  if (!fs::is_directory(path, error)) return {Code::invalid_argument, path + " is not a directory"};
  if (fs::is_empty(path, error) || fs::exists(path + "/lock", error)) return Status::ok();
  return {Code::invalid_argument, path + " is neither empty nor a data directory"};
}

Status open_complete(Target& target) {
  Result<std::unique_ptr<KeyValueDB>> db = target.dir->open_current({});
  if (!db) return db.error();
  target.store = std::make_unique<MonitorStore>(*std::move(db));
  const Result<Position> applied = target.store->applied();
  if (!applied) return applied.error();
  target.current = *applied;
  return Status::ok();
}

Status open_unfinished(Target& target) {
  Result<std::optional<StoreHome::NewStore>> unfinished = target.dir->open_unfinished({});
  if (!unfinished) return unfinished.error();
  if (!*unfinished) return Status::ok();
  const Result<std::optional<CopyRecord>> copy = decode_copy_record((*unfinished)->record);
  if (!copy) return copy.error();
  const Result<uint64_t> batches = read_sequence(*(*unfinished)->db->new_iterator());
  if (!batches) return batches.error();
  // create_store() makes the first store if there is none, and what comes behind one is a copy, or the beginning of
  // one.
  const bool is_copy = target.store != nullptr || ((*unfinished)->name == "store.1" && (*copy || *batches == 0));
  if (!is_copy) return {Code::corruption, (*unfinished)->name + " is no copy, and nothing says what it is"};
  target.copy = *copy;
  if (target.copy) target.unfinished = **std::move(unfinished);
  return Status::ok();
}

Result<Target> open_target(const std::string& path) {
  Target target;
  Result<std::unique_ptr<DataDir>> dir = DataDir::open(path);
  if (!dir) return dir.error();
  target.dir = *std::move(dir);
  const Result<std::optional<Bytes>> identity = target.dir->read_identity();
  if (!identity || *identity) {
    return Status(Code::refused, path + " is the directory of a member, which syncs by itself when it is started");
  }
  if (target.dir->has_store()) SYNOD_RETURN_IF_ERROR(open_complete(target));
  const Status opened = open_unfinished(target);
  if (opened.code() == Code::exhausted) return opened;
  if (!opened.is_ok()) {
    return Status(Code::refused,
                  fmt::format("cannot go on with the copy in {}: {}; remove the directory to begin again", path,
                              opened.message()));
  }
  return target;
}

// What a run may begin with, or why it may not: the options say what is expected in the target.
Status check_expected(const StoreOptions& options, const Target& target) {
  const std::string& path = options.arguments[1];
  if (options.sync.resume) return Status::ok();
  if (target.copy) return unfinished_sync(path, *target.copy);
  if (target.store == nullptr || options.sync.delta) return Status::ok();
  return {Code::refused, fmt::format("{} holds a store already; --delta replaces what differs in it", path)};
}

int report_complete(const StoreOptions& options, const Position& applied) {
  fmt::print(stderr, "synod-store: {} is complete at version {}: nothing to do\n", options.arguments[1],
             applied.version.value());
  print({.is_complete = true, .base = applied.version, .version = applied.version}, options.sync.as_json);
  return exit_ok;
}

// Draws the progress, and ends the sync when the user wants that.
class Watcher {
 public:
  explicit Watcher(bool is_drawn) : bar_(is_drawn && isatty(STDERR_FILENO) != 0, 1000) {}

  bool operator()(const LocalSync::Progress& progress) {
    const CopyRecord& copy = progress.copy;
    bar_.show(progress.per_mille, copy.cursor.is_complete()
                                      ? "verifies the copy"
                                      : fmt::format("chunk {}, {} keys, {:.1f} MB", copy.chunks, copy.keys,
                                                    static_cast<double>(copy.bytes) / 1e6));
    return !is_interrupted();
  }
  void clear() { bar_.clear(); }

 private:
  ProgressBar bar_;
};

CoreOptions core_options(const StoreOptions& options) {
  CoreOptions core;
  core.sync_chunk_bytes = options.sync.chunk_bytes;
  core.sync_window = options.sync.window;
  return core;
}

void print_event(const std::string& who, const SyncEvent& event) {
  fmt::print(stderr, "{} {}\n", who, to_string(event));
}

// One sync, or two: what the source cannot go on with, or was no way to a right copy, is begun again.
int run_sync(const StoreOptions& options, const MonitorStore& source, Target target) {
  const bool has_store = target.store != nullptr;
  StoreEngine engine(*target.dir, std::move(target.store), {});
  if (target.unfinished) engine.go_on_with(*std::move(target.unfinished));
  Watcher watcher(!options.sync.trace);
  const LocalSync::OnSyncEvent trace = options.sync.trace ? print_event : LocalSync::OnSyncEvent();
  const auto watch = [&](const LocalSync::Progress& progress) { return watcher(progress); };
  CopyRecord before = target.copy.value_or(CopyRecord());
  const LocalSync::Source from{source, options.arguments[0]};
  std::optional<LocalSync> sync;
  sync.emplace(core_options(options), from, LocalSync::Target{engine, target.current, target.copy, has_store}, trace);
  Result<bool> is_complete = sync->run(options.sync.stop_after_chunk, watch);
  if (!is_complete && is_complete.error().code() == Code::refused) {
    const Result<TaskResult> discarded = engine.run(DiscardCopyTask{});
    if (!discarded) return fail(discarded.error());
    if (before.has_begun() || sync->has_refuted_delta()) {
      watcher.clear();
      fmt::print(stderr, "synod-store: begins again from the start: {}\n", is_complete.error().message());
      before = CopyRecord();
      const bool is_delta = has_store && !sync->has_refuted_delta();
      sync.emplace(core_options(options), from, LocalSync::Target{engine, target.current, std::nullopt, is_delta},
                   trace);
      is_complete = sync->run(options.sync.stop_after_chunk, watch);
    }
  }
  watcher.clear();
  if (!is_complete) return fail(is_complete.error());
  print(summary_of(*is_complete, before, sync->copy()), options.sync.as_json);
  if (*is_complete) return exit_ok;
  fmt::print(stderr, "synod-store: {}\n", unfinished_sync(options.arguments[1], sync->copy()).message());
  return is_interrupted() ? exit_interrupted : exit_stopped;
}

}  // namespace

int sync_stores(const StoreOptions& options) {
  catch_interrupt();
  const std::string& path = options.arguments[1];
  const Result<std::unique_ptr<MonitorStore>> source = open_stopped_store(options.arguments[0]);
  if (!source) return fail(source.error());
  const Status place = check_place(options.arguments[0], path);
  if (!place.is_ok()) return fail(place);
  Result<Target> target = open_target(path);
  if (!target) return fail(target.error());
  const Status expected = check_expected(options, *target);
  if (!expected.is_ok()) return fail(expected);
  if (options.sync.resume && target->store != nullptr && !target->copy) {
    return report_complete(options, target->current);
  }
  return run_sync(options, **source, *std::move(target));
}

}  // namespace synod
