// What one store has to hold, told by what was committed to it: the promises of a KeyValueDB on LevelDB under
// HardenedEnv, kept in memory beside it, and compared with what it really holds.
//
// A killed process loses no commit. A power cut keeps the durable ones and a prefix of those since, and so does a sync
// that failed. A commit that failed may be there afterwards or not, behind all the others, and none succeeds after it.
//
// Deterministic, not thread safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/memory_db.h"

namespace synod::sim {

class StoreMirror : public std::enable_shared_from_this<StoreMirror> {
 public:
  // Told of each difference, as one sentence that names the store.
  using Report = std::function<void(const std::string&)>;
  // Of an empty store.
  StoreMirror(std::string name, Report report) : name_(std::move(name)), report_(std::move(report)) {}

  const std::string& name() const { return name_; }

  // The store was opened: compares all that it holds with what it has to hold. What it holds is durable from now on, as
  // LevelDB makes it when it opens. The result passes commits and reads on and compares what they return, until the
  // life ends. Fails if the store cannot be read.
  Result<std::unique_ptr<KeyValueDB>> open(std::unique_ptr<KeyValueDB> db);
  // The same for a store of which nothing is known: what it holds is taken as it is.
  Result<std::unique_ptr<KeyValueDB>> adopt(std::unique_ptr<KeyValueDB> db);
  // The process has ended: what its handles still do does not count.
  void end_life() { ++life_; }
  // A power cut, or a sync that failed: of what is not durable, the end may be missing.
  void lose_volatile() { is_volatile_lost_ = true; }

  // What the database holds now.
  const KeyValueDB& live() const { return *live_; }
  // The mirror of a copy of the store, made while it is closed.
  std::shared_ptr<StoreMirror> copy(std::string name) const;
  // The same, made as by a power cut.
  std::shared_ptr<StoreMirror> durable_copy() const;

 private:
  using Pairs = std::map<Bytes, SharedBytes, std::less<>>;  // by stored key
  class Database;
  class Iterator;
  class Search;

  static Result<Pairs> read_all(const KeyValueDB& db);
  template <class OnChanged>
  static void apply(Pairs& pairs, const DbBatch& batch, OnChanged on_changed);

  void compare_all(const Pairs& found) const;
  std::unique_ptr<KeyValueDB> keep(Pairs found, std::unique_ptr<KeyValueDB> db);
  void take(Pairs found);
  void note(const DbBatch& batch, Durability durability, const Status& done);
  void differs(KeySpace space, ByteView key, const std::optional<ByteView>& found,
               const std::optional<ByteView>& wanted) const;

  std::string name_;
  Report report_;
  std::unique_ptr<KeyValueDB> live_ = make_memory_db();
  Pairs durable_;
  std::vector<DbBatch> volatile_commits_;
  std::optional<DbBatch> failed_commit_;
  bool is_volatile_lost_ = false;
  uint64_t life_ = 0;
};

}  // namespace synod::sim
