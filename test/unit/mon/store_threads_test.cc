// The two threads below a storage: order, merging of what is queued into one batch, and the end. A gate in the home
// holds the writer, so that a test decides what is queued behind it.
#include "mon/daemon/store_threads.h"

#include <gtest/gtest.h>

#include "mon/service/monmap_service.h"
#include "test/sim/home.h"
#include "test/unit/mon/builders.h"

namespace synod {
namespace {

using test::c;
using test::genesis;
using test::history;
using test::pn;

// A home in memory of which a write of the identity "gate" blocks until the gate is opened.
class GatedHome : public StoreHome {
 public:
  GatedHome() {
    auto made = memory.create_store({});
    MonitorStore store(std::move(made->db));
    EXPECT_TRUE(store.initialize(genesis(), monmap_genesis(test::monmap_of(3))).is_ok());
    EXPECT_TRUE(memory.switch_to(made->name, *read_bound(*store.db().new_iterator())).is_ok());
    commits_at_start = memory.durable_commits();
  }
  bool has_store() const override { return memory.has_store(); }
  Result<std::optional<Bytes>> read_identity() const override { return memory.read_identity(); }
  Status write_identity(ByteView record) override {
    std::unique_lock lock(mutex);
    if (record == "gate") {
      is_at_gate = true;
      changed.notify_all();
      changed.wait(lock, [&] { return is_open; });
    }
    commits_at_identity.push_back(memory.durable_commits() - commits_at_start);
    return memory.write_identity(record);
  }
  Result<std::unique_ptr<KeyValueDB>> open_current(const DatabaseOptions& options) override {
    return memory.open_current(options);
  }
  Result<NewStore> create_store(const DatabaseOptions& options) override { return memory.create_store(options); }
  Result<NewStore> clone_current(const DatabaseOptions& options) override { return memory.clone_current(options); }
  Result<std::optional<NewStore>> open_unfinished(const DatabaseOptions& options) override {
    return memory.open_unfinished(options);
  }
  Status write_copy_record(ByteView record) override { return memory.write_copy_record(record); }
  Status remove_unfinished() override { return memory.remove_unfinished(); }
  Status keep_evidence() override { return memory.keep_evidence(); }
  Status switch_to(const std::string& name, const Bound& bound) override { return memory.switch_to(name, bound); }
  Status write_bound(const Bound& bound) override { return memory.write_bound(bound); }

  void wait_for_writer() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return is_at_gate; });
  }
  void open_gate() {
    const std::lock_guard lock(mutex);
    is_open = true;
    changed.notify_all();
  }

  sim::MemoryHome memory;
  uint64_t commits_at_start = 0;
  std::vector<uint64_t> commits_at_identity;
  std::mutex mutex;
  std::condition_variable changed;
  bool is_at_gate = false;
  bool is_open = false;
};

// The loop: completions in the order in which they were posted.
class Loop {
 public:
  void post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }
  // Runs what is posted until `count` completions have run.
  void run_until(const std::vector<std::string>& log, size_t count) {
    while (log.size() < count) {
      std::function<void()> next;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !tasks_.empty(); });
        next = std::move(tasks_.front());
        tasks_.pop_front();
      }
      next();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
};

struct Threads {
  Threads()
      : engine(home, std::make_unique<MonitorStore>(*home.open_current({})), EngineOptions{}),
        storage(std::in_place, engine, [this](std::function<void()> task) { loop.post(std::move(task)); }) {}
  ~Threads() { home.open_gate(); }

  // The writer is busy until the gate is opened.
  void block_writer() {
    write("gate", {}, Bytes("gate"));
    home.wait_for_writer();
  }
  void write(const std::string& name, StoreWrites writes, std::optional<Bytes> identity = {},
             Durability durability = Durability::durable) {
    storage->write({std::move(identity), std::move(writes), durability}, [this, name](const Status& status) {
      EXPECT_TRUE(status.is_ok()) << status.to_string();
      done.push_back(name);
    });
  }
  void put(const std::string& name) { write(name, {PutLocal{Bytes(name), SharedBytes(name)}}); }
  void run(const std::string& name, Task task) {
    storage->run(std::move(task), [this, name](const Result<TaskResult>& result) {
      EXPECT_TRUE(result.has_value());
      done.push_back(name);
    });
  }
  uint64_t commits() const { return home.memory.durable_commits() - home.commits_at_start; }
  bool has(const std::string& key) { return MonitorStore(*home.open_current({})).get_local(key)->has_value(); }

  GatedHome home;
  StoreEngine engine;
  Loop loop;
  std::vector<std::string> done;
  std::optional<StoreThreads> storage;
};

using Names = std::vector<std::string>;

TEST(StoreThreadsTest, completions_of_writes_and_writer_tasks_come_in_the_order_of_the_calls) {
  Threads threads;
  threads.block_writer();
  threads.put("one");
  threads.run("create", CreateStoreTask{});
  threads.put("two");
  threads.put("three");
  threads.run("verify", VerifyTask{});
  threads.home.open_gate();
  threads.loop.run_until(threads.done, 6);
  EXPECT_EQ(threads.done, (Names{"gate", "one", "create", "two", "three", "verify"}));
}

TEST(StoreThreadsTest, writes_that_are_queued_share_one_durable_commit) {
  Threads threads;
  threads.block_writer();
  for (int i = 0; i < 10; ++i) threads.put("key-" + std::to_string(i));
  threads.home.open_gate();
  threads.loop.run_until(threads.done, 11);
  EXPECT_EQ(threads.commits(), 1U);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(threads.has("key-" + std::to_string(i)));
}

