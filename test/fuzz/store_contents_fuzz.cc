// A store whose keys and values are not what was written: everything that reads a store, on arbitrary contents. A step
// of the script is one pair.
#include <array>

#include "base/assert.h"
#include "base/codec.h"
#include "mon/core/monmap.h"
#include "mon/service/evaluator.h"
#include "mon/service/kv_service.h"
#include "mon/service/monmap_service.h"
#include "store/bound.h"
#include "store/compare.h"
#include "store/memory_db.h"
#include "store/monitor_store.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/script.h"

namespace synod::fuzz {
namespace {

constexpr std::array spaces = {KeySpace::local, KeySpace::log, KeySpace::replicated};

// Mutations of the seeds seldom change the length of a key, so the field has the key's length before the value.
std::unique_ptr<MonitorStore> fill(ByteView script) {
  constexpr int pairs_max = 200;
  std::unique_ptr<KeyValueDB> db = make_memory_db();
  for (int i = 0; i < pairs_max; ++i) {
    const std::optional<Step> step = next_step(script);
    if (!step) break;
    const ByteView key = step->bytes.substr(0, step->number);
    Transaction pair;
    pair.put(Bytes(key), SharedBytes::copy_of(step->bytes.substr(key.size())));
    DbBatch batch;
    const KeySpace space = spaces[step->kind % spaces.size()];
    if (space == KeySpace::local) {
      LocalTransaction typed;
      typed.append(std::move(pair));
      batch.add(std::move(typed));
    } else if (space == KeySpace::log) {
      LogTransaction typed;
      typed.append(std::move(pair));
      batch.add(std::move(typed));
    } else {
      ReplicatedTransaction typed;
      typed.append(std::move(pair));
      batch.add(std::move(typed));
    }
    SYNOD_ASSERT(db->commit(batch, Durability::durable).is_ok(), "memory takes everything");
  }
  return std::make_unique<MonitorStore>(std::move(db));
}

void check_chain(const std::vector<LogEntry>& entries) {
  for (size_t i = 1; i < entries.size(); ++i) {
    SYNOD_ASSERT(entries[i].version == entries[i - 1].version.next(), "the log has no gap");
    SYNOD_ASSERT(entries[i].predecessor == entries[i - 1].hash, "the log chains");
  }
}

void read_log(const MonitorStore& store) {
  if (const Result<LogState> log = store.load_log()) {
    check_chain(log->accepted);
    if (!log->accepted.empty()) {
      SYNOD_ASSERT(log->accepted.front().predecessor == log->applied.hash, "the log chains on what is applied");
    }
  }
  for (const uint64_t from : {uint64_t{0}, uint64_t{1}, uint64_t{2}, UINT64_MAX}) {
    const Result<std::vector<LogEntry>> entries = store.read_entries(Version(from), Version(UINT64_MAX), 1000);
    if (entries) check_chain(*entries);
  }
  if (const Result<Bound> bound = read_bound(*store.db().new_iterator())) {
    SYNOD_ASSERT(verify_reaches(*bound, *bound, "store").is_ok(), "a store reaches the bound that it has");
    if (bound->sequence > 0) {
      const Bound before{bound->sequence - 1, {}, {}};
      SYNOD_ASSERT(!verify_reaches(before, *bound, "store").is_ok(), "and none that is shorter does");
    }
  }
}

void read_services(const MonitorStore& store) {
  const std::unique_ptr<ReplicatedReader> reader = store.new_reader();
  if (const auto monmap = reader->get(monmap_key); monmap && *monmap) static_cast<void>(Monmap::decode(**monmap));
  static_cast<void>(read_range(*reader, RangeRequest{}, 1000));
  Evaluator evaluator;
  EvaluateTask task;
  task.version = Version(1);
  task.requests.emplace_back(WriteRequest{{{WriteOp::Type::put, "key", {}}, {WriteOp::Type::erase, "other", {}}}});
  task.requests.emplace_back(OpenSessionRequest{7});
  static_cast<void>(evaluator.evaluate(*reader, task));
}

void walk(const MonitorStore& store) {
  Result<std::unique_ptr<StoreWalker>> walker = store.new_walker({});
  if (!walker) return;
  ReplicatedTransaction all;
  for (bool is_last = false; !is_last;) {
    Result<WalkChunk> chunk = (*walker)->next_chunk(100, 3);
    SYNOD_ASSERT(chunk && (chunk->keys > 0 || chunk->is_last), "a walk goes on and ends");
    is_last = chunk->is_last;
    all.append(std::move(chunk->puts));
  }
  MonitorStore copy(make_memory_db());
  SYNOD_ASSERT(copy.commit_chunk(all, Durability::durable).is_ok(), "memory takes everything");
  SYNOD_ASSERT(*copy.digest() == *store.digest(), "a walk brings all keys");
  const Result<Comparison> comparison = compare_stores(store, copy, [](const Difference&) {});
  SYNOD_ASSERT(!comparison || comparison->is_equal(), "a copy is equal");
}

}  // namespace

void run(ByteView input) {
  const std::unique_ptr<MonitorStore> whole = fill(input);
  read_log(*whole);
  read_services(*whole);
  walk(*whole);
  const std::unique_ptr<MonitorStore> half = fill(input.substr(0, input.size() / 2));
  static_cast<void>(compare_stores(*half, *whole, [](const Difference&) {}));
}

std::vector<Bytes> seeds() {
  MonitorStore store(make_memory_db());
  const Position genesis{Version(), genesis_hash(Fsid{})};
  Monmap monmap;
  monmap.members = {{"a", MemberId(1), "a:1", MemberRole::voter}};
  SYNOD_ASSERT(store.initialize(genesis, monmap_genesis(monmap)).is_ok(), "the seed is made");
  Position at = genesis;
  for (uint64_t i = 1; i <= 4; ++i) {
    ReplicatedTransaction value;
    value.put(Bytes(kv_key_prefix) + std::to_string(i), SharedBytes(KvRecord{i, i, 1, "value"}.encode()));
    const LogEntry entry = make_log_entry(at, {1, MemberId(1)}, SharedBytes(value.encode()));
    StoreWrites writes = {PutEntry{entry}};
    if (i <= 2) writes.push_back(ApplyEntry{entry.position(), entry.value});
    SYNOD_ASSERT(store.commit({&writes}, Durability::durable).is_ok(), "the seed is made");
    at = entry.position();
  }
  Bytes script;
  const std::unique_ptr<DbIterator> all = store.db().new_iterator();
  for (all->seek_to_first(); all->is_valid(); all->next()) {
    const auto space = std::find(spaces.begin(), spaces.end(), all->space()) - spaces.begin();
    put_step(script, static_cast<uint8_t>(space), static_cast<uint8_t>(all->key().size()),
             Bytes(all->key()) + Bytes(all->value()));
  }
  return {script};
}

}  // namespace synod::fuzz
