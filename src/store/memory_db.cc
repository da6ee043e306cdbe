#include "store/memory_db.h"

#include <map>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "store/space_key.h"

namespace synod {
namespace {

using Pairs = std::map<Bytes, SharedBytes, std::less<>>;

// The newest pairs. Iterators share them, under the mutex, until the next commit copies them.
struct MemoryState {
  std::mutex mutex;
  std::shared_ptr<Pairs> newest = std::make_shared<Pairs>();
};

class MemoryIterator final : public DbIterator {
 public:
  explicit MemoryIterator(std::shared_ptr<MemoryState> state) : state_(std::move(state)) {
    const std::lock_guard lock(state_->mutex);
    pairs_ = state_->newest;
    at_ = pairs_->end();
  }
  // Under the mutex, so that a commit that finds the pairs unshared happens after the last read of this iterator.
  ~MemoryIterator() override {
    const std::lock_guard lock(state_->mutex);
    pairs_.reset();
  }

  void seek_to_first() override { at_ = pairs_->begin(); }
  void seek(KeySpace space, ByteView key) override { at_ = pairs_->lower_bound(space_key(space, key)); }
  bool is_valid() const override { return at_ != pairs_->end(); }
  void next() override {
    SYNOD_ASSERT(is_valid(), "next() of an iterator that is not at a key");
    ++at_;
  }
  KeySpace space() const override { return static_cast<KeySpace>(at_->first.front()); }
  ByteView key() const override { return ByteView(at_->first).substr(1); }
  ByteView value() const override { return at_->second.view(); }
  Status status() const override { return Status::ok(); }

 private:
  std::shared_ptr<MemoryState> state_;
  std::shared_ptr<const Pairs> pairs_;
  Pairs::const_iterator at_;
};

void apply(Pairs& pairs, KeySpace space, const Op& op) {
  switch (op.type) {
    case OpType::put:
      // Copied: a slice would keep the whole frame that it came in.
      pairs.insert_or_assign(space_key(space, op.key), SharedBytes::copy_of(op.value.view()));
      break;
    case OpType::erase: pairs.erase(space_key(space, op.key)); break;
    case OpType::erase_range:
      pairs.erase(pairs.lower_bound(space_key(space, op.key)), pairs.lower_bound(space_range_end(space, op.end)));
      break;
  }
}

class MemoryDb final : public KeyValueDB {
 public:
  Status commit(const DbBatch& batch, Durability /*durability*/) override {
    const std::lock_guard lock(state_->mutex);
    if (state_->newest.use_count() > 1) state_->newest = std::make_shared<Pairs>(*state_->newest);
    for (const DbBatch::Part& part : batch.parts()) {
      for (const Op& op : part.transaction.ops()) apply(*state_->newest, part.space, op);
    }
    return Status::ok();
  }

  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->newest->find(space_key(space, key));
    if (found == state_->newest->end()) return std::optional<Bytes>();
    return std::optional<Bytes>(found->second.view());
  }

  std::unique_ptr<DbIterator> make_iterator(CacheUse /*use*/) const override {
    return std::make_unique<MemoryIterator>(state_);
  }

 private:
  std::shared_ptr<MemoryState> state_ = std::make_shared<MemoryState>();
};

}  // namespace

std::unique_ptr<KeyValueDB> make_memory_db() { return std::make_unique<MemoryDb>(); }

}  // namespace synod
