#include "test/sim/home.h"

#include "base/assert.h"

namespace synod::sim {
namespace {

void must(const Status& status) { SYNOD_ASSERT(status.is_ok(), "a database in memory does not fail"); }

void make_durable(StoreImage& image) {
  for (const DbBatch& batch : image.volatile_commits) must(image.durable->commit(batch, Durability::durable));
  image.volatile_commits.clear();
}

}  // namespace

// An open handle on an image.
class ImageDB : public KeyValueDB {
 public:
  ImageDB(std::shared_ptr<StoreImage> image, uint64_t& durable_commits)
      : image_(std::move(image)), durable_commits_(durable_commits) {}

  using KeyValueDB::new_iterator;
  Status commit(const DbBatch& batch, Durability durability) override {
    must(image_->live->commit(batch, durability));
    image_->volatile_commits.push_back(batch);
    if (durability == Durability::durable) {
      ++durable_commits_;
      make_durable(*image_);
    }
    return Status::ok();
  }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override {
    return image_->live->get(space, key);
  }
  std::unique_ptr<DbIterator> new_iterator() const override { return image_->live->new_iterator(); }

 private:
  std::shared_ptr<StoreImage> image_;
  uint64_t& durable_commits_;
};

Status MemoryHome::write_identity(ByteView record) {
  identity_ = Bytes(record);
  return Status::ok();
}

Result<std::unique_ptr<KeyValueDB>> MemoryHome::open_current(const DatabaseOptions&) {
  if (current_ == nullptr) return Status(Code::not_found, "there is no store");
  make_durable(*current_);  // as LevelDB does when it opens
  const Result<Bound> found = read_bound(*current_->live->new_iterator());
  if (!found) return found.error();
  SYNOD_ASSERT(bound_ && verify_reaches(*found, *bound_, "the store").is_ok(), "a disk in memory forgets nothing");
  bound_ = *found;
  return std::unique_ptr<KeyValueDB>(std::make_unique<ImageDB>(current_, durable_commits_));
}

Result<StoreHome::NewStore> MemoryHome::create_store(const DatabaseOptions&) {
  other_ = std::make_shared<StoreImage>();
  return NewStore{"other", std::make_unique<ImageDB>(other_, durable_commits_)};
}

Status MemoryHome::switch_to(const std::string&, const Bound& bound) {
  SYNOD_ASSERT(other_ != nullptr && other_->volatile_commits.empty(), "only a durable store becomes the current one");
  current_ = std::move(other_);
  bound_ = bound;
  return Status::ok();
}

Status MemoryHome::write_bound(const Bound& bound) {
  SYNOD_ASSERT(read_bound(*current_->durable->new_iterator())->sequence >= bound.sequence,
               "the bound names no batch that is not durable");
  bound_ = bound;
  return Status::ok();
}

void MemoryHome::cut_power(SeededRandom& random) {
  other_.reset();
  if (current_ == nullptr) return;
  auto after = std::make_shared<StoreImage>();
  const size_t kept = random.below(current_->volatile_commits.size() + 1);
  for (size_t i = 0; i < kept; ++i) must(current_->durable->commit(current_->volatile_commits[i], Durability::durable));
  auto it = current_->durable->new_iterator();
  DbBatch all;
  for (it->seek_to_first(); it->is_valid(); it->next()) {
    Transaction put;
    put.put(Bytes(it->key()), SharedBytes::copy_of(it->value()));
    DbBatch one;
    if (it->space() == KeySpace::replicated) {
      ReplicatedTransaction typed;
      typed.append(std::move(put));
      one.add(std::move(typed));
    } else if (it->space() == KeySpace::log) {
      LogTransaction typed;
      typed.append(std::move(put));
      one.add(std::move(typed));
    } else {
      LocalTransaction typed;
      typed.append(std::move(put));
      one.add(std::move(typed));
    }
    must(after->live->commit(one, Durability::visible));
  }
  after->durable = std::move(current_->durable);
  current_ = std::move(after);
}

}  // namespace synod::sim
