// Every message, as monitors and clients receive it. The input is a frame whose checksum and payload length are made to
// fit before it is decoded.
#include <algorithm>

#include "base/assert.h"
#include "msg/codec.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/wire.h"
#include "test/unit/msg/samples.h"

namespace synod::fuzz {
namespace {

void put_little32(Bytes& to, size_t offset, size_t number) {
  for (size_t i = 0; i < 4; ++i) to[offset + i] = static_cast<char>(number >> (8 * i) & 0xff);
}

Result<Received> decode(const Bytes& frame) {
  return decode_frame(ByteView(frame).substr(0, frame_prefix_size), SharedBytes(frame.substr(frame_prefix_size)));
}

}  // namespace

void run(ByteView input) {
  constexpr size_t header_size_offset = 8;
  if (input.size() < frame_prefix_size) return;
  Bytes frame(input);
  const size_t body = frame.size() - frame_prefix_size;
  const size_t header = std::min<size_t>(
      static_cast<unsigned char>(frame[header_size_offset]) | static_cast<unsigned char>(frame[9]) << 8, body);
  put_little32(frame, header_size_offset, header);
  put_little32(frame, header_size_offset + 4, body - header);
  frame = with_right_checksums(std::move(frame));

  const Result<Received> received = decode(frame);
  if (!received) {
    const Code code = received.error().code();
    SYNOD_ASSERT(code == Code::corruption || code == Code::invalid_argument, "a bad frame is called so");
    return;
  }
  // Protobuf has many encodings of one message; what is encoded here must be stable.
  const Bytes encoded = wire_bytes(received->source, received->message);
  const Result<Received> again = decode(encoded);
  SYNOD_ASSERT(again.has_value(), "what was decoded and encoded is decoded again");
  SYNOD_ASSERT(again->source == received->source, "its source is the same");
  SYNOD_ASSERT(test::describe(again->message) == test::describe(received->message), "its fields are the same");
  SYNOD_ASSERT(wire_bytes(again->source, again->message) == encoded, "its bytes are the same from then on");
}

std::vector<Bytes> seeds() { return sample_frames(); }

}  // namespace synod::fuzz
