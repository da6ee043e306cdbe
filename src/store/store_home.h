// Where a member's stores and its identity live: what a member and its store engine need of a data directory.
// Implementations: DataDir, and directories in memory for tests and the simulator.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "store/bound.h"
#include "store/database_options.h"
#include "store/key_value_db.h"

namespace synod {

class StoreHome {
 public:
  virtual ~StoreHome() = default;

  // Whether there is a current store.
  virtual bool has_store() const = 0;

  // The newest valid copy; nothing if none was ever finished; `corruption` if there are two and none is valid.
  virtual Result<std::optional<Bytes>> read_identity() const = 0;
  // Durable when it returns: one copy is written and synced, then the other, and the directory when a file is new.
  virtual Status write_identity(ByteView record) = 0;

  // Opens the current store. Fails if there is none: it never makes one. Fails with `corruption` if it has lost what
  // its bound covers; otherwise the bound covers all of it when this returns.
  virtual Result<std::unique_ptr<KeyValueDB>> open_current(const DatabaseOptions& options) = 0;
  // Makes an empty store beside the current one, in place of any that was there; `name` is what switch_to takes.
  struct NewStore {
    std::string name;
    std::unique_ptr<KeyValueDB> db;
    std::optional<Bytes> record = {};  // what write_copy_record() wrote last
  };
  virtual Result<NewStore> create_store(const DatabaseOptions& options) = 0;
  // The same with all that the current store holds, its log and local keys included, durably. The caller has closed the
  // current database before; neither store notices later changes of the other.
  virtual Result<NewStore> clone_current(const DatabaseOptions& options) = 0;
  // The store that one of these made and nothing has switched to, also in an earlier life, and also if there is no
  // current one; nothing if there is none, or if making or removing it was broken off. It holds all that was committed
  // durably. Any failure is the store's alone:
  // it is no use any more.
  virtual Result<std::optional<NewStore>> open_unfinished(const DatabaseOptions& options) = 0;
  // Beside that store, and not in it: says how far it has come. Durable when it returns; the one before, or this one,
  // after a crash. REQUIRES: there is one that nothing has switched to; all that the record tells is durable in it.
  virtual Status write_copy_record(ByteView record) = 0;
  // It is gone when this returns, also after a crash.
  virtual Status remove_unfinished() = 0;
  // From now on, also after a crash, the store that the next switch leaves is kept as evidence, in place of what was
  // kept before. REQUIRES: there is a current store.
  virtual Status keep_evidence() = 0;
  // Makes `name` the current store and this its bound, durably and in one step, and removes the other one, unless it is
  // kept. The caller has closed both databases before, and has made all of the new one durable.
  virtual Status switch_to(const std::string& name, const Bound& bound) = 0;
  // The bound of the current store. Durable when it returns; the one before, or this one, after a crash.
  // REQUIRES: all that it covers is durable.
  virtual Status write_bound(const Bound& bound) = 0;
};

}  // namespace synod