// A member that catches up has much waiting; a batch of all of it would be in memory three times.
TEST(StoreThreadsTest, writes_that_are_queued_share_a_commit_up_to_four_mebibytes_of_values) {
  Threads threads;
  threads.block_writer();
  Position top = genesis();
  for (const size_t mebibytes : {2, 1, 3, 5, 1, 1}) {
    const LogEntry entry = test::entry_on(top, pn(1, c), std::string(mebibytes << 20, 'v'));
    top = entry.position();
    threads.write("put", {PutEntry{entry}});
  }
  threads.home.open_gate();
  threads.loop.run_until(threads.done, 7);
  EXPECT_EQ(threads.commits(), 4U) << "2 1; 3; 5; 1 1";
}

TEST(StoreThreadsTest, one_durable_write_makes_the_batch_durable_and_visible_ones_alone_do_not) {
  Threads threads;
  threads.block_writer();
  threads.write("visible", {PutLocal{"v", {}}}, {}, Durability::visible);
  threads.run("task", CreateStoreTask{});
  threads.write("visible", {PutLocal{"w", {}}}, {}, Durability::visible);
  threads.put("durable");
  threads.write("visible", {PutLocal{"x", {}}}, {}, Durability::visible);
  threads.home.open_gate();
  threads.loop.run_until(threads.done, 6);
  EXPECT_EQ(threads.commits(), 1U);
}

TEST(StoreThreadsTest, a_task_and_an_identity_begin_a_new_batch) {
  Threads threads;
  threads.block_writer();
  threads.put("one");
  threads.put("two");
  threads.run("task", CreateStoreTask{});
  threads.put("three");
  threads.write("four", {PutLocal{"four", {}}}, Bytes("identity"));
  threads.put("five");
  threads.home.open_gate();
  threads.loop.run_until(threads.done, 7);
  EXPECT_EQ(threads.commits(), 3U) << "one and two; three; four and five";
}

TEST(StoreThreadsTest, an_identity_is_written_before_the_writes_of_its_job_and_after_those_before_it) {
  Threads threads;
  threads.block_writer();
  threads.put("before");
  threads.write("with identity", {PutLocal{"with", {}}}, Bytes("identity"));
  threads.home.open_gate();
  threads.loop.run_until(threads.done, 3);
  EXPECT_EQ(threads.home.commits_at_identity, (std::vector<uint64_t>{0, 1}));
  EXPECT_EQ(threads.commits(), 2U);
}

TEST(StoreThreadsTest, a_later_write_overrules_an_earlier_one_of_the_same_batch) {
  Threads threads;
  const LogEntry entry = history(1, pn(1, c))[0];
  threads.block_writer();
  threads.write("put", {PutEntry{entry}});
  threads.write("erase", {EraseEntries{Version(1), Version(2)}});
  threads.write("put again", {PutEntry{test::under(entry, pn(2, c))}});
  threads.home.open_gate();
  threads.loop.run_until(threads.done, 4);
  const std::vector<LogEntry> accepted = MonitorStore(*threads.home.open_current({})).load_log()->accepted;
  ASSERT_EQ(accepted.size(), 1U);
  EXPECT_EQ(accepted[0].pn, pn(2, c));
}

TEST(StoreThreadsTest, reads_are_served_while_the_writer_is_busy) {
  Threads threads;
  threads.block_writer();
  threads.put("behind the gate");
  threads.run("read", RangeTask{});
  threads.loop.run_until(threads.done, 1);
  EXPECT_EQ(threads.done, Names{"read"});
  threads.home.open_gate();
  threads.loop.run_until(threads.done, 3);
}

// The writer opens a scrub, and keeps its segments, while the reader is at the one before.
TEST(StoreThreadsTest, a_scrub_is_opened_by_one_thread_and_read_by_the_other) {
  Threads threads;
  const std::vector<LogEntry> entries = history(30, pn(1, c));
  for (const LogEntry& entry : entries) {
    threads.write("write", {PutEntry{entry}, ApplyEntry{entry.position(), entry.value}, OpenScrub{entry.position()}});
    for (int i = 0; i < 3; ++i) threads.run("read", ReadSegmentsTask{entry.version, {}, 100});
    threads.run("close", CloseScrubTask{entry.version.previous()});
  }
  threads.loop.run_until(threads.done, entries.size() * 5);
  std::vector<bool> is_last;
  threads.storage->run(ReadScrubTask{Version(30), 1 << 20}, [&](const Result<TaskResult>& result) {
    ASSERT_TRUE(result);
    is_last.push_back(std::get<ScrubRead>(*result).is_last);
    threads.done.emplace_back("walked");
  });
  threads.loop.run_until(threads.done, entries.size() * 5 + 1);
  EXPECT_EQ(is_last, std::vector<bool>{true});
  threads.run("keep", KeepSegmentsTask{Version(30)});
  threads.run("read", ReadSegmentsTask{Version(30), {}, 100});
  threads.loop.run_until(threads.done, entries.size() * 5 + 3);
}

TEST(StoreThreadsTest, the_destructor_finishes_what_is_queued) {
  Threads threads;
  threads.block_writer();
  for (int i = 0; i < 5; ++i) threads.put("key-" + std::to_string(i));
  threads.run("create", CreateStoreTask{});
  threads.put("last");
  threads.home.open_gate();
  threads.storage.reset();
  EXPECT_TRUE(threads.done.empty()) << "completions are posted, and nobody ran them";
  EXPECT_TRUE(threads.has("last"));
  threads.loop.run_until(threads.done, 8);
}

}  // namespace
}  // namespace synod
