#include "test/script/home.h"

#include <iterator>
#include <utility>

#include "base/assert.h"

namespace synod::script {
namespace {

// An open handle on an image.
class ImageDB : public KeyValueDB {
 public:
  explicit ImageDB(std::shared_ptr<ScriptHome::Image> image) : image_(std::move(image)) {}

  Status commit(const DbBatch& batch, Durability durability) override {
    SYNOD_RETURN_IF_ERROR(image_->live->commit(batch, durability));
    image_->unsynced.push_back(batch);
    if (durability == Durability::durable) {
      std::move(image_->unsynced.begin(), image_->unsynced.end(), std::back_inserter(image_->durable));
      image_->unsynced.clear();
    }
    return Status::ok();
  }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override {
    return image_->live->get(space, key);
  }
  std::unique_ptr<DbIterator> make_iterator(CacheUse use) const override { return image_->live->make_iterator(use); }

 private:
  std::shared_ptr<ScriptHome::Image> image_;
};

}  // namespace

Status ScriptHome::write_identity(ByteView record) {
  identity_ = Bytes(record);
  return Status::ok();
}

Result<std::unique_ptr<KeyValueDB>> ScriptHome::open_current(const DatabaseOptions&) {
  if (current_ == nullptr) return Status(Code::not_found, "there is no store");
  return std::unique_ptr<KeyValueDB>(std::make_unique<ImageDB>(current_));
}

Result<StoreHome::NewStore> ScriptHome::create_store(const DatabaseOptions&) {
  other_ = std::make_shared<Image>();
  return NewStore{"other", std::make_unique<ImageDB>(other_)};
}

Result<StoreHome::NewStore> ScriptHome::clone_current(const DatabaseOptions& options) {
  SYNOD_ASSERT(current_ != nullptr, "only a store is cloned");
  auto clone = std::make_shared<Image>();
  clone->durable = current_->durable;
  clone->durable.insert(clone->durable.end(), current_->unsynced.begin(), current_->unsynced.end());
  for (const DbBatch& batch : clone->durable) {
    SYNOD_ASSERT(clone->live->commit(batch, Durability::durable).is_ok(), "a database in memory does not fail");
  }
  Result<NewStore> made = create_store(options);
  *other_ = std::move(*clone);
  return made;
}

Result<std::optional<StoreHome::NewStore>> ScriptHome::open_unfinished(const DatabaseOptions&) {
  if (other_ == nullptr) return std::optional<NewStore>();
  return std::optional<NewStore>(NewStore{"other", std::make_unique<ImageDB>(other_), other_->record});
}

Status ScriptHome::write_copy_record(ByteView record) {
  SYNOD_ASSERT(other_ != nullptr, "a copy's record is written while there is one");
  other_->record = Bytes(record);
  return Status::ok();
}

Status ScriptHome::remove_unfinished() {
  other_.reset();
  return Status::ok();
}

Status ScriptHome::switch_to(const std::string&, const Bound&) {
  SYNOD_ASSERT(other_ != nullptr && other_->unsynced.empty(), "only a durable store becomes the current one");
  current_ = std::move(other_);
  return Status::ok();
}

size_t ScriptHome::cut_power() {
  size_t lost = 0;
  for (std::shared_ptr<Image>* image : {&current_, &other_}) {
    if (*image == nullptr) continue;
    auto after = std::make_shared<Image>();
    after->durable = std::move((*image)->durable);
    after->record = std::move((*image)->record);
    for (const DbBatch& batch : after->durable) {
      SYNOD_ASSERT(after->live->commit(batch, Durability::durable).is_ok(), "a database in memory does not fail");
    }
    lost += (*image)->unsynced.size();
    *image = std::move(after);
  }
  return lost;
}

}  // namespace synod::script
