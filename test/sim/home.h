// A data directory in memory that survives the end of a process, and of which a power cut loses what was not durable:
// a suffix of the commits since the last durable one.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "store/memory_db.h"
#include "store/store_home.h"
#include "test/sim/scheduler.h"

namespace synod::sim {

// One store's contents, now and after a power cut.
struct StoreImage {
  std::unique_ptr<KeyValueDB> live = make_memory_db();
  std::unique_ptr<KeyValueDB> durable = make_memory_db();
  std::deque<DbBatch> volatile_commits;
};

class MemoryHome : public StoreHome {
 public:
  Result<std::optional<Bytes>> read_identity() const override { return identity_; }
  Status write_identity(ByteView record) override;
  Result<std::unique_ptr<KeyValueDB>> open_current(const DatabaseOptions& options) override;
  Result<NewStore> create_store(const DatabaseOptions& options) override;
  Status switch_to(const std::string& name, const Bound& bound) override;
  Status write_bound(const Bound& bound) override;

  const std::optional<Bytes>& identity() const { return identity_; }
  bool has_store() const override { return current_ != nullptr; }
  void cut_power(SeededRandom& random);
  uint64_t durable_commits() const { return durable_commits_; }
  const std::optional<Bound>& bound() const { return bound_; }

 private:
  friend class ImageDB;
  std::optional<Bytes> identity_;
  std::optional<Bound> bound_;
  std::shared_ptr<StoreImage> current_;
  std::shared_ptr<StoreImage> other_;
  uint64_t durable_commits_ = 0;
};

}  // namespace synod::sim
