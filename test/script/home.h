// A data directory in memory that outlives the process. A power cut takes all commits since the last durable one.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "store/memory_db.h"
#include "store/store_home.h"

namespace synod::script {

class ScriptHome : public StoreHome {
 public:
  // A store's contents now, and what a power cut leaves of them.
  struct Image {
    std::shared_ptr<KeyValueDB> live = make_memory_db();
    std::vector<DbBatch> durable;   // all commits up to the last durable one
    std::vector<DbBatch> unsynced;  // those since
    std::optional<Bytes> record;    // of a copy
  };

  bool has_store() const override { return current_ != nullptr; }
  Result<std::optional<Bytes>> read_identity() const override { return identity_; }
  Status write_identity(ByteView record) override;
  Result<std::unique_ptr<KeyValueDB>> open_current(const DatabaseOptions& options) override;
  Result<NewStore> create_store(const DatabaseOptions& options) override;
  Result<NewStore> clone_current(const DatabaseOptions& options) override;
  Result<std::optional<NewStore>> open_unfinished(const DatabaseOptions& options) override;
  Status write_copy_record(ByteView record) override;
  Status remove_unfinished() override;
  Status keep_evidence() override { return Status::ok(); }
  Status switch_to(const std::string& name, const Bound& bound) override;
  Status write_bound(const Bound&) override { return Status::ok(); }

  const std::optional<Bytes>& identity() const { return identity_; }
  // Returns how many commits are gone.
  size_t cut_power();

 private:
  std::optional<Bytes> identity_;
  std::shared_ptr<Image> current_;
  std::shared_ptr<Image> other_;
};

}  // namespace synod::script
