#include "mon/daemon/snapshots.h"

#include <utility>

namespace synod {
namespace {

// What comes of one snapshot.
struct Reading {
  SnapshotReader& reader;

  Result<ChunkRead> operator()(const ReadChunkTask& task) const { return reader.next(task.max_bytes, task.max_keys); }
  Result<RangesRead> operator()(const ReadRangesTask& task) const {
    return reader.next_ranges(task.max_bytes, task.max_keys);
  }
  Result<ChunkRead> operator()(const SettleRangesTask& task) const {
    Result<ChunkRead> chunk = reader.settle(task.differing);
    if (chunk) chunk->ranges = task.sequence;
    return chunk;
  }
};

template <class SomeTask>
Result<TaskResult> read(const std::map<uint64_t, std::unique_ptr<SnapshotReader>>& readers, const SomeTask& task) {
  const auto it = readers.find(task.cookie);
  if (it == readers.end()) return TaskResult(Status(Code::not_found, "the snapshot is closed"));
  auto result = Reading{*it->second}(task);
  if (result) return TaskResult(*std::move(result));
  const bool is_of_session = result.error().code() == Code::refused || result.error().code() == Code::invalid_argument;
  if (is_of_session) return TaskResult(result.error());
  return result.error();
}

}  // namespace

Result<TaskResult> Snapshots::run(const MonitorStore& store, const Task& task) {
  if (const auto* chunk = std::get_if<ReadChunkTask>(&task)) return read(readers_, *chunk);
  if (const auto* ranges = std::get_if<ReadRangesTask>(&task)) return read(readers_, *ranges);
  if (const auto* settle = std::get_if<SettleRangesTask>(&task)) return read(readers_, *settle);
  if (const auto* open = std::get_if<OpenSnapshotTask>(&task)) {
    Result<std::unique_ptr<SnapshotReader>> reader = SnapshotReader::open(store, open->resume, open->compresses);
    if (!reader) return reader.error();
    const Position position = (*reader)->position();
    readers_[open->cookie] = *std::move(reader);
    return TaskResult(SnapshotOpened{position});
  }
  readers_.erase(std::get<CloseSnapshotTask>(task).cookie);
  return TaskResult(SnapshotClosed{});
}

}  // namespace synod
