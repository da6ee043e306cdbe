// A MemberDisk without files: databases in memory, with the promises of a DataDir on LevelDB under HardenedEnv, at the
// granularity of commits. A power cut keeps a prefix of the commits since the last durable one (all_lost: none, the
// other modes: any), and so does a restart after a sync that failed; a commit that failed, or in which the power
// failed, may be there afterwards or not; after a failed commit its database takes no other. Identity and switch are
// durable when they return, or have not happened.
//
// As an event a visible commit is a `write` of the file class `wal`, a durable one a `write` and a `sync`; an identity
// a `sync` of the class `identity`; a bound a `sync` of the class `bound`; making a store a `create`, and a switch a
// `rename`, of the class `other`.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "store/memory_db.h"
#include "test/sim/disk/member_disk.h"

namespace synod::sim {

class ModelDisk final : public MemberDisk {
 public:
  explicit ModelDisk(uint64_t seed) : state_(std::make_shared<State>(seed)) {}
  ModelDisk(ModelDisk&&) noexcept = default;
  ModelDisk& operator=(ModelDisk&&) noexcept = default;
  ~ModelDisk() override;

  Result<std::unique_ptr<StoreHome>> start_life() override;
  void end_life() override;
  CutReport cut_power(PowerCut mode, SeededRandom& random) override;
  void freeze_at_call(uint64_t n) override { state_->freeze_at = n; }
  bool is_frozen() const override { return state_->is_frozen; }
  uint64_t changes() const override { return state_->changes; }
  void fail(const FaultSpec& spec) override { state_->faults.add(spec); }
  void clear_faults() override { state_->faults.clear(); }
  void on_call(std::function<void(const DiskEvent&)> observer) override { state_->observer = std::move(observer); }
  std::unique_ptr<MemberDisk> durable_copy() const override;

  uint64_t durable_commits() const { return state_->durable_commits; }

 private:
  // One store's contents, now and after a power cut.
  struct Image {
    std::unique_ptr<KeyValueDB> live = make_memory_db();
    std::unique_ptr<KeyValueDB> durable = make_memory_db();
    std::deque<DbBatch> volatile_commits;
    std::optional<Bytes> record;       // of a copy
    std::optional<DbBatch> uncertain;  // failed: what the next life sees of it is not decided yet
    bool has_failed_sync = false;      // nor what it sees of the volatile commits
  };
  struct State {
    explicit State(uint64_t seed) : random(seed) {}
    // Counts a change. Fails if it meets a fault, if the power fails in it, or if it has failed before.
    Status begin(DiskCall call, FileClass file, const char* what);

    SeededRandom random;
    std::optional<Bytes> identity;
    std::optional<Bound> bound;  // of the current store
    std::shared_ptr<Image> current;
    std::shared_ptr<Image> other;
    std::shared_ptr<Image> evidence;
    bool is_evidence_wanted = false;
    std::string other_name;
    uint64_t last_store = 0;
    uint64_t life = 0;
    FaultPlan faults;
    std::function<void(const DiskEvent&)> observer;
    uint64_t changes = 0;
    uint64_t freeze_at = 0;
    bool is_frozen = false;
    uint64_t durable_commits = 0;
  };
  class Database;
  class Home;

  static void make_durable(Image& image);
  static void settle(Image& image, SeededRandom& random);
  static void cut(Image& image, PowerCut mode, SeededRandom& random);

  std::shared_ptr<State> state_;
};

}  // namespace synod::sim
