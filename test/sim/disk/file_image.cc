#include "test/sim/disk/file_image.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace synod::sim {

void FileImage::own_bytes() {
  bytes_ = std::make_shared<std::string>(*bytes_, 0, size_);
  is_borrowed_ = false;
}

void FileImage::preserve(uint64_t page) {
  if (const auto lost = lost_pages_.find(page); lost != lost_pages_.end()) {
    old_pages_.emplace(page, std::move(lost->second));
    lost_pages_.erase(lost);
    return;
  }
  const uint64_t begin = page * page_bytes;
  const uint64_t end = std::min({begin + page_bytes, synced_size_, size_});
  if (begin < end) old_pages_.emplace(page, bytes_->substr(begin, end - begin));
}

void FileImage::put_live(uint64_t offset, ByteView data) {
  const bool is_append = offset >= size_;
  const bool is_shared = bytes_.use_count() > 1;
  if (is_borrowed_ || (is_shared && (!is_append || bytes_->size() != size_))) own_bytes();
  bytes_->resize(size_);  // drops what a truncation left
  if (offset > size_) bytes_->resize(offset);
  if (offset == bytes_->size()) {
    bytes_->append(data);
  } else {
    bytes_->resize(std::max<uint64_t>(bytes_->size(), offset + data.size()));
    std::copy(data.begin(), data.end(), bytes_->begin() + static_cast<std::ptrdiff_t>(offset));
  }
  size_ = bytes_->size();
}

void FileImage::write(uint64_t offset, ByteView data) {
  if (data.empty()) return;
  const uint64_t changed = std::min(offset, size_);
  if (changed < synced_size_ || !lost_pages_.empty()) {
    for (uint64_t page = page_of(changed); page <= page_of(offset + data.size() - 1); ++page) {
      if (!old_pages_.contains(page)) preserve(page);
    }
  }
  put_live(offset, data);
}

void FileImage::truncate(uint64_t size) {
  if (size >= size_) {
    if (size > size_) write(size - 1, ByteView("\0", 1));
    return;
  }
  for (uint64_t page = page_of(size); page * page_bytes < std::max(size_, synced_size_); ++page) {
    if (!old_pages_.contains(page)) preserve(page);
  }
  size_ = size;
  least_size_ = std::min(least_size_, size);
  if (size == 0) own_bytes();
}

void FileImage::sync() {
  old_pages_.clear();
  synced_size_ = least_size_ = size_;
}

Bytes FileImage::durable_page(uint64_t page) const {
  const uint64_t begin = page * page_bytes;
  if (begin >= synced_size_) return {};
  const uint64_t length = std::min(page_bytes, synced_size_ - begin);
  Bytes content;
  if (const auto lost = lost_pages_.find(page); lost != lost_pages_.end()) {
    content = lost->second;
  } else if (const auto old = old_pages_.find(page); old != old_pages_.end()) {
    content = old->second;
  } else {
    return bytes_->substr(begin, length);
  }
  content.resize(length);
  return content;
}

Bytes FileImage::durable_bytes() const {
  Bytes content = bytes_->substr(0, std::min(size_, synced_size_));
  content.resize(synced_size_);
  for (const auto* pages : {&old_pages_, &lost_pages_}) {
    for (const auto& [page, unused] : *pages) {
      const Bytes kept = durable_page(page);
      content.replace(std::min<uint64_t>(page * page_bytes, content.size()), kept.size(), kept);
    }
  }
  return content;
}

template <class Visit>
void FileImage::for_each_dirty_page(Visit visit) const {
  const uint64_t first_new = page_of(synced_size_);
  for (const auto& [page, unused] : old_pages_) {
    if (page < first_new || size_ <= synced_size_) visit(page);
  }
  for (uint64_t page = first_new; size_ > synced_size_ && page * page_bytes < size_; ++page) visit(page);
}

void FileImage::fail_sync(SeededRandom& random) {
  const bool shows_old_bytes = random.chance(50);
  std::map<uint64_t, Bytes> missed;
  for_each_dirty_page([&](uint64_t page) {
    if (random.chance(50) && page * page_bytes < size_) missed.emplace(page, durable_page(page));
  });
  sync();
  for (auto& [page, content] : missed) {
    if (shows_old_bytes) {
      content.resize(std::min(page_bytes, size_ - page * page_bytes));
      put_live(page * page_bytes, content);
    } else {
      lost_pages_.insert_or_assign(page, std::move(content));
    }
  }
}

Bytes FileImage::cut_at(uint64_t cut, bool keeps_truncation) const {
  const Bytes durable = durable_bytes();
  Bytes content(bytes().substr(0, cut));
  const Bytes below = durable.substr(0, keeps_truncation ? least_size_ : durable.size());
  if (content.size() < below.size()) content += below.substr(content.size());
  for (const auto& [page, unused] : lost_pages_) {
    const uint64_t begin = page * page_bytes;
    if (begin >= content.size()) continue;
    Bytes kept = durable_page(page);
    kept.resize(std::min(page_bytes, content.size() - begin));
    content.replace(begin, kept.size(), kept);
  }
  return content;
}

Bytes FileImage::cut_by_pages(SeededRandom& random) const {
  Bytes content = durable_bytes();
  uint64_t end = synced_size_;
  std::vector<uint64_t> kept;
  for_each_dirty_page([&](uint64_t page) {
    if (page * page_bytes >= size_ || random.chance(50)) return;
    kept.push_back(page);
    end = std::max(end, std::min(size_, (page + 1) * page_bytes));
  });
  // The size is a thing of its own: it may be there without the pages, and the pages behind it are none.
  if (size_ > end && random.chance(50)) end = size_;
  if (size_ < synced_size_ && random.chance(50)) end = size_;
  content.resize(end);
  for (const uint64_t page : kept) {
    const uint64_t begin = page * page_bytes;
    const uint64_t length = std::min(page_bytes, std::min(end, size_) - begin);
    content.replace(begin, length, bytes_->substr(begin, length));
  }
  return content;
}

void FileImage::reset(Bytes bytes) {
  bytes_ = std::make_shared<std::string>(std::move(bytes));
  is_borrowed_ = false;
  size_ = synced_size_ = least_size_ = bytes_->size();
  old_pages_.clear();
  lost_pages_.clear();
}

bool FileImage::cut_power(PowerCut mode, SeededRandom& random) {
  if (is_clean()) return false;
  const Bytes durable = durable_bytes();
  uint64_t first = std::min(size_, synced_size_);
  if (!old_pages_.empty()) first = std::min(first, old_pages_.begin()->first * page_bytes);
  uint64_t cut = first + random.below(size_ - std::min(first, size_) + 1);
  if (mode == PowerCut::prefix_kept && cut < size_) cut -= cut % page_bytes;
  Bytes content;
  switch (mode) {
    case PowerCut::all_lost: content = durable; break;
    case PowerCut::prefix_kept:
    case PowerCut::random_cut: content = cut_at(cut, size_ < synced_size_ && random.chance(50)); break;
    case PowerCut::pages_kept: content = cut_by_pages(random); break;
  }
  const bool is_torn = content != durable && content != bytes();
  reset(std::move(content));
  return is_torn;
}

FileImage FileImage::durable_copy() const {
  FileImage copy;
  if (old_pages_.empty() && lost_pages_.empty() && synced_size_ <= size_) {
    copy.bytes_ = bytes_;
    copy.is_borrowed_ = true;
    copy.size_ = copy.synced_size_ = copy.least_size_ = synced_size_;
  } else {
    copy.reset(durable_bytes());
  }
  return copy;
}

}  // namespace synod::sim
