#include "store/views.h"

#include <utility>

#include "store/log_reader.h"

namespace synod {
namespace {

class IteratorReader final : public ReplicatedReader {
 public:
  explicit IteratorReader(std::unique_ptr<DbIterator> iterator) : iterator_(std::move(iterator)) {}

  Result<std::optional<Bytes>> get(ByteView key) const override { return find(*iterator_, KeySpace::replicated, key); }

  Status scan(ByteView begin, ByteView end, const std::function<bool(ByteView, ByteView)>& visit) const override {
    for (iterator_->seek(KeySpace::replicated, begin); iterator_->is_valid(); iterator_->next()) {
      if (!end.empty() && iterator_->key() >= end) break;
      if (!visit(iterator_->key(), iterator_->value())) break;
    }
    return iterator_->status();
  }

 private:
  std::unique_ptr<DbIterator> iterator_;
};

class IteratorWalker final : public StoreWalker {
 public:
  IteratorWalker(std::unique_ptr<DbIterator> iterator, const Position& position)
      : iterator_(std::move(iterator)), position_(position) {}

  Status start(ByteView after) {
    seek_behind(*iterator_, KeySpace::replicated, after);
    last_key_ = Bytes(after);
    return iterator_->status();
  }

  Result<WalkChunk> next_chunk(size_t max_bytes, size_t max_keys) override {
    WalkChunk chunk;
    for (; iterator_->is_valid(); iterator_->next()) {
      const ByteView key = iterator_->key();
      const ByteView value = iterator_->value();
      const size_t size = key.size() + value.size();
      if (chunk.keys > 0 && (chunk.keys >= max_keys || chunk.bytes + size > max_bytes)) break;
      chunk.puts.put(Bytes(key), SharedBytes::copy_of(value));
      chunk.keys += 1;
      chunk.bytes += size;
      last_key_ = Bytes(key);
    }
    SYNOD_RETURN_IF_ERROR(iterator_->status());
    chunk.last_key = last_key_;
    chunk.is_last = !iterator_->is_valid();
    return chunk;
  }

  Position position() const override { return position_; }

 private:
  std::unique_ptr<DbIterator> iterator_;
  Position position_;
  Bytes last_key_;
};

}  // namespace

std::unique_ptr<ReplicatedReader> make_reader(std::unique_ptr<DbIterator> iterator) {
  return std::make_unique<IteratorReader>(std::move(iterator));
}

Result<std::unique_ptr<StoreWalker>> make_walker(std::unique_ptr<DbIterator> iterator, ByteView after) {
  Result<Position> position = read_applied(*iterator);
  if (!position) return position.error();
  auto walker = std::make_unique<IteratorWalker>(std::move(iterator), *position);
  SYNOD_RETURN_IF_ERROR(walker->start(after));
  return std::unique_ptr<StoreWalker>(std::move(walker));
}

}  // namespace synod
