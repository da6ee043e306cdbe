// The floor under a full copy of a store: what LevelDB takes to write the same data. The store of a stopped member's
// directory is read into memory, as the chunks that a sync would send; then the time runs while a new database takes
// them, one batch for each, none of them synced, and a synced marker at the end. Env and database options are a
// member's.
//
// Memory: all of the data, and about 150 bytes for each key.
#include <fmt/format.h>
#include <sys/resource.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "mon/core/options.h"
#include "store/data_dir.h"
#include "store/monitor_store.h"

namespace synod {
namespace {

constexpr const char* usage =
    "usage: bulk_load SRC DST [CHUNK_BYTES]\n"
    "\n"
    "Writes the replicated space of the store in SRC, a stopped member's directory, to a new store in DST, as fast as\n"
    "LevelDB can, and prints chunks, keys, bytes of keys and values, seconds, and the processor's seconds as JSON.\n"
    "Exit status: 0 done, 1 not, 2 usage.\n";

double processor_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct Data {
  std::vector<DbBatch> batches;
  uint64_t keys = 0;
  uint64_t bytes = 0;
};

Result<Data> read_all(const std::string& source, size_t chunk_bytes) {
  Result<std::unique_ptr<KeyValueDB>> db = open_read_only(source);
  if (!db) return db.error();
  const MonitorStore store(*std::move(db));
  const Result<std::unique_ptr<StoreWalker>> walker = store.new_walker({});
  if (!walker) return walker.error();
  Data data;
  for (bool is_last = false; !is_last;) {
    Result<WalkChunk> chunk = (*walker)->next_chunk(chunk_bytes, CoreOptions().sync_chunk_keys);
    if (!chunk) return chunk.error();
    is_last = chunk->is_last;
    data.keys += chunk->keys;
    data.bytes += chunk->bytes;
    data.batches.emplace_back().add(std::move(chunk->puts));
  }
  return data;
}

Status load(const std::string& target, const Data& data) {
  const Result<std::unique_ptr<DataDir>> dir = DataDir::open(target);
  if (!dir) return dir.error();
  const Result<StoreHome::NewStore> store = (*dir)->create_store({});
  if (!store) return store.error();
  for (const DbBatch& batch : data.batches) SYNOD_RETURN_IF_ERROR(store->db->commit(batch, Durability::visible));
  LocalTransaction marker;
  marker.put("marker", SharedBytes(Bytes("all is there")));
  DbBatch last;
  last.add(std::move(marker));
  return store->db->commit(last, Durability::durable);
}

int run(const std::string& source, const std::string& target, size_t chunk_bytes) {
  const Result<Data> data = read_all(source, chunk_bytes);
  const double used_before = processor_seconds();
  const auto start = std::chrono::steady_clock::now();
  const Status done = data ? load(target, *data) : data.error();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double used = processor_seconds() - used_before;
  if (!done.is_ok()) {
    fmt::print(stderr, "bulk_load: {}\n", done.message());
    return 1;
  }
  fmt::print("{{\"chunks\":{},\"keys\":{},\"bytes\":{},\"seconds\":{:.6f},\"processor_s\":{:.3f}}}\n",
             data->batches.size(), data->keys, data->bytes, seconds.count(), used);
  return 0;
}

}  // namespace
}  // namespace synod

int main(int argc, char** argv) {
  size_t chunk_bytes = synod::CoreOptions().sync_chunk_bytes;
  const char* const text = argc == 4 ? argv[3] : "";
  const bool is_number = std::from_chars(text, text + std::strlen(text), chunk_bytes).ec == std::errc();
  if (argc < 3 || argc > 4 || (argc == 4 && (!is_number || chunk_bytes == 0))) {
    fmt::print(stderr, "{}", synod::usage);
    return 2;
  }
  return synod::run(argv[1], argv[2], chunk_bytes);
}
