#include "store/mirrored_db.h"

#include <fmt/format.h>

#include <mutex>
#include <string>
#include <utility>

#include "base/checksum.h"
#include "base/escape.h"
#include "store/memory_db.h"

namespace synod {
namespace {

// The first difference, for all iterators and threads.
class Verdict {
 public:
  Status get() const {
    const std::lock_guard lock(mutex_);
    return found_;
  }
  Status set(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (found_.is_ok()) found_ = Status(Code::corruption, "the store differs from its mirror in memory: " + what);
    return found_;
  }

 private:
  mutable std::mutex mutex_;
  Status found_;
};

std::string key_text(KeySpace space, ByteView key) {
  return fmt::format("key {} of space {}", escape(key), static_cast<char>(space));
}

std::string value_text(const std::optional<ByteView>& value) {
  return value ? fmt::format("{} bytes with checksum {:016x}", value->size(), checksum64(*value)) : "nothing";
}

class MirroredIterator final : public DbIterator {
 public:
  MirroredIterator(std::shared_ptr<Verdict> verdict, std::unique_ptr<DbIterator> real,
                   std::unique_ptr<DbIterator> mirror)
      : verdict_(std::move(verdict)), real_(std::move(real)), mirror_(std::move(mirror)) {
    status_ = verdict_->get();
  }

  void seek_to_first() override {
    real_->seek_to_first();
    mirror_->seek_to_first();
    compare("seek_to_first");
  }
  void seek(KeySpace space, ByteView key) override {
    const Bytes wanted(key);  // it may be this iterator's own
    real_->seek(space, wanted);
    mirror_->seek(space, wanted);
    compare("seek");
  }
  bool is_valid() const override { return status_.is_ok() && real_->is_valid(); }
  void next() override {
    real_->next();
    mirror_->next();
    compare("next");
  }
  KeySpace space() const override { return real_->space(); }
  ByteView key() const override { return real_->key(); }
  ByteView value() const override { return real_->value(); }
  Status status() const override { return status_; }

 private:
  static std::string place(const DbIterator& iterator) {
    return iterator.is_valid() ? key_text(iterator.space(), iterator.key()) : "the end";
  }
  void compare(const char* operation) {
    if (status_.is_ok()) status_ = real_->status();
    if (!status_.is_ok()) return;
    const bool is_same_place =
        real_->is_valid() == mirror_->is_valid() &&
        (!real_->is_valid() || (real_->space() == mirror_->space() && real_->key() == mirror_->key()));
    if (!is_same_place) {
      status_ = verdict_->set(fmt::format("{} finds {}, and not {}", operation, place(*real_), place(*mirror_)));
    } else if (real_->is_valid() && real_->value() != mirror_->value()) {
      status_ = verdict_->set(fmt::format("{} at {} finds {}, and not {}", operation, place(*real_),
                                          value_text(real_->value()), value_text(mirror_->value())));
    }
  }

  std::shared_ptr<Verdict> verdict_;
  std::unique_ptr<DbIterator> real_;
  std::unique_ptr<DbIterator> mirror_;
  Status status_;
};

class MirroredDb final : public KeyValueDB {
 public:
  explicit MirroredDb(std::unique_ptr<KeyValueDB> real) : real_(std::move(real)) {}

  Status fill() {
    const auto iterator = real_->new_iterator();
    for (iterator->seek_to_first(); iterator->is_valid(); iterator->next()) {
      SYNOD_RETURN_IF_ERROR(mirror_->commit(put_of(*iterator), Durability::visible));
    }
    return iterator->status();
  }

  Status commit(const DbBatch& batch, Durability durability) override {
    const std::lock_guard lock(mutex_);
    SYNOD_RETURN_IF_ERROR(verdict_->get());
    SYNOD_RETURN_IF_ERROR(real_->commit(batch, durability));
    SYNOD_RETURN_IF_ERROR(mirror_->commit(batch, durability));
    for (const DbBatch::Part& part : batch.parts()) {
      for (const Op& op : part.transaction.ops()) SYNOD_RETURN_IF_ERROR(read_back(part.space, op));
    }
    return Status::ok();
  }

  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override {
    const std::lock_guard lock(mutex_);
    return compared_get(space, key);
  }
  std::optional<double> share_before(KeySpace space, ByteView key) const override {
    return real_->share_before(space, key);
  }
  std::unique_ptr<DbIterator> make_iterator(CacheUse use) const override {
    const std::lock_guard lock(mutex_);  // both at the same state
    return std::make_unique<MirroredIterator>(verdict_, real_->make_iterator(use), mirror_->make_iterator(use));
  }

 private:
  template <KeySpace space>
  static DbBatch one_put(ByteView key, ByteView value) {
    SpaceTransaction<space> transaction;
    transaction.put(Bytes(key), SharedBytes::copy_of(value));
    DbBatch batch;
    batch.add(std::move(transaction));
    return batch;
  }
  static DbBatch put_of(const DbIterator& at) {
    switch (at.space()) {
      case KeySpace::local: return one_put<KeySpace::local>(at.key(), at.value());
      case KeySpace::log: return one_put<KeySpace::log>(at.key(), at.value());
      case KeySpace::replicated: break;
    }
    return one_put<KeySpace::replicated>(at.key(), at.value());
  }

  Result<std::optional<Bytes>> compared_get(KeySpace space, ByteView key) const {
    SYNOD_RETURN_IF_ERROR(verdict_->get());
    Result<std::optional<Bytes>> real = real_->get(space, key);
    if (!real) return real;
    const Result<std::optional<Bytes>> mirror = mirror_->get(space, key);
    if (!mirror) return mirror;
    if (*real == *mirror) return real;
    return verdict_->set(
        fmt::format("get of {} finds {}, and not {}", key_text(space, key), value_text(*real), value_text(*mirror)));
  }

  // What the operation has left. Later ones of the batch may have gone over it: the mirror knows.
  Status read_back(KeySpace space, const Op& op) const {
    if (op.type != OpType::erase_range) return compared_get(space, op.key).status();
    MirroredIterator iterator(verdict_, real_->make_iterator(CacheUse::bypass),
                              mirror_->make_iterator(CacheUse::bypass));
    const auto is_in_range = [&] {
      return iterator.is_valid() && iterator.space() == space && (op.end.empty() || iterator.key() < op.end);
    };
    iterator.seek(space, op.key);
    while (is_in_range()) iterator.next();
    return iterator.status();
  }

  std::unique_ptr<KeyValueDB> real_;
  std::unique_ptr<KeyValueDB> mirror_ = make_memory_db();
  std::shared_ptr<Verdict> verdict_ = std::make_shared<Verdict>();
  mutable std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<KeyValueDB>> mirror_in_memory(std::unique_ptr<KeyValueDB> db) {
  auto mirrored = std::make_unique<MirroredDb>(std::move(db));
  const Status filled = mirrored->fill();
  if (!filled.is_ok()) return filled;
  return std::unique_ptr<KeyValueDB>(std::move(mirrored));
}

}  // namespace synod
