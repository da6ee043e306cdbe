#include "test/sim/disk/model_disk.h"

#include <fmt/format.h>

#include "base/assert.h"

namespace synod::sim {
namespace {

void must(const Status& status) { SYNOD_ASSERT(status.is_ok(), "a database in memory does not fail"); }

template <KeySpace space>
void copy_space(const KeyValueDB& from, DbBatch& all) {
  const std::unique_ptr<DbIterator> at = from.new_iterator(space);
  SpaceTransaction<space> puts;
  for (at->seek_to_first(); at->is_valid(); at->next()) puts.put(Bytes(at->key()), SharedBytes::copy_of(at->value()));
  all.add(std::move(puts));
}

std::unique_ptr<KeyValueDB> copy_of(const KeyValueDB& from) {
  DbBatch all;
  copy_space<KeySpace::local>(from, all);
  copy_space<KeySpace::log>(from, all);
  copy_space<KeySpace::replicated>(from, all);
  std::unique_ptr<KeyValueDB> copy = make_memory_db();
  must(copy->commit(all, Durability::visible));
  return copy;
}

Status ended() { return Status(Code::io_error, "the process has ended"); }

}  // namespace

Status ModelDisk::State::begin(DiskCall call, FileClass file, const char* what) {
  if (is_frozen) return Status(Code::io_error, fmt::format("cannot {}: the power failed", what));
  const std::optional<FaultKind> fault = faults.meet(call, file);
  DiskError error = DiskError::none;
  if (fault) error = *fault == FaultKind::no_space ? DiskError::no_space : DiskError::io_error;
  if (++changes == freeze_at) {
    is_frozen = true;
    error = DiskError::io_error;
  }
  const std::string path = what;
  if (observer) observer({changes, call, path, file, 0, {}, error});
  if (error == DiskError::none) return Status::ok();
  return Status(Code::io_error, fmt::format("cannot {}: {}", what, error_text(error)));
}

// An open handle on an image.
class ModelDisk::Database final : public KeyValueDB {
 public:
  Database(std::shared_ptr<State> state, std::shared_ptr<Image> image)
      : state_(std::move(state)), image_(std::move(image)), life_(state_->life) {}

  Status commit(const DbBatch& batch, Durability durability) override {
    if (state_->life != life_) return ended();
    if (!failure_.is_ok()) return failure_;
    failure_ = state_->begin(DiskCall::write, FileClass::wal, "commit");
    if (failure_.is_ok() && durability == Durability::durable) {
      failure_ = sync();
      image_->has_failed_sync = !failure_.is_ok();
    }
    if (!failure_.is_ok()) {
      image_->uncertain = batch;
      return failure_;
    }
    must(image_->live->commit(batch, durability));
    image_->volatile_commits.push_back(batch);
    if (durability == Durability::durable) make_durable();
    return Status::ok();
  }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override {
    if (state_->life != life_ || state_->is_frozen) return ended();
    return image_->live->get(space, key);
  }
  std::unique_ptr<DbIterator> make_iterator(CacheUse use) const override { return image_->live->make_iterator(use); }

 private:
  Status sync() {
    // The write and the sync are one change here: the count stays, whatever the second one meets.
    --state_->changes;
    return state_->begin(DiskCall::sync, FileClass::wal, "sync a commit");
  }
  void make_durable() {
    ++state_->durable_commits;
    ModelDisk::make_durable(*image_);
  }

  std::shared_ptr<State> state_;
  std::shared_ptr<Image> image_;
  uint64_t life_;
  Status failure_;
};

class ModelDisk::Home final : public StoreHome {
 public:
  explicit Home(std::shared_ptr<State> state) : state_(std::move(state)), life_(state_->life) {}

  bool has_store() const override { return state_->current != nullptr; }
  Result<std::optional<Bytes>> read_identity() const override { return state_->identity; }
  Status write_identity(ByteView record) override {
    if (has_ended()) return ended();
    SYNOD_RETURN_IF_ERROR(state_->begin(DiskCall::sync, FileClass::identity, "write the identity"));
    state_->identity = Bytes(record);
    return Status::ok();
  }

