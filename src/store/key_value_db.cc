#include "store/key_value_db.h"

#include <utility>

#include "base/assert.h"

namespace synod {
namespace {

class SpaceIterator final : public DbIterator {
 public:
  SpaceIterator(std::unique_ptr<DbIterator> whole, KeySpace space) : whole_(std::move(whole)), space_(space) {}

  void seek_to_first() override { whole_->seek(space_, {}); }
  void seek(KeySpace space, ByteView key) override {
    if (space < space_) {
      seek_to_first();
    } else {
      whole_->seek(space, key);
    }
  }
  bool is_valid() const override { return whole_->is_valid() && whole_->space() == space_; }
  void next() override {
    SYNOD_ASSERT(is_valid(), "next() of an iterator that is not at a key");
    whole_->next();
  }
  KeySpace space() const override { return space_; }
  ByteView key() const override { return whole_->key(); }
  ByteView value() const override { return whole_->value(); }
  Status status() const override { return whole_->status(); }

 private:
  std::unique_ptr<DbIterator> whole_;
  KeySpace space_;
};

}  // namespace

void seek_behind(DbIterator& iterator, KeySpace space, ByteView key) {
  iterator.seek(space, key);
  if (!key.empty() && iterator.is_valid() && iterator.key() == key) iterator.next();
}

std::unique_ptr<DbIterator> KeyValueDB::new_iterator(KeySpace space, CacheUse use) const {
  return std::make_unique<SpaceIterator>(make_iterator(use), space);
}

}  // namespace synod
