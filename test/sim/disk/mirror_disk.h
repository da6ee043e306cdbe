// A MemberDisk that is a LevelDbDisk, and keeps beside it what that has promised: each read is compared with what was
// committed (store_mirror.h), and so is the whole content of a store whenever it is opened. Identity, bound and the
// name of the current store, as a power cut would leave them, are compared at each start: what was written last, or,
// behind writes that failed, any of those.
//
// So LevelDB under HardenedEnv and DataDir make the promises that ModelDisk makes, or it is reported.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "test/sim/disk/level_db_disk.h"
#include "test/sim/disk/store_mirror.h"

namespace synod::sim {

class MirrorDisk final : public MemberDisk {
 public:
  // Told of each broken promise, as one sentence. A copy of the disk reports to the same.
  using Report = StoreMirror::Report;
  MirrorDisk(SimDisk::Options options, Report report);
  ~MirrorDisk() override;

  Result<std::unique_ptr<StoreHome>> start_life() override;
  void end_life() override;
  CutReport cut_power(PowerCut mode, SeededRandom& random) override;
  void freeze_at_call(uint64_t n) override;
  bool is_frozen() const override;
  uint64_t changes() const override;
  void fail(const FaultSpec& spec) override;
  void clear_faults() override;
  void on_call(std::function<void(const DiskEvent&)> observer) override;
  std::unique_ptr<MemberDisk> durable_copy() const override;

  // What it mirrors: to be changed behind its back by those who test it.
  LevelDbDisk& real();

 private:
  class State;
  class Home;
  explicit MirrorDisk(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace synod::sim