  Result<std::unique_ptr<KeyValueDB>> open_current(const DatabaseOptions&) override {
    if (has_ended() || state_->is_frozen) return ended();
    if (state_->current == nullptr) return Status(Code::not_found, "there is no store");
    // As LevelDB, which writes what it has recovered to tables.
    make_durable(*state_->current);
    const Result<Bound> found = read_bound(*state_->current->live->new_iterator());
    if (!found) return found.error();
    SYNOD_ASSERT(state_->bound.has_value(), "a store becomes the current one with its bound");
    SYNOD_RETURN_IF_ERROR(verify_reaches(*found, *state_->bound, "the store"));
    state_->bound = *found;
    return std::unique_ptr<KeyValueDB>(std::make_unique<Database>(state_, state_->current));
  }
  Result<NewStore> create_store(const DatabaseOptions&) override {
    if (has_ended()) return ended();
    SYNOD_RETURN_IF_ERROR(state_->begin(DiskCall::create, FileClass::other, "make a store"));
    state_->other = std::make_shared<Image>();
    state_->other_name = fmt::format("store.{}", ++state_->last_store);
    return NewStore{state_->other_name, std::make_unique<Database>(state_, state_->other)};
  }
  Result<NewStore> clone_current(const DatabaseOptions& options) override {
    SYNOD_ASSERT(state_->current != nullptr, "only a store is cloned");
    Result<NewStore> made = create_store(options);
    if (!made) return made;
    // Closing the current database has synced what it had.
    make_durable(*state_->current);
    state_->other->live = copy_of(*state_->current->live);
    state_->other->durable = copy_of(*state_->current->live);
    return made;
  }
  Result<std::optional<NewStore>> open_unfinished(const DatabaseOptions&) override {
    if (has_ended() || state_->is_frozen) return ended();
    if (state_->other == nullptr) return std::optional<NewStore>();
    make_durable(*state_->other);
    return std::optional<NewStore>(
        NewStore{state_->other_name, std::make_unique<Database>(state_, state_->other), state_->other->record});
  }
  Status write_copy_record(ByteView record) override {
    if (has_ended()) return ended();
    SYNOD_ASSERT(state_->other != nullptr, "a copy's record is written while there is one");
    SYNOD_RETURN_IF_ERROR(state_->begin(DiskCall::sync, FileClass::other, "write the record of a copy"));
    state_->other->record = Bytes(record);
    return Status::ok();
  }
  Status remove_unfinished() override {
    if (has_ended()) return ended();
    state_->other.reset();
    return Status::ok();
  }
  Status write_bound(const Bound& bound) override {
    if (has_ended()) return ended();
    SYNOD_ASSERT(read_bound(*state_->current->durable->new_iterator())->sequence >= bound.sequence,
                 "I-11: the bound names no batch that is not durable");
    SYNOD_RETURN_IF_ERROR(state_->begin(DiskCall::sync, FileClass::bound, "write the bound"));
    state_->bound = bound;
    return Status::ok();
  }
  Status keep_evidence() override {
    if (has_ended()) return ended();
    SYNOD_RETURN_IF_ERROR(state_->begin(DiskCall::rename, FileClass::other, "ask for evidence"));
    state_->is_evidence_wanted = true;
    return Status::ok();
  }
  Status switch_to(const std::string& name, const Bound& bound) override {
    if (has_ended()) return ended();
    SYNOD_ASSERT(state_->other != nullptr && name == state_->other_name,
                 "a store that was made becomes the current one");
    SYNOD_ASSERT(state_->other->volatile_commits.empty(), "only a durable store becomes the current one");
    SYNOD_RETURN_IF_ERROR(state_->begin(DiskCall::rename, FileClass::other, "switch to a store"));
    if (std::exchange(state_->is_evidence_wanted, false)) state_->evidence = std::move(state_->current);
    state_->current = std::move(state_->other);
    state_->current->record.reset();
    state_->bound = bound;
    return Status::ok();
  }

 private:
  bool has_ended() const { return state_->life != life_; }

  std::shared_ptr<State> state_;
  uint64_t life_;
};

ModelDisk::~ModelDisk() {
  if (state_ != nullptr) ++state_->life;
}

Result<std::unique_ptr<StoreHome>> ModelDisk::start_life() {
  end_life();
  if (state_->is_frozen) return ended();
  return std::unique_ptr<StoreHome>(std::make_unique<Home>(state_));
}

void ModelDisk::make_durable(Image& image) {
  for (const DbBatch& batch : image.volatile_commits) must(image.durable->commit(batch, Durability::durable));
  image.volatile_commits.clear();
}

void ModelDisk::settle(Image& image, SeededRandom& random) {
  if (image.uncertain && random.chance(50)) {
    must(image.live->commit(*image.uncertain, Durability::visible));
    image.volatile_commits.push_back(*std::move(image.uncertain));
  }
  image.uncertain.reset();
  if (std::exchange(image.has_failed_sync, false)) cut(image, PowerCut::prefix_kept, random);
}

void ModelDisk::end_life() {
  ++state_->life;
  if (state_->current != nullptr) settle(*state_->current, state_->random);
  if (state_->other != nullptr) settle(*state_->other, state_->random);
}

void ModelDisk::cut(Image& image, PowerCut mode, SeededRandom& random) {
  const size_t volatile_count = image.volatile_commits.size();
  const size_t kept = mode == PowerCut::all_lost ? 0 : random.below(volatile_count + 1);
  for (size_t i = 0; i < kept; ++i) must(image.durable->commit(image.volatile_commits[i], Durability::durable));
  if (kept != volatile_count) image.live = copy_of(*image.durable);
  image.volatile_commits.clear();
}

CutReport ModelDisk::cut_power(PowerCut mode, SeededRandom& random) {
  end_life();
  if (state_->current != nullptr) cut(*state_->current, mode, random);
  if (state_->other != nullptr) cut(*state_->other, mode, random);
  state_->is_frozen = false;
  state_->freeze_at = 0;
  return {};
}

std::unique_ptr<MemberDisk> ModelDisk::durable_copy() const {
  auto copy = std::make_unique<ModelDisk>(1);
  copy->state_->identity = state_->identity;
  copy->state_->bound = state_->bound;
  copy->state_->last_store = state_->last_store;
  copy->state_->bound = state_->bound;
  auto copy_image = [](const std::shared_ptr<Image>& from) {
    auto image = std::make_shared<Image>();
    image->live = copy_of(*from->durable);
    image->durable = copy_of(*from->durable);
    image->record = from->record;
    return image;
  };
  if (state_->current != nullptr) copy->state_->current = copy_image(state_->current);
  if (state_->other != nullptr) copy->state_->other = copy_image(state_->other);
  copy->state_->other_name = state_->other_name;
  return copy;
}

}  // namespace synod::sim
