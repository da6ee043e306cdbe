// Byte strings: owned, borrowed, and shared without copying.
//
// Thread safety: `Bytes` and `ByteView` are standard strings. A `SharedBytes` is immutable; copies of one may be used
// by several threads at once.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace synod {

using Bytes = std::string;
using ByteView = std::string_view;

// An immutable, reference-counted run of bytes. A slice shares the buffer that it was cut from, so a value received in
// a frame reaches the store without being copied; the price is that the whole frame lives as long as its last slice.
class SharedBytes {
 public:
  SharedBytes() = default;
  explicit SharedBytes(Bytes bytes) : buffer_(std::make_shared<const Bytes>(std::move(bytes))), view_(*buffer_) {}
  static SharedBytes copy_of(ByteView bytes) { return SharedBytes(Bytes(bytes)); }

  ByteView view() const { return view_; }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }

  // REQUIRES: offset + length <= size().
  SharedBytes slice(size_t offset, size_t length) const;

  friend bool operator==(const SharedBytes& a, const SharedBytes& b) { return a.view_ == b.view_; }

 private:
  std::shared_ptr<const Bytes> buffer_;
  ByteView view_;
};

// The smallest key greater than every key that starts with `prefix`; empty when there is none (`prefix` is all 0xff),
// which every interval in this project reads as "to the end".
Bytes prefix_end(ByteView prefix);

}  // namespace synod
