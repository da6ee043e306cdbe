// The walker: whole, resumable, and never more than about one chunk in memory. Counts every allocation of the process,
// LevelDB's included.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "store_helpers.h"
#include "temp_dir.h"

namespace {

std::atomic<size_t> live_bytes{0};
std::atomic<size_t> peak_bytes{0};

void* counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  const size_t live = live_bytes += malloc_usable_size(memory);
  size_t peak = peak_bytes;
  while (live > peak && !peak_bytes.compare_exchange_weak(peak, live)) {
  }
  return memory;
}

void uncounted(void* memory) {
  if (memory == nullptr) return;
  live_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(size_t size) { return counted(std::malloc(size)); }
void* operator new[](size_t size) { return counted(std::malloc(size)); }
void operator delete(void* memory) noexcept { uncounted(memory); }
void operator delete[](void* memory) noexcept { uncounted(memory); }
void operator delete(void* memory, size_t) noexcept { uncounted(memory); }
void operator delete[](void* memory, size_t) noexcept { uncounted(memory); }

namespace synod {
namespace {

using test::shared;

constexpr size_t chunk_bytes = 64 << 10;
constexpr int chunk_count = 100;
constexpr int keys = 6400;  // of 1 KiB: 100 chunks

// Random, so that compression does not make the store smaller than it looks.
std::string value_of(int i) {
  std::string value(1024 - 8, '\0');
  uint64_t state = static_cast<uint64_t>(i) + 1;
  for (char& c : value) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    c = static_cast<char>(state >> 56);
  }
  return value;
}

std::string key_of(int i) { return "k" + std::to_string(1000000 + i); }

class WalkerTest : public testing::Test {
 protected:
  void SetUp() override {
    store_ = std::make_unique<MonitorStore>(test::open_level_db_for_test(dir_ / "db", OpenMode::create));
    for (int i = 0; i < keys; i += 64) {
      ReplicatedTransaction puts;
      for (int k = i; k < i + 64; ++k) puts.put(key_of(k), shared(value_of(k)));
      ASSERT_TRUE(store_->commit_chunk(puts, Durability::visible).is_ok());
    }
    history_.add(test::put("z", "applied"));
    const StoreWrites writes{ApplyEntry{history_.at(1).position(), history_.at(1).value}};
    ASSERT_TRUE(store_->commit({&writes}, Durability::durable).is_ok());
  }

  // Walks from `after` to the end, checking each pair, and returns the number of chunks.
  int walk(ByteView after, int first_key, const std::function<void(const WalkChunk&)>& on_chunk) {
    Result<std::unique_ptr<StoreWalker>> walker = store_->new_walker(after);
    EXPECT_TRUE(walker) << walker.error().to_string();
    EXPECT_EQ((*walker)->position(), history_.at(1).position());
    int next = first_key;
    int chunks = 0;
    for (bool is_last = false; !is_last; ++chunks) {
      const Result<WalkChunk> chunk = (*walker)->next_chunk(chunk_bytes, 1000);
      EXPECT_TRUE(chunk) << chunk.error().to_string();
      if (!chunk) return chunks;
      is_last = chunk->is_last;
      EXPECT_LE(chunk->bytes, chunk_bytes);
      EXPECT_EQ(chunk->keys, chunk->puts.ops().size());
      EXPECT_EQ(chunk->last_key, chunk->puts.ops().back().key);
      for (const Op& op : chunk->puts.ops()) {
        if (!op.key.starts_with("k")) continue;
        EXPECT_EQ(op.key, key_of(next));
        EXPECT_EQ(op.value.view(), value_of(next));
        ++next;
      }
      on_chunk(*chunk);
    }
    EXPECT_EQ(next, keys);
    return chunks;
  }

  test::TempDir dir_;
  std::unique_ptr<MonitorStore> store_;
  test::History history_;
};

TEST_F(WalkerTest, a_hundred_chunks_pass_through_the_memory_of_a_few) {
  // Once before, so that LevelDB has opened its tables and settled its compactions.
  walk("", 0, [](const WalkChunk&) {});
  const size_t before = live_bytes;
  peak_bytes = before;
  const int chunks = walk("", 0, [](const WalkChunk&) {});
  const size_t growth = peak_bytes - before;
  EXPECT_GE(chunks, chunk_count);
  EXPECT_LE(chunks, chunk_count + 2);
  RecordProperty("peak_growth_bytes", static_cast<int>(growth));
  EXPECT_LT(growth, 8 * chunk_bytes) << "the store is " << chunk_count << " chunks of " << chunk_bytes;
}

TEST_F(WalkerTest, the_memory_check_would_catch_a_walker_that_collects) {
  const size_t before = live_bytes;
  peak_bytes = before;
  std::vector<ReplicatedTransaction> hoard;
  walk("", 0, [&](const WalkChunk& chunk) { hoard.push_back(chunk.puts); });
  EXPECT_GT(peak_bytes - before, 80 * chunk_bytes);
}

TEST_F(WalkerTest, a_walk_resumes_after_any_key) {
  for (const int last : {0, 1, 63, 64, 3333, keys - 2}) walk(key_of(last), last + 1, [](const WalkChunk&) {});
  walk("k10033330", 3334, [](const WalkChunk&) {});  // a key that is not (or no longer) there
}

TEST_F(WalkerTest, each_resumption_after_a_chunk_gives_the_rest) {
  MonitorStore copy(make_memory_db());
  Bytes after;
  for (bool is_last = false; !is_last;) {
    const auto walker = store_->new_walker(after);
    ASSERT_TRUE(walker);
    const Result<WalkChunk> chunk = (*walker)->next_chunk(chunk_bytes, 1000);
    ASSERT_TRUE(chunk);
    ASSERT_TRUE(copy.commit_chunk(chunk->puts, Durability::visible).is_ok());
    after = chunk->last_key;
    is_last = chunk->is_last;
  }
  EXPECT_EQ(*copy.digest(), *store_->digest());
}

TEST_F(WalkerTest, a_walk_after_the_last_key_is_one_empty_last_chunk) {
  const auto walker = store_->new_walker("zz");
  ASSERT_TRUE(walker);
  for (int i = 0; i < 2; ++i) {
    const Result<WalkChunk> chunk = (*walker)->next_chunk(chunk_bytes, 10);
    ASSERT_TRUE(chunk);
    EXPECT_EQ(chunk->keys, 0u);
    EXPECT_TRUE(chunk->is_last);
    EXPECT_EQ(chunk->last_key, "zz");
  }
}

TEST(Walker, limits_count_keys_and_bytes_and_let_one_large_key_pass) {
  MonitorStore store(make_memory_db());
  ReplicatedTransaction state;
  state.put("a", shared(std::string(10, 'x')));
  state.put("b", shared(std::string(5000, 'x')));
  for (const char* key : {"c", "d", "e"}) state.put(key, shared(std::string(9, 'x')));
  ASSERT_TRUE(store.initialize(test::genesis(), state).is_ok());
  const auto walker = store.new_walker("");
  ASSERT_TRUE(walker);
  std::vector<std::string> chunks;
  for (bool is_last = false; !is_last;) {
    const Result<WalkChunk> chunk = (*walker)->next_chunk(100, 2);
    ASSERT_TRUE(chunk);
    std::string names;
    for (const Op& op : chunk->puts.ops()) names += op.key + " ";
    chunks.push_back(names + std::to_string(chunk->bytes));
    is_last = chunk->is_last;
  }
  EXPECT_EQ(chunks, (std::vector<std::string>{"a 11", "b 5001", "c d 20", "e paxos/applied 47"}));
}

TEST(Walker, a_store_without_a_position_cannot_be_walked) {
  const MonitorStore store(make_memory_db());
  const auto walker = store.new_walker("");
  ASSERT_FALSE(walker);
  EXPECT_EQ(walker.error().code(), Code::not_found);
}

}  // namespace
}  // namespace synod
