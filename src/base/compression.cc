#include "base/compression.h"

#include <fmt/format.h>
#include <snappy.h>

namespace synod {

std::optional<Bytes> compress(ByteView bytes) {
  Bytes compressed;
  snappy::Compress(bytes.data(), bytes.size(), &compressed);
  if (compressed.size() > bytes.size() - bytes.size() / 8) return std::nullopt;
  return compressed;
}

Result<Bytes> decompress(ByteView compressed, size_t bytes_max) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(compressed.data(), compressed.size(), &size)) {
    return Status(Code::corruption, "these are not compressed bytes");
  }
  if (size > bytes_max) {
    return Status(Code::corruption, fmt::format("these would be {} bytes, of at most {}", size, bytes_max));
  }
  // It is looked through first: a few bytes may claim to be many.
  if (!snappy::IsValidCompressedBuffer(compressed.data(), compressed.size())) {
    return Status(Code::corruption, "the compressed bytes are damaged");
  }
  Bytes bytes;
  snappy::Uncompress(compressed.data(), compressed.size(), &bytes);
  return bytes;
}

}  // namespace synod
