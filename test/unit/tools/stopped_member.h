// Data directories as a stopped member leaves them, but without an identity.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "store/data_dir.h"
#include "store/monitor_store.h"

namespace synod::test {

inline Position genesis() { return {Version(), genesis_hash(Fsid{{1}})}; }

// What version v does.
using History = std::function<ReplicatedTransaction(uint64_t v)>;

// kv/k/<v> is put by version v.
inline ReplicatedTransaction put_own_key(uint64_t version) {
  ReplicatedTransaction value;
  value.put("kv/k/" + std::to_string(version), SharedBytes("value " + std::to_string(version)));
  return value;
}

// A history of `versions` values, of which the log has those from `first` on. The state that it begins with has the key
// kv/k/a<tab>b.
inline void make_member(const std::string& path, uint64_t versions, const History& history = put_own_key,
                        uint64_t first = 1) {
  Result<std::unique_ptr<DataDir>> dir = DataDir::open(path);
  ASSERT_TRUE(dir.has_value()) << dir.error().message();
  Result<DataDir::NewStore> made = (*dir)->create_store({});
  ASSERT_TRUE(made.has_value()) << made.error().message();
  Bound bound;
  {
    MonitorStore store(std::move(made->db));
    ReplicatedTransaction state;
    state.put("kv/k/a\tb", SharedBytes(Bytes("\0\xff", 2)));
    ASSERT_TRUE(store.initialize(genesis(), state).is_ok());
    Position top = genesis();
    for (uint64_t version = 1; version <= versions; ++version) {
      const LogEntry entry = make_log_entry(top, {1, MemberId(7)}, SharedBytes(history(version).encode()));
      const StoreWrites writes = {PutEntry{entry}, ApplyEntry{entry.position(), entry.value}};
      ASSERT_TRUE(store.commit({&writes}, Durability::visible).is_ok());
      top = entry.position();
    }
    const StoreWrites trimmed = {EraseEntries{Version(1), Version(first)}};
    ASSERT_TRUE(store.commit({&trimmed}, Durability::durable).is_ok());
    bound = *read_bound(*store.db().new_iterator());
  }
  ASSERT_TRUE((*dir)->switch_to(made->name, bound).is_ok());
}

}  // namespace synod::test
