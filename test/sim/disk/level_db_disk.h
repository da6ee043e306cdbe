// A MemberDisk that holds a real data directory: DataDir, TwinFile, HardenedEnv and LevelDB on a SimDisk.
#pragma once

#include <memory>

#include "store/key_value_db.h"
#include "test/sim/disk/member_disk.h"
#include "test/sim/disk/sim_disk.h"

namespace synod::sim {

// A LevelDB on a DiskLife, whose background work is done when it is opened, before each commit, and before it is
// closed.
std::unique_ptr<KeyValueDB> with_drain(std::shared_ptr<DiskLife> life, std::unique_ptr<KeyValueDB> db);

class LevelDbDisk final : public MemberDisk {
 public:
  // The data directory on the disk.
  static constexpr const char* path = "data";

  explicit LevelDbDisk(SimDisk::Options options) : LevelDbDisk(std::make_unique<SimDisk>(std::move(options))) {}
  explicit LevelDbDisk(std::unique_ptr<SimDisk> disk) : disk_(std::move(disk)) {}

  Result<std::unique_ptr<StoreHome>> start_life() override;
  void end_life() override { disk_->end_life(); }
  CutReport cut_power(PowerCut mode, SeededRandom& random) override { return disk_->cut_power(mode, random); }
  void freeze_at_call(uint64_t n) override { disk_->freeze_at_call(n); }
  bool is_frozen() const override { return disk_->is_frozen(); }
  uint64_t changes() const override { return disk_->changes(); }
  void fail(const FaultSpec& spec) override { disk_->fail(spec); }
  void clear_faults() override { disk_->clear_faults(); }
  void on_call(std::function<void(const DiskEvent&)> observer) override { disk_->on_call(std::move(observer)); }
  std::unique_ptr<MemberDisk> durable_copy() const override;

  SimDisk& disk() { return *disk_; }

 private:
  std::unique_ptr<SimDisk> disk_;
};

}  // namespace synod::sim
