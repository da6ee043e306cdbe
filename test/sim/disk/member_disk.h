// The disk of one member in the simulator: it outlives processes. Three kinds: LevelDbDisk (the real DataDir on a
// SimDisk), ModelDisk (a database in memory that keeps the same promises, faster), and MirrorDisk (a LevelDbDisk that
// is held to these promises).
//
//   disk.start_life() -> home -> open_current() -> database      a process runs
//   disk.end_life(), then its objects are destroyed              it is killed: what it wrote stays
//   disk.cut_power(...), then its objects are destroyed          and what was not synced may be lost
//
// Deterministic, not thread safe. The objects of a life that has ended are harmless: each call of theirs fails.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "store/store_home.h"
#include "test/sim/disk/disk_faults.h"
#include "test/sim/scheduler.h"

namespace synod::sim {

class MemberDisk {
 public:
  virtual ~MemberDisk() = default;

  // What a process that starts has of its data directory. Ends the life before. Fails as DataDir::open.
  virtual Result<std::unique_ptr<StoreHome>> start_life() = 0;
  // To be called before the objects of the life are destroyed: a destructor may sync, a killed process does not.
  virtual void end_life() = 0;

  // Ends the life; the disk is no longer frozen.
  virtual CutReport cut_power(PowerCut mode, SeededRandom& random) = 0;
  // The power fails inside the n-th change (of all, from 1; n > changes()): done in part or not at all, and each later
  // call fails without effect, until cut_power(). 0: never.
  virtual void freeze_at_call(uint64_t n) = 0;
  virtual bool is_frozen() const = 0;
  // Calls that changed the disk. ModelDisk counts a commit, an identity and a switch as one each.
  virtual uint64_t changes() const = 0;

  virtual void fail(const FaultSpec& spec) = 0;
  virtual void clear_faults() = 0;
  // Told of each call of a living process before it is done, until the disk is frozen.
  virtual void on_call(std::function<void(const DiskEvent&)> observer) = 0;

  // A disk of its own, as PowerCut::all_lost would leave this one; without faults and observer.
  virtual std::unique_ptr<MemberDisk> durable_copy() const = 0;
};

}  // namespace synod::sim
