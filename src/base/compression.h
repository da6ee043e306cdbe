// Compression with Snappy: cheap, and cheaper still on what does not compress. Stateless, so thread safe.
#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"
#include "base/status.h"

namespace synod {

// Nothing, unless at least an eighth is saved.
std::optional<Bytes> compress(ByteView bytes);

// The inverse. Fails with `corruption` if these are not compressed bytes, or would be more than `bytes_max`; then
// nothing was allocated for them.
Result<Bytes> decompress(ByteView compressed, size_t bytes_max);

}  // namespace synod
