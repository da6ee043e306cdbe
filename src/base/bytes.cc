#include "base/bytes.h"

#include "base/assert.h"

namespace synod {

SharedBytes SharedBytes::slice(size_t offset, size_t length) const {
  SYNOD_ASSERT(offset <= view_.size() && length <= view_.size() - offset, "slice outside of its buffer");
  SharedBytes part;
  part.buffer_ = buffer_;
  part.view_ = view_.substr(offset, length);
  return part;
}

Bytes prefix_end(ByteView prefix) {
  Bytes end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace synod
