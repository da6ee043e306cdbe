#include "test/fuzz/wire.h"

#include "base/checksum.h"
#include "test/unit/msg/samples.h"

namespace synod::fuzz {
namespace {

constexpr size_t checksum_offset = 16;

}  // namespace

Bytes wire_bytes(const Source& source, const Message& message) {
  const Frame frame = encode_frame(source, message);
  Bytes bytes = frame.head;
  for (const SharedBytes& part : frame.payload) bytes += part.view();
  return bytes;
}

std::vector<Bytes> sample_frames() {
  std::vector<Bytes> frames;
  for (const Message& message : test::sample_messages()) frames.push_back(wire_bytes(test::sample_source(), message));
  return frames;
}

Bytes with_right_checksums(Bytes stream) {
  for (size_t at = 0; stream.size() - at >= frame_prefix_size;) {
    const size_t left = stream.size() - at - frame_prefix_size;
    const Result<FramePrefix> prefix = decode_prefix(ByteView(stream).substr(at, frame_prefix_size), left);
    if (!prefix) break;
    const size_t body_size = size_t{prefix->header_size} + prefix->payload_size;
    const Bytes covered = stream.substr(at, checksum_offset) + stream.substr(at + frame_prefix_size, body_size);
    const uint64_t checksum = checksum64(covered);
    for (size_t i = 0; i < sizeof(checksum); ++i) {
      stream[at + checksum_offset + i] = static_cast<char>(checksum >> (8 * i) & 0xff);
    }
    at += frame_prefix_size + body_size;
  }
  return stream;
}

}  // namespace synod::fuzz
