// A ModelDisk with one process life after the other, as a StoreHome that can be made on the spot: for unit tests.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "test/sim/disk/model_disk.h"

namespace synod::sim {

class MemoryHome final : public StoreHome {
 public:
  MemoryHome() : life_(*disk_.start_life()) {}

  bool has_store() const override { return life_->has_store(); }
  Result<std::optional<Bytes>> read_identity() const override { return life_->read_identity(); }
  Status write_identity(ByteView record) override { return life_->write_identity(record); }
  Result<std::unique_ptr<KeyValueDB>> open_current(const DatabaseOptions& options) override {
    return life_->open_current(options);
  }
  Result<NewStore> create_store(const DatabaseOptions& options) override { return life_->create_store(options); }
  Result<NewStore> clone_current(const DatabaseOptions& options) override { return life_->clone_current(options); }
  Result<std::optional<NewStore>> open_unfinished(const DatabaseOptions& options) override {
    return life_->open_unfinished(options);
  }
  Status write_copy_record(ByteView record) override { return life_->write_copy_record(record); }
  Status remove_unfinished() override { return life_->remove_unfinished(); }
  Status keep_evidence() override { return life_->keep_evidence(); }
  Status switch_to(const std::string& name, const Bound& bound) override { return life_->switch_to(name, bound); }
  Status write_bound(const Bound& bound) override { return life_->write_bound(bound); }

  std::optional<Bytes> identity() const { return *life_->read_identity(); }
  uint64_t durable_commits() const { return disk_.durable_commits(); }
  void cut_power(SeededRandom& random) {
    disk_.cut_power(PowerCut::prefix_kept, random);
    life_ = *disk_.start_life();
  }

 private:
  ModelDisk disk_{1};
  std::unique_ptr<StoreHome> life_;
};

}  // namespace synod::sim
