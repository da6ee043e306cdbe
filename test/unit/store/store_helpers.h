// Short ways to write what store tests write often.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "store/leveldb/level_db.h"
#include "store/memory_db.h"
#include "store/monitor_store.h"

namespace synod::test {

inline SharedBytes shared(std::string_view text) { return SharedBytes::copy_of(text); }

template <KeySpace space = KeySpace::replicated>
SpaceTransaction<space> put(Bytes key, std::string_view value) {
  SpaceTransaction<space> transaction;
  transaction.put(std::move(key), shared(value));
  return transaction;
}

template <KeySpace space>
DbBatch batch_of(SpaceTransaction<space> transaction) {
  DbBatch batch;
  batch.add(std::move(transaction));
  return batch;
}

// Changes a store behind the log's back, as a bad disk or a bug would.
inline void tamper(MonitorStore& store, const ReplicatedTransaction& change) {
  EXPECT_TRUE(store.db().commit(batch_of(change), Durability::durable).is_ok());
}

inline std::unique_ptr<KeyValueDB> open_level_db_for_test(const std::string& path, OpenMode mode,
                                                          size_t write_buffer_bytes = 64 << 10) {
  DatabaseOptions options;
  options.write_buffer_bytes = write_buffer_bytes;
  Result<std::unique_ptr<KeyValueDB>> db = open_level_db(path, options, mode, make_disk_env());
  EXPECT_TRUE(db) << db.error().to_string();
  return db ? *std::move(db) : nullptr;
}

// All pairs that an iterator shows, as "space key=value".
inline std::vector<std::string> dump(DbIterator& iterator) {
  std::vector<std::string> pairs;
  for (iterator.seek_to_first(); iterator.is_valid(); iterator.next()) {
    pairs.push_back(std::string(1, static_cast<char>(iterator.space())) + " " + Bytes(iterator.key()) + "=" +
                    Bytes(iterator.value()));
  }
  EXPECT_TRUE(iterator.status().is_ok()) << iterator.status().to_string();
  return pairs;
}
inline std::vector<std::string> dump(const KeyValueDB& db) { return dump(*db.new_iterator()); }

inline const Fsid test_fsid{{1, 2, 3}};
inline Position genesis() { return {Version(0), genesis_hash(test_fsid)}; }

inline std::unique_ptr<MonitorStore> new_memory_store() {
  auto store = std::make_unique<MonitorStore>(make_memory_db());
  EXPECT_TRUE(store->initialize(genesis(), {}).is_ok());
  return store;
}

// Grows a history value by value and writes it into stores.
class History {
 public:
  const LogEntry& add(const ReplicatedTransaction& value, uint64_t round = 1) {
    const Position top = entries_.empty() ? genesis() : entries_.back().position();
    entries_.push_back(make_log_entry(top, {round, MemberId(7)}, SharedBytes(value.encode())));
    return entries_.back();
  }
  const LogEntry& at(uint64_t version) const { return entries_.at(version - 1); }
  uint64_t size() const { return entries_.size(); }

  // Accepts and applies the entries from < version <= to.
  void apply(MonitorStore& store, uint64_t from, uint64_t to) const {
    StoreWrites writes;
    for (uint64_t version = from + 1; version <= to; ++version) {
      writes.emplace_back(PutEntry{at(version)});
      writes.emplace_back(ApplyEntry{at(version).position(), at(version).value});
    }
    ASSERT_TRUE(store.commit({&writes}, Durability::durable).is_ok());
  }

 private:
  std::vector<LogEntry> entries_;
};

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}
inline void spit(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Everything that can be seen of the files below a directory: names, contents, times, sizes, permissions.
inline std::vector<std::string> fingerprint(const std::string& dir) {
  std::map<std::string, std::string> files;
  auto describe = [](const std::filesystem::directory_entry& entry) {
    std::ostringstream text;
    text << entry.path().string() << ' ' << entry.last_write_time().time_since_epoch().count() << ' '
         << static_cast<int>(entry.status().permissions()) << ' ';
    if (entry.is_regular_file()) text << entry.file_size() << ' ' << checksum64(slurp(entry.path()));
    return text.str();
  };
  files[dir] = describe(std::filesystem::directory_entry(dir));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    files[entry.path().string()] = describe(entry);
  }
  std::vector<std::string> lines;
  for (const auto& [path, line] : files) lines.push_back(line);
  return lines;
}

}  // namespace synod::test
