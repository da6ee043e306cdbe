// Messages to frames and back. The only place that knows protobuf.
//
//   offset  size
//        0     4  "SYND"
//        4     2  frame format version, 1 (little-endian, as all numbers here)
//        6     2  message type
//        8     4  length of the header
//       12     4  length of the payload
//       16     8  XXH3-64 of the 16 bytes above, the header and the payload
//       24        header: Source and the message's fields, protobuf
//                 payload: values and chunks, back to back; the header has their lengths
//
// Pure functions; thread safe.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "msg/messages.h"

namespace synod {

inline constexpr size_t frame_prefix_size = 24;
// A header unfolds in memory to a multiple of its size, so it has a cap of its own.
inline constexpr size_t header_bytes_max = 4 << 20;

struct FramePrefix {
  uint16_t type = 0;
  uint32_t header_size = 0;
  uint32_t payload_size = 0;
  uint64_t checksum = 0;
};

// A message ready to be sent: the parts are written one after the other, the payload without being copied.
struct Frame {
  Bytes head;  // prefix and header
  std::vector<SharedBytes> payload;
  size_t size() const;
};

Frame encode_frame(const Source& source, const Message& message);

// REQUIRES: bytes.size() == frame_prefix_size. Fails with `corruption` on a wrong magic, version, or type, and with
// `invalid_argument` if the header exceeds
// `header_bytes_max`, or header and payload together `max_frame_bytes`.
Result<FramePrefix> decode_prefix(ByteView bytes, size_t max_frame_bytes);

struct Received {
  Source source;
  Message message;
};
// `prefix_bytes` as received; `body` is header and payload. Values in the result share `body`.
Result<Received> decode_frame(ByteView prefix_bytes, const SharedBytes& body);

}  // namespace synod
