// Micro-benchmarks of the store on the disk that holds the temporary directory (TMPDIR).
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "store/data_dir.h"
#include "store/monitor_store.h"
#include "test/unit/store/temp_dir.h"

namespace synod {
namespace {

constexpr size_t value_bytes = 1024;

// A data directory with an initialized store, removed at the end.
class BenchStore {
 public:
  BenchStore() {
    Result<std::unique_ptr<DataDir>> dir = DataDir::open(temp_.path());
    SYNOD_ASSERT(dir, "no data directory");
    dir_ = *std::move(dir);
    Result<DataDir::NewStore> made = dir_->create_store({});
    SYNOD_ASSERT(made, "no store");
    store_ = std::make_unique<MonitorStore>(std::move(made->db));
    const Position genesis{Version(0), genesis_hash(Fsid{})};
    SYNOD_ASSERT(store_->initialize(genesis, {}).is_ok(), "no genesis");
    top_ = genesis;
  }

  // Accepts and applies one value, as a member of a cluster does.
  Status commit_value(ReplicatedTransaction value, Durability durability) {
    const LogEntry entry = make_log_entry(top_, {1, MemberId(1)}, SharedBytes(value.encode()));
    top_ = entry.position();
    const StoreWrites writes{PutEntry{entry}, ApplyEntry{entry.position(), entry.value}};
    return store_->commit({&writes}, durability);
  }
  // The same, durable, and then its bound.
  Status commit_covered_value(ReplicatedTransaction value) {
    SYNOD_RETURN_IF_ERROR(commit_value(std::move(value), Durability::durable));
    return dir_->write_bound({*store_->last_sequence(), top_, {1, MemberId(1)}});
  }
  void fill(int keys) {
    for (int i = 0; i < keys;) {
      ReplicatedTransaction puts;
      for (int n = 0; n < 256 && i < keys; ++n, ++i) puts.put(key_of(i), value_of(i));
      SYNOD_ASSERT(commit_value(std::move(puts), Durability::visible).is_ok(), "cannot fill the store");
    }
  }
  static Bytes key_of(int i) { return "key/" + std::to_string(100000000 + i); }
  // Does not compress.
  static SharedBytes value_of(int i) {
    Bytes value(value_bytes, '\0');
    uint64_t state = static_cast<uint64_t>(i) + 1;
    for (char& c : value) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      c = static_cast<char>(state >> 56);
    }
    return SharedBytes(std::move(value));
  }

  MonitorStore& store() { return *store_; }

 private:
  test::TempDir temp_;
  std::unique_ptr<DataDir> dir_;
  std::unique_ptr<MonitorStore> store_;
  Position top_;
};

template <class Commit>
void commit_values(benchmark::State& state, Commit commit) {
  BenchStore bench;
  const auto puts_per_commit = static_cast<int>(state.range(0));
  int next = 0;
  for (auto _ : state) {
    ReplicatedTransaction puts;
    for (int i = 0; i < puts_per_commit; ++i, ++next) puts.put(BenchStore::key_of(next), BenchStore::value_of(next));
    if (!commit(bench, std::move(puts)).is_ok()) state.SkipWithError("commit failed");
  }
  state.SetItemsProcessed(next);
  state.SetBytesProcessed(next * static_cast<int64_t>(value_bytes));
}

void synced_commit(benchmark::State& state) {
  commit_values(state, [](BenchStore& bench, ReplicatedTransaction puts) {
    return bench.commit_value(std::move(puts), Durability::durable);
  });
}
void covered_commit(benchmark::State& state) {
  commit_values(
      state, [](BenchStore& bench, ReplicatedTransaction puts) { return bench.commit_covered_value(std::move(puts)); });
}
void unsynced_commit(benchmark::State& state) {
  commit_values(state, [](BenchStore& bench, ReplicatedTransaction puts) {
    return bench.commit_value(std::move(puts), Durability::visible);
  });
}

void walk(benchmark::State& state) {
  BenchStore bench;
  bench.fill(static_cast<int>(state.range(0)));
  uint64_t bytes = 0;
  for (auto _ : state) {
    Result<std::unique_ptr<StoreWalker>> walker = bench.store().new_walker("");
    SYNOD_ASSERT(walker, "no walker");
    for (bool is_last = false; !is_last;) {
      Result<WalkChunk> chunk = (*walker)->next_chunk(1 << 20, SIZE_MAX);
      SYNOD_ASSERT(chunk, "the walk failed");
      is_last = chunk->is_last;
      bytes += chunk->bytes;
      benchmark::DoNotOptimize(chunk->puts.encode());
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void digest(benchmark::State& state) {
  BenchStore bench;
  bench.fill(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    Result<Digest> result = bench.store().digest();
    SYNOD_ASSERT(result, "the digest failed");
    benchmark::DoNotOptimize(*result);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<int64_t>(value_bytes));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(synced_commit)->Arg(1)->Arg(16)->Arg(64)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(covered_commit)->Arg(1)->Arg(16)->Arg(64)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(unsynced_commit)->Arg(1)->Arg(16)->Arg(64)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(walk)->Arg(100000)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(digest)->Arg(100000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace synod
